/** What bpftrace calls things, for messages to whoever comes from there. */

const kinds: Record<string, string | undefined> = {
  ...{ tracepoint: "tp", t: "tp", rawtracepoint: "raw_tp", rt: "raw_tp" },
  ...{ kprobe: "kprobe", k: "kprobe", kretprobe: "kretprobe", kr: "kretprobe" },
  ...{ kfunc: "fentry", fentry: "fentry", f: "fentry", kretfunc: "fexit", fexit: "fexit", fr: "fexit" },
  ...{ uprobe: "uprobe", u: "uprobe", uretprobe: "uretprobe", ur: "uretprobe", usdt: "usdt", U: "usdt" },
  ...{ profile: "profile", p: "profile", interval: "interval", i: "interval" },
};

const perSecond: Record<string, number | undefined> = { s: 1, ms: 1e3, us: 1e6 };

/** bpftrace's name of a hook as it is written here: kprobe:vfs_read is kprobe/vfs_read. Undefined when it is none. */
export function hookOfBpftrace(text: string): string | undefined {
  const [, called, rest] = /^([A-Za-z]+):(.+)$/.exec(text) ?? [];
  const kind = called && kinds[called];
  if (!kind || !rest) return undefined;
  if (kind === "profile" || kind === "interval") {
    const [, unit, count] = /^(hz|s|ms|us):(\d+)$/.exec(rest) ?? [];
    if (!unit || !Number(count)) return undefined;
    const each = unit === "hz" ? 1 / Number(count) : Number(count) / perSecond[unit]!; // seconds
    return kind === "interval" ? `interval:${each}` : `profile:${Math.max(1, Math.round(1 / each))}`;
  }
  switch (kind) {
    case "tp":
      return `tp/${rest.replace(":", "/")}`;
    case "usdt":
      return `usdt/${rest.split(":").length === 2 ? rest.replace(":", ":PROVIDER:") : rest}`;
    case "uprobe":
    case "uretprobe":
      return `${kind}/${rest}`;
    default:
      return `${kind}/${rest.split(":").at(-1)!}`; // without the module
  }
}

/** What to do in place of those of bpftrace's hooks that there are none of. */
export function insteadOfHook(text: string): string | undefined {
  if (/^(?:BEGIN|END)$/i.test(text)) return "What comes before and after is TypeScript around the question.";
  if (/^(?:software|s|hardware|h|watchpoint|w|asyncwatchpoint|aw|iter|it|self|bench):/.test(text))
    return "probe() has no hooks of this kind: write the program in C, with %%bpf.";
  return undefined;
}

const columns: Record<string, string | undefined> = {
  ...{ nsecs: "time_ns", elapsed: "time_ns", kstack: "kernel_stack", ustack: "user_stack" },
  ...{ retval: "ret", func: "probe" },
};

/** What a column of bpftrace's is called here; undefined for others, and where there is none. */
export function insteadOfColumn(name: string, known: readonly string[]): string | undefined {
  if (name === "args") return "The hook's fields are the row's own: d.NAME for bpftrace's args.NAME.";
  const here = columns[name];
  return here && known.includes(here) ? `bpftrace's ${name} is ${here} here.` : undefined;
}

/** What a function of bpftrace's that adds up is called here. */
export const insteadOfSum: Record<string, string | undefined> = {
  hist: "op.log2(d.ret) counts by powers of two.",
  lhist: "op.linear(d.ret, 0, 1000, 100) counts by steps of 100.",
  avg: "op.mean(d.ret) is the average.",
  stats: "Give op.count(), op.mean(d.ret) and op.sum(d.ret) a column each.",
};
