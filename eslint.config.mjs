// What prettier and tsc do not check: promises that nobody waits for, kinds that a switch forgets, and imports that
// go up. The layers are listed from the lowest; a module imports its own layer and those before it.
import { importX } from "eslint-plugin-import-x";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import tseslint from "typescript-eslint";

const source = "kernel-helpers/src";

/** Each line may import the lines above it, and what stands on its own line. */
const layers = [
  ["base"],
  ["clang"],
  ["bpf", "generated"],
  ["streams"],
  ["handles"],
  ["net", "probe"],
  ["tables"],
  ["charts"],
  ["widgets"],
  ["views"],
  ["exercises", "fleet"],
  ["api"],
  ["report", "jupyter"],
  ["grading"],
  ["cli"],
];

/** The same inside the kernel: its process and its cells know nothing of the engine, and only typescript/ knows a compiler. */
const kernelLayers = [["debugger"], ["interrupt", "wire"], ["process"], ["typescript"], ["bpf"], ["engine"]];

/** Members that nobody else may see are #private: TypeScript's own keyword hides them from nobody at run time. */
const privateByName = ["PropertyDefinition", "MethodDefinition[kind!='constructor']", "TSParameterProperty"].map(
  (node) => ({ selector: `${node}[accessibility='private']`, message: "Use a #name." }),
);

const upward = (folder, rows) =>
  rows.flatMap((row, i) =>
    rows.slice(i + 1).flatMap((above) =>
      row.map((below) => ({
        target: `${folder}/${below}`,
        from: above.map((name) => `${folder}/${name}`),
        message: `${below} is a lower layer than ${above.join(" and ")}: it does not know it.`,
      })),
    ),
  );

export default tseslint.config(
  {
    ignores: ["**/dist*/**", "**/build/**", "**/*.d.ts", `${source}/generated/**`, "reports/**", "notebooks/**"],
  },
  {
    files: ["**/*.{ts,mjs,js}"],
    plugins: { "import-x": importX },
    settings: { "import-x/resolver-next": [createTypeScriptImportResolver()] },
    rules: { "import-x/no-cycle": ["error", { ignoreExternal: true }], "no-constant-condition": "off" },
  },
  {
    files: ["kernel-helpers/{src,test,bench}/**/*.ts"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      // node:test collects what these return.
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["describe", "it", "test"] }] },
      ],
      // What BTF will type is any until then.
      "@typescript-eslint/no-explicit-any": "off",
      ...Object.fromEntries(
        ["argument", "assignment", "call", "member-access", "return"].map((use) => [
          `@typescript-eslint/no-unsafe-${use}`,
          "off",
        ]),
      ),
      "@typescript-eslint/no-unnecessary-type-assertion": "off", // a parameter that takes anything does not need less
      "@typescript-eslint/unbound-method": "off", // bundles of functions are passed about by their parts
      "@typescript-eslint/no-base-to-string": "off", // JSON from the wire is made text in any case
      "@typescript-eslint/prefer-promise-reject-errors": "off", // what is passed on is what was caught
      "@typescript-eslint/require-await": "off", // a method of a contract may have nothing to wait for
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  {
    // Tests give wrong types on purpose.
    files: ["kernel-helpers/{test,bench}/**/*.ts"],
    rules: { "@typescript-eslint/ban-ts-comment": "off", "@typescript-eslint/no-unused-expressions": "off" },
  },
  {
    files: ["kernel-helpers/test/types/**/*.ts"],
    rules: { "@typescript-eslint/no-unused-vars": "off" },
  },
  {
    files: [`${source}/**/*.ts`],
    rules: {
      "no-restricted-syntax": ["error", ...privateByName],
      // A module's own numbers and texts look like what they are; functions, tables and patterns are named as any value.
      "@typescript-eslint/naming-convention": [
        "error",
        {
          selector: "variable",
          modifiers: ["const", "global"],
          types: ["boolean", "number", "string"],
          format: ["UPPER_CASE"],
        },
        {
          selector: "variable",
          modifiers: ["const", "global", "destructured"],
          types: ["boolean", "number", "string"],
          format: null,
        },
      ],
      "import-x/no-restricted-paths": [
        "error",
        { zones: [...upward(source, layers), ...upward(`${source}/jupyter`, kernelLayers)] },
      ],
    },
  },
);
