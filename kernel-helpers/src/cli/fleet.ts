import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { visible } from "../base/text.js";
import { connectFleet, type ConnectionOptions } from "../fleet/connect.js";
import { tryFleet } from "../fleet/try-fleet.js";

/** `bpflab fleet try`: a server and three hosts on this machine, until a signal ends them. Returns the exit code. */
export async function fleetTry(): Promise<number> {
  const trial = await tryFleet();
  try {
    const names = Object.keys(trial.hosts);
    console.log(
      `\n${names.length} hosts are there: ${visible(names.join(", "))}. In a notebook:\n\n` +
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

/** How often what came is written, ms. */
const FLUSH_MS = 60_000;

/** `bpflab fleet keep`: keeps what agents send in Parquet files, until a signal ends it. Returns the exit code. */
export async function fleetKeep({
  connect,
  to,
  ...options
}: ConnectionOptions & { connect: string; to: string }): Promise<number> {
  const fleet = await connectFleet(connect, options);
  try {
    const keeper = await fleet.keep(to);
    console.log(`What the agents of ${visible(connect)} send is kept in ${visible(to)}. Ctrl-C ends it.`);
    const end = new AbortController();
    const ended = Promise.race(["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal))).then(() =>
      end.abort(),
    );
    while (!end.signal.aborted) {
      await delay(FLUSH_MS, undefined, { signal: end.signal }).catch(() => {});
      await keeper.flush();
    }
    await ended;
    await keeper.close();
    console.log(`${keeper.written.toLocaleString("en")} events are kept.`);
  } finally {
    await fleet.close();
  }
  return 0;
}
