import { ArgumentError, AttachError } from "../../base/errors.js";
import { nearestNames } from "../../base/names.js";
import { native } from "../../base/native.js";
import { byLinks, type HookKind } from "./attachment.js";
import { readExecutable } from "./executable.js";
import { cookieOf, processId, type Cookie } from "./hook-options.js";
import { fileOf, ofProcess, withRights } from "./uprobe.js";

/** A probe that a program's author put into it; SEC("usdt/PATH:PROVIDER:PROBE") says it too. */
export interface UsdtHook {
  /** Of the program or library; a bare name is looked for as the loader or a shell does. By default that of the process `pid`. */
  path?: string;
  provider?: string;
  probe?: string;
  /** One process; by default all, also those that start later. */
  pid?: number;
  /** What the program reads with bpf_usdt_cookie(). */
  cookie?: Cookie;
}

export const usdt: HookKind<UsdtHook> = {
  to: "a USDT probe",
  takes: ["path", "provider", "probe", "pid", "cookie"],
  inSection: ["path", "provider", "probe"],
  attach(program, options) {
    const [, path, ofSection, named] = /^usdt(?:\.s)?(?:\/(.+?):([^:]+):([^:]+))?$/.exec(program.section) ?? [];
    const example = 'attach({ path: "/usr/bin/python3", provider: "python", probe: "gc__start" })';
    const file = fileOf(program, options, path, example);
    const { provider = ofSection, probe = named } = options;
    const { probes } = readExecutable(file);
    const full = `${provider}:${probe}`;
    if (!provider || !probe)
      throw new ArgumentError(`The USDT probe of ${file} that program ${program.name} attaches to must be named.`, {
        hint: `For example attach({ path, provider: "python", probe: "gc__start" }). ${thereAre(file, probes)}`,
      });
    if (!probes.includes(full))
      throw new AttachError(
        program.name,
        program.section,
        `Program ${program.name} cannot attach to ${full}: ${file} has no USDT probe of that name.`,
        {
          hint:
            probes.length === 0 ? thereAre(file, probes) : `The nearest names in it are ${nearestNames(full, probes)}.`,
        },
      );
    const link = withRights(() =>
      native.bpf_program__attach_usdt(program.object, program.name, file, {
        provider,
        probe,
        ...processId(options.pid),
        ...(options.cookie === undefined ? {} : cookieOf(options.cookie)),
      }),
    );
    return byLinks([link], `USDT probe ${full} in ${file}${ofProcess(options.pid)}`);
  },
};

function thereAre(file: string, probes: string[]): string {
  return probes.length === 0
    ? `${file} has no USDT probes (no note .note.stapsdt).`
    : `It has ${probes.slice(0, 5).join(", ")}${probes.length > 5 ? " and more" : ""}.`;
}
