// Made from the BTF of bpf/*.bpf.c by "npm run build". Do not edit.
import type { PerCpu } from "../bpf/per-cpu.js";

/** The shipped programs by name: their maps, globals, constants, programs and ring buffer records. */
export interface ShippedPrograms {
  hashmap: {
    maps: {
      match_map: {
        key: number;
        value: {
          ts: number;
          fd: number;
        };
      };
    };
    globals: {
      watched_pid: number;
      unmatched: number;
      print: boolean;
    };
    constants: {
      own_tgid: number;
      own_parent_tgid: number;
    };
    programs: "handle_enter" | "handle_exit";
    events: {};
  };
  minimal: {
    maps: {};
    globals: {
      watched_pid: number;
    };
    constants: {
      own_tgid: number;
      own_parent_tgid: number;
    };
    programs: "handle_enter";
    events: {};
  };
  offcpu: {
    maps: {
      stacks: {
        key: number;
        value: Array<number>;
      };
      off: {
        key: number;
        value: {
          since_ns: number;
          place: {
            pid: number;
            user_stack: number;
            kernel_stack: number;
            why: "waiting" | "preempted" | (string & {});
            comm: string;
          };
        };
      };
      times: {
        key: {
          pid: number;
          user_stack: number;
          kernel_stack: number;
          why: "waiting" | "preempted" | (string & {});
          comm: string;
        };
        value: {
          duration_ns: number;
          count: number;
        };
      };
    };
    globals: {
      watched_pid: number;
      times_lost: number;
    };
    constants: {
      own_tgid: number;
      own_parent_tgid: number;
      task_comm_offset: number;
    };
    programs: "on_switch";
    events: {};
  };
  profile: {
    maps: {
      stacks: {
        key: number;
        value: Array<number>;
      };
      samples: {
        key: {
          pid: number;
          user_stack: number;
          kernel_stack: number;
          comm: string;
        };
        value: number;
      };
    };
    globals: {
      watched_pid: number;
      samples_lost: number;
    };
    constants: {
      own_tgid: number;
      own_parent_tgid: number;
    };
    programs: "take_sample";
    events: {};
  };
  ringbuf: {
    maps: {
      begun_map: {
        key: number;
        value: {
          ts: number;
          fd: number;
        };
      };
      rb: {
        key: unknown;
        value: unknown;
      };
    };
    globals: {
      watched_pid: number;
      attached_ns: number;
      rb_lost: number;
      rb_wakeup_bytes: number;
    };
    constants: {
      own_tgid: number;
      own_parent_tgid: number;
      syscall_by_fentry: boolean;
      task_comm_offset: number;
    };
    programs: "handle_enter" | "handle_exit";
    events: {
      rb: {
        start_ns: number;
        duration_ns: number;
        pid: number;
        tid: number;
        fd: number;
        ret: number;
        comm: string;
      };
    };
  };
  stats: {
    maps: {
      begun_map: {
        key: number;
        value: {
          ts: number;
          bytes: number;
          fd: number;
        };
      };
      rb: {
        key: unknown;
        value: unknown;
      };
      stats_map: {
        key: {
          pid: number;
          fd: number;
        };
        value: PerCpu<{
          writes: number;
          total_ns: number;
          min_ns: number;
          max_ns: number;
          asked_bytes: number;
          written_bytes: number;
          errors: number;
          histogram: Array<number>;
          comm: string;
          counted: number;
          sent_ns: number;
        }>;
      };
    };
    globals: {
      watched_pid: number;
      attached_ns: number;
      every_n: number;
      every_ns: number;
      stats_map_lost: number;
      rb_lost: number;
      rb_wakeup_bytes: number;
    };
    constants: {
      own_tgid: number;
      own_parent_tgid: number;
      syscall_by_fentry: boolean;
    };
    programs: "handle_enter" | "handle_exit";
    events: {
      rb: {
        time_ns: number;
        pid: number;
        fd: number;
        writes: number;
        total_ns: number;
        min_ns: number;
        max_ns: number;
        asked_bytes: number;
        written_bytes: number;
        errors: number;
        counted: number;
        comm: string;
      };
    };
  };
  tc_icmp_filter: {
    maps: {
      peers: {
        key: string;
        value: {
          first_ns: number;
          count: number;
          passed: number;
          dropped: number;
          report_ns: number;
          report_count: number;
          state: "counted" | "over_threshold" | "blacklisted" | (string & {});
        };
      };
      source_locks: {
        key: number;
        value: {
          lock: {
            val: number;
          };
          alone: Array<number>;
        };
      };
      blacklist: {
        key: string;
        value: {
          since_ns: number;
        };
      };
      allow: {
        key: {
          bits: number;
          address: string;
        };
        value: number;
      };
      events: {
        key: unknown;
        value: unknown;
      };
    };
    globals: {
      mode: "drop_all" | "monitor" | "filter" | (string & {});
      threshold: number;
      drop_events_per_second: number;
      events_wakeup_bytes: number;
      block_seconds: number;
      passed: number;
      dropped: number;
      hidden: number;
      untracked: number;
      blacklist_full: number;
      events_lost: number;
    };
    constants: {
      own_tgid: number;
      own_parent_tgid: number;
    };
    programs: "icmp_filter";
    events: {
      events: {
        time_ns: number;
        source: string;
        count: number;
        action: "block" | "release" | "drop" | (string & {});
        ifindex: number;
      };
    };
  };
  whoami: {
    maps: {};
    globals: {
      tgid: number;
      parent_tgid: number;
      comm_offset: number;
    };
    constants: {};
    programs: "whoami";
    events: {};
  };
}
