import { table as makeTable, type ColumnTable } from "arquero";
import { visibleFields } from "./hooks/common.js";
import { matching, parseHook, resolveHooks } from "./hooks/resolve.js";
import { ArgumentError } from "../base/errors.js";

/** Hooks whose fields are read at once; of more only the names are listed. */
const MOST_DESCRIBED = 2000;

/**
 * The hooks that match a pattern, a row each, with the fields that expressions can use.
 *
 * @throws ArgumentError for what is not a kind of hook; MissingFeatureError
 * @example
 * await probe.list("tp/sched/*")
 */
export async function listHooks(pattern: string): Promise<ColumnTable> {
  const { kind, rest } = parseHook(pattern);
  if (["uprobe", "uretprobe", "usdt", "profile", "interval"].includes(kind))
    throw new ArgumentError(`probe.list: the kernel cannot list hooks of the kind ${kind}.`, {
      hint: "It lists tracepoints and kernel functions: tp/sched/*, tp_btf/*, fentry/vfs_*.",
    });
  const names = rest.includes("*") ? await matching(kind, rest) : [rest];
  const hooks = names.map((name) => `${kind}/${name}`);
  const shared = visibleFields([]).length;
  const fields =
    names.length > MOST_DESCRIBED
      ? hooks.map(() => "")
      : await Promise.all(
          hooks.map(async (hook) => {
            const [found] = await resolveHooks(hook);
            return visibleFields(found!.fields)
              .slice(shared)
              .map((field) => `${field.name}: ${field.about}`)
              .join(", ");
          }),
        );
  return makeTable({ hook: hooks, fields });
}
