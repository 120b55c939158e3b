// Made from the BTF of bpf/*.bpf.c by "npm run build". Do not edit.

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
      rb_lost: number;
      rb_wakeup_bytes: number;
    };
    constants: {
      own_tgid: number;
      own_parent_tgid: number;
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
  whoami: {
    maps: {};
    globals: {
      tgid: number;
      parent_tgid: number;
    };
    constants: {};
    programs: "whoami";
    events: {};
  };
}
