import { requireInteger } from "../../base/arguments.js";
import { lacking } from "../../base/capabilities.js";
import { ArgumentError, AttachError, NotRootError } from "../../base/errors.js";
import { nearestNames } from "../../base/names.js";
import { isNativeError, native } from "../../base/native.js";
import { byLinks, type Attachable, type HookKind } from "./attachment.js";
import { executablePath, readExecutable, type Executable } from "./executable.js";
import { cookieOf, processId, type Cookie } from "./hook-options.js";

/** A function of a program or library; SEC("uprobe/PATH:FUNCTION+OFFSET") says it too. */
export interface UprobeHook {
  /** Of the program or library; a bare name is looked for as the loader or a shell does. By default that of the process `pid`. */
  path?: string;
  /** Its name, as the file's symbol table has it: of C++ and Rust, the mangled one. */
  function?: string;
  /** Bytes from the function's beginning; without a function, from the file's. */
  offset?: number;
  /** One process; by default all, also those that start later. */
  pid?: number;
  /** What the program reads with bpf_get_attach_cookie(); since Linux 5.15. */
  cookie?: Cookie;
}

export const uprobe: HookKind<UprobeHook> = {
  to: "a function of a program or library",
  takes: ["path", "function", "offset", "pid", "cookie"],
  inSection: ["path", "function", "offset"],
  attach(program, options) {
    const named = /^u(ret)?probe(?:\.s)?(?:\/(.+?):([^:+]+)(?:\+(\w+))?)?$/.exec(program.section);
    const [, returns, path, name, plus] = named ?? [];
    const file = fileOf(program, options, path);
    const target = options.function ?? (options.offset === undefined ? name : undefined);
    const offset = requireInteger("offset", options.offset ?? Number(plus ?? 0), { from: 0 });
    if (target === undefined && !offset)
      throw new ArgumentError(`The function of ${file} that program ${program.name} attaches to must be named.`, {
        hint: 'For example attach({ path: "/usr/bin/bash", function: "readline" }); an offset in the file works too.',
      });
    if (target !== undefined) requireFunctions(program, file, readExecutable(file), [target]);
    const link = withRights(() =>
      native.bpf_program__attach_uprobe(program.object, program.name, file, {
        ...(target === undefined ? {} : { function: target }),
        offset,
        isReturn: returns !== undefined,
        ...processId(options.pid),
        ...cookieOf(options.cookie),
      }),
    );
    const at = [target, offset && `0x${offset.toString(16)}`].filter(Boolean).join("+");
    return byLinks([link], `${returns ? "return of " : ""}${at} in ${file}${ofProcess(options.pid)}`);
  },
};

/** The kernel makes uprobes for CAP_SYS_ADMIN alone (perf_uprobe_event_init), where kprobes take CAP_PERFMON. */
export function withRights<T>(attach: () => T): T {
  try {
    return attach();
  } catch (error) {
    const missing = lacking("CAP_SYS_ADMIN");
    if (isNativeError(error) && ["EACCES", "EPERM"].includes(error.code) && missing.length > 0)
      throw new NotRootError("Attaching to functions of programs and libraries", missing);
    throw error;
  }
}

/** The file that a program's options or its SEC() name. */
export function fileOf(
  program: Attachable,
  { path, pid }: UprobeHook,
  named: string | undefined,
  example = 'attach({ path: "libc.so.6", function: "malloc" })',
): string {
  if (path === undefined && named === undefined && pid === undefined)
    throw new ArgumentError(`The program or library that ${program.name} attaches to must be named.`, {
      hint: `For example ${example}.`,
    });
  processId(pid);
  if (path === undefined && named !== undefined)
    return executablePath(named, `SEC("${program.section}") of ${program.name}`);
  return executablePath(path ?? `/proc/${pid}/exe`);
}

/** @throws AttachError that names the nearest functions there are */
export function requireFunctions(program: Attachable, file: string, { functions }: Executable, names: string[]): void {
  const there = functions.map((one) => one.name);
  const missing = names.find((name) => !there.includes(name.split("@")[0]!) && !there.includes(name));
  if (missing === undefined) return;
  throw new AttachError(
    program.name,
    program.section,
    `Program ${program.name} cannot attach to ${missing}: ${file} has no function of that name.`,
    {
      hint:
        there.length === 0
          ? "Its symbol table has been stripped: give an offset in the file, or use a build with symbols."
          : `The nearest names in it are ${nearestNames(missing, there)}; a function that the compiler inlined has no name there.`,
    },
  );
}

export function ofProcess(pid: number | undefined): string {
  return pid === undefined ? "" : ` of process ${pid}`;
}
