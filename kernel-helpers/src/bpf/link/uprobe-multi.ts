import { release } from "node:os";
import { requireInteger } from "../../base/arguments.js";
import { ArgumentError, AttachError, MissingFeatureError } from "../../base/errors.js";
import { isNativeError, native, type LinkHandle } from "../../base/native.js";
import { byLinks, type Attachable, type HookKind } from "./attachment.js";
import { readExecutable } from "./executable.js";
import { cookieOf, type Cookie } from "./hook-options.js";
import { lacksAttachType } from "./lacks-attach-type.js";
import { asPattern } from "./pattern.js";
import { fileOf, ofProcess, requireFunctions } from "./uprobe.js";

/** Many functions of a program or library by one link (since Linux 6.6); SEC("uprobe.multi/PATH:PATTERN") says it too. */
export interface UprobeMultiHook {
  /** Of the program or library; a bare name is looked for as the loader or a shell does. By default that of the process `pid`. */
  path?: string;
  /** Names of functions, with `*` for any letters and `?` for one: `pthread_*`. */
  pattern?: string;
  /** In its place: their names, */
  functions?: string[];
  /** or where they begin in the file. */
  offsets?: number[];
  /** One process; by default all, also those that start later. */
  pid?: number;
  /** What the program reads with bpf_get_attach_cookie(), one for each of `functions` or `offsets`. */
  cookies?: Cookie[];
}

export const uprobeMulti: HookKind<UprobeMultiHook> = {
  to: "functions of a program or library",
  takes: ["path", "pattern", "functions", "offsets", "pid", "cookies"],
  inSection: ["path", "pattern", "functions", "offsets"],
  attach(program, options) {
    const named = /^u(ret)?probe\.(?:multi|session)(?:\.s)?(?:\/(.+?):(.+))?$/.exec(program.section);
    const [, returns, path, section] = named ?? [];
    const file = fileOf(program, options, path, 'attach({ path: "libc.so.6", pattern: "pthread_*" })');
    const { functions, offsets, cookies } = options;
    const pattern = functions || offsets ? undefined : (options.pattern ?? section);
    const what = pattern ?? (functions ?? offsets ?? []).join(", ");
    if (!what)
      throw new ArgumentError(`The functions of ${file} that program ${program.name} attaches to must be named.`, {
        hint: 'For example attach({ path: "libc.so.6", pattern: "pthread_*" }), or { functions: ["malloc", "free"] }.',
      });
    const executable = readExecutable(file);
    if (functions) requireFunctions(program, file, executable, functions);
    const wanted = pattern ? asPattern(pattern) : undefined;
    const places = offsets
      ? offsets.map((offset) => BigInt(requireInteger("offsets", offset, { from: 1 })))
      : functions
        ? functions.map((name) => executable.functions.find((one) => one.name === name)!.offset)
        : [...new Set(executable.functions.filter((one) => wanted!.test(one.name)).map((one) => one.offset))];
    if (places.length === 0)
      throw new AttachError(
        program.name,
        program.section,
        `Program ${program.name} cannot attach: no function of ${file} matches ${pattern}.`,
        { hint: "A pattern may have * for any letters and ? for one." },
      );
    if (cookies && cookies.length !== places.length)
      throw new ArgumentError(`cookies: ${places.length} functions take as many cookies, got ${cookies.length}.`);
    const link = linkTo(program, {
      path: file,
      offsets: places,
      attachType: program.attachType,
      isReturn: returns !== undefined,
      ...(options.pid === undefined ? {} : { pid: options.pid }),
      ...(cookies ? { cookies: cookies.map((one) => cookieOf(one).cookie!) } : {}),
    });
    return byLinks([link], `${returns ? "return of " : ""}${what} in ${file}${ofProcess(options.pid)}`);
  },
};

function linkTo(program: Attachable, places: Parameters<typeof native.bpf_link_create_uprobe_multi>[2]): LinkHandle {
  try {
    return native.bpf_link_create_uprobe_multi(program.object, program.name, places);
  } catch (error) {
    if (!isNativeError(error) || !lacksAttachType(error, program)) throw error;
    const isSession = program.section.includes(".session");
    const [kind, since] = isSession ? ["uprobe.session", "6.13"] : ["uprobe.multi", "6.6"];
    throw new MissingFeatureError(
      kind,
      `This kernel (${release()}) has no links to many functions of a program (${kind}): they came with Linux ${since}.`,
      { since, hint: 'Attach one program to each function, as SEC("uprobe/PATH:NAME").', cause: error },
    );
  }
}
