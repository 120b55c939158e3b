import { checks } from "./checks.js";

/** `bpflab doctor`: looks at the machine; exit code 1 if something that bpflab cannot do without is missing. */
export async function doctor(): Promise<number> {
  let exitCode = 0;
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const check of checks) {
    const { ok, found, mend } = await check.look();
    const mark = ok ? "✓" : check.needed ? "✗" : "–";
    console.log(`${mark} ${check.name.padEnd(width)}  ${found}`);
    if (!ok && mend) console.log(`  ${" ".repeat(width)}  → ${mend}`);
    if (!ok && check.needed) exitCode = 1;
  }
  return exitCode;
}
