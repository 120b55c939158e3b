/** The project's own TypeScript. Not through `import`: Node would search its 9 MB for the names of its exports first. */
import { createRequire } from "node:module";
import type TypeScript from "typescript";

export const ts = createRequire(import.meta.url)("typescript") as typeof TypeScript;
