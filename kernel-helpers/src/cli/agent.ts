import { hostname } from "node:os";
import { once } from "node:events";
import { visible } from "../base/text.js";
import { Agent, type AgentOptions } from "../fleet/agent.js";

/** `bpflab agent`: serves a fleet's notebook until a signal ends it. Returns the exit code. */
export async function agent({
  connect,
  name = hostname().split(".")[0]!,
  ...options
}: Omit<AgentOptions, "name"> & { connect: string; name?: string }): Promise<number> {
  const agent = await Agent.start(connect, { ...options, name });
  if (await agent.isUnguarded())
    console.error(
      `The server at ${visible(connect)} has no permissions that keep agents apart: whoever reaches it can load programs here as root. ` +
        `bpflab's README says which permissions agents and notebooks need.`,
    );
  console.log(`${visible(agent.name)} is in the fleet of ${visible(connect)}. Ctrl-C ends it.`);
  const end = new AbortController();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal, { signal: end.signal }));
  await Promise.race([agent.ended(), ...signals]);
  end.abort();
  await Promise.allSettled(signals);
  await agent.close();
  return 0;
}
