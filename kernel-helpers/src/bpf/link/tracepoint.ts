import { AttachError } from "../../base/errors.js";
import { nearestNames } from "../../base/names.js";
import { native } from "../../base/native.js";
import { byLinks, type HookKind } from "./attachment.js";
import { cookieOf, type Cookie } from "./hook-options.js";
import { tracepointCategories, tracepointId, tracepoints } from "./tracefs.js";

/** A tracepoint; SEC("tp/CATEGORY/NAME") says it too. */
export interface TracepointHook {
  /** Its category and name, such as `sched/sched_switch`. */
  tracepoint?: string;
  /** What the program reads with bpf_get_attach_cookie(); since Linux 5.15. */
  cookie?: Cookie;
}

export const tracepoint: HookKind<TracepointHook> = {
  to: "a tracepoint",
  takes: ["tracepoint", "cookie"],
  inSection: ["tracepoint"],
  async attach(program, { tracepoint: given, cookie }) {
    const where = given ?? program.section.replace(/^(?:tp|tracepoint)(?:\/|$)/, "");
    const [, category, name] = /^([^/]+)\/(.+)$/.exec(where) ?? [];
    if (category === undefined || name === undefined)
      throw new AttachError(
        program.name,
        program.section,
        given === undefined
          ? `SEC(${JSON.stringify(program.section)}) names no tracepoint for program ${program.name}.`
          : `tracepoint: ${JSON.stringify(given)} is no category and name, for program ${program.name}.`,
        {
          hint:
            (await categoryOf(where)) ??
            'For example SEC("tp/syscalls/sys_enter_write"), or attach({ tracepoint: "syscalls/sys_enter_write" }).',
        },
      );
    const id = await tracepointId(category, name);
    if (id === undefined)
      throw new AttachError(
        program.name,
        program.section,
        `There is no tracepoint ${category}/${name} for program ${program.name}.`,
        { hint: await similar(category, name) },
      );
    const link = native.bpf_program__attach_perf_event(program.object, program.name, {
      config: id,
      cpu: 0, // of any CPU for a tracepoint, but one has to be named
      ...cookieOf(cookie),
    });
    return byLinks([link], `tracepoint ${category}/${name}`);
  },
};

/** A hint for a tracepoint without its category; undefined when no category has it. */
async function categoryOf(name: string): Promise<string | undefined> {
  if (!/^\w+$/.test(name)) return undefined;
  for (const category of await tracepointCategories())
    if ((await tracepoints(category)).includes(name)) return `Its category is missing: SEC("tp/${category}/${name}").`;
  return undefined;
}

/** A hint that names the tracepoints a user may have meant. */
async function similar(category: string, name: string): Promise<string> {
  const names = await tracepoints(category);
  if (names.length === 0)
    return `This kernel has no tracepoint category ${category}; the nearest are ${nearestNames(category, await tracepointCategories())}.`;
  const call = /^(?:sys_)?(\w+)$/.exec(name)?.[1];
  if (category === "syscalls" && names.includes(`sys_enter_${call}`))
    return `Write sys_enter_${call}, where the call begins, or sys_exit_${call}, where it ends.`;
  return `The nearest names in ${category} are ${nearestNames(name, names)}.`;
}
