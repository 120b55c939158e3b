#!/usr/bin/env node
/** `npx bpflab`: a file of its own, for npm links commands before anything is built. */
import { existsSync } from "node:fs";
import { cli } from "./paths.mjs";

if (existsSync(cli)) await import(cli);
else {
  console.error("bpflab is not built yet: run `npm start` (or `npm run build`) in its directory first.");
  process.exitCode = 1;
}
