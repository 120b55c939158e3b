import { once } from "node:events";
import { tryFleet } from "../fleet/try-fleet.js";

/** `bpflab fleet try`: a server and three hosts on this machine, until a signal ends them. Returns the exit code. */
export async function fleetTry(): Promise<number> {
  const trial = await tryFleet();
  try {
    const names = Object.keys(trial.hosts);
    console.log(
      `\n${names.length} hosts are there: ${names.join(", ")}. In a notebook:\n\n` +
        `  const fleet = await connectFleet(${JSON.stringify(trial.url)}, { creds: ${JSON.stringify(trial.creds)} });\n` +
        `  fleet.hosts()\n\nCtrl-C ends them, and leaves nothing behind.`,
    );
    const end = new AbortController();
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal, { signal: end.signal }));
    await Promise.race([trial.failed, ...signals]);
    end.abort();
    await Promise.allSettled(signals);
  } finally {
    await trial.close();
  }
  return 0;
}
