import { once } from "node:events";
import { inScratch } from "../base/scratch.js";
import { runTrial } from "../fleet/trial.js";

/** `bpflab fleet try`: a server and three hosts on this machine, until a signal ends them. Returns the exit code. */
export function fleetTry(): Promise<number> {
  return inScratch("bpflab-fleet-", async (directory) => {
    const trial = await runTrial(directory);
    try {
      console.log(
        `\n${trial.hosts.length} hosts are there: ${trial.hosts.join(", ")}. In a notebook:\n\n` +
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
  });
}
