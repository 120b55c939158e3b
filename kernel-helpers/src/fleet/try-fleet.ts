import type { Trial, TrialOptions } from "./trial.js";

/**
 * Starts a fleet on this machine, for a trial, which replaces the one before: a server, and hosts that are network
 * namespaces, each with an agent that takes C text, too. It is gone after `close()`, and with this process.
 *
 * @throws NotRootError; MissingFeatureError without nats-server; ArgumentError; what making the hosts throws. Then nothing is left
 * @example
 * const trial = await tryFleet();
 * const fleet = await connectFleet(trial.url, { creds: trial.creds });
 * fleet.hosts()
 */
export async function tryFleet(options: TrialOptions = {}): Promise<Trial> {
  const { startTrial } = await import("./trial.js"); // most notebooks do without NATS's clients
  return startTrial(options);
}
