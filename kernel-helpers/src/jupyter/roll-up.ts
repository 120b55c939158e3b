/** `node roll-up.js`: rolls up the declarations that every cell sees, `typescript/rolled-up.ts` says which. A part of the build. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { rollup, type Plugin } from "rollup";
import { dts } from "rollup-plugin-dts";
import ts from "typescript";
import { PACKAGE_ROOT } from "./typescript/package-paths.js";
import { DECLARATIONS, rolledUp, rolledUpName } from "./typescript/rolled-up.js";

/** Packages of ours whose types a few members have: nothing else of them is for cells. */
const INSIDE = ["execa", "bpflab-native"];

/**
 * What rollup-plugin-dts makes of `export * as charts from "./charts.js"` is a namespace charts_d of aliases such as
 * charts_d_bar. A reader who points at charts.bar is to see its declaration: the namespace gets its name, and the members themselves.
 */
const plainNamespaces: Plugin = {
  name: "plain-namespaces",
  renderChunk(code) {
    const members = new Map<string, string>();
    const alias = /^(?:declare const (\w+_d_\w+): typeof (\w+)|type (\w+_d_\w+)(?:<.*>)? = (\w+)(?:<.*>)?);\n/gm;
    const rest = code.replace(alias, (_, constant?: string, value?: string, type?: string, target?: string) => {
      members.set((constant ?? type)!, (value ?? target)!);
      return "";
    });
    const exported = new Map([...code.matchAll(/\b(\w+_d) as (\w+)/g)].map(([, local, name]) => [local, name]));
    return rest
      .replace(/\b\w+_d_(\w+) as \1\b/g, (all, name: string) => (members.get(all.split(" ")[0]!) === name ? name : all))
      .replace(/\b\w+_d\b/g, (name) => exported.get(name) ?? name);
  },
};

/** Rolls up some modules, which may share files. @param inside packages that become a part of them */
async function rollUp(input: Record<string, string>, inside: readonly string[] = []): Promise<void> {
  const bundle = await rollup({
    input,
    plugins: [dts({ respectExternal: true }), plainNamespaces],
    external: (id) => !/^\.{0,2}\//.test(id) && !inside.includes(id),
    onLog: (_, { code, message }) => {
      if (code === "UNRESOLVED_IMPORT") throw new Error(message);
    },
  });
  await bundle.write({
    dir: DECLARATIONS,
    entryFileNames: "[name].d.ts",
    chunkFileNames: ({ name }) => `${Object.keys(input)[0]}-${name.replace(/\.d$/, "")}.d.ts`,
    minifyInternalExports: false,
  });
  await bundle.close();
}

/** The declarations of a module, as Node's own types would find it: they are what needs undici's. */
function declarationsOf(module: string): string {
  const from = join(PACKAGE_ROOT, "../node_modules/@types/node/index.d.ts");
  const options = { module: ts.ModuleKind.Preserve, moduleResolution: ts.ModuleResolutionKind.Bundler };
  const { resolvedModule } = ts.resolveModuleName(module, from, options, ts.sys);
  if (!resolvedModule) throw new Error(`${module} has no declarations.`);
  return resolvedModule.resolvedFileName;
}

rmSync(DECLARATIONS, { recursive: true, force: true });
await rollUp({ "kernel-helpers": join(PACKAGE_ROOT, "dist/api/index.d.ts") }, INSIDE);
for (const [name, modules] of Object.entries(rolledUp))
  await rollUp(Object.fromEntries(modules.map((one) => [rolledUpName(name + one), declarationsOf(name + one)])));
