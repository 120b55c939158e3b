import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { chmod, copyFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, nkeyAuthenticator } from "@nats-io/transport-node";
import { createUser } from "@nats-io/nkeys";
import { type ColumnTable, table as makeTable } from "arquero";
import { ArgumentError, captureOf, collect, connectFleet, type Fleet, type FleetObject } from "../../dist/api/index.js";
import { packTable } from "../../dist/fleet/payload.js";
import { HEADER_NAME } from "../../dist/fleet/protocol.js";
import { lossNote } from "../../dist/streams/capture.js";
import { childrenUntil } from "../workload/children.js";
import { until } from "../workload/until.js";
import { buildWriters } from "../workload/writers.js";
import { rowOf, startWithRingbuf, type TestFleet } from "./fleet.js";

/** How many events of the writers' own each host sent, in the order of the first. */
const writesByHost = (table: ColumnTable): number[] => {
  const counts = table
    .filter((d: any) => d.fd > 2)
    .groupby("host")
    .count();
  return Array.from(counts.array("count") as Iterable<number>);
};

/** BPF links that a process holds. */
const linksOf = (pid: number) =>
  readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).includes("bpf_link");
    } catch {
      return false; // closed meanwhile
    }
  }).length;

describe("when something fails", () => {
  let lab: TestFleet;
  let fleet: Fleet;
  let ringbuf: FleetObject;
  let writers: Awaited<ReturnType<typeof buildWriters>>;
  const owned = childrenUntil(afterEach);
  before(async () => {
    writers = await buildWriters();
    ({ lab, fleet, ringbuf } = await startWithRingbuf(["web-1", "web-2"]));
  });
  after(async () => {
    await fleet?.close();
    await lab?.end();
    await writers.remove();
  });

  const watch = async (pid: number) => {
    ringbuf.globals["watched_pid"] = pid;
    await ringbuf.applied();
  };

  test("without the right credentials nobody gets in", async () => {
    await assert.rejects(connectFleet(lab.url), /refuses the connection/);
    const stranger = join(lab.directory, "stranger.nk");
    writeFileSync(stranger, createUser().getSeed(), { mode: 0o600 });
    await assert.rejects(connectFleet(lab.url, { creds: stranger }), /refuses the connection/);
    const open = join(lab.directory, "open.nk");
    await copyFile(lab.creds, open);
    await chmod(open, 0o644);
    await assert.rejects(connectFleet(lab.url, { creds: open }), /can be read by others/);
    await assert.rejects(connectFleet(lab.url, { creds: "/nowhere" }), ArgumentError);
    await assert.rejects(connectFleet("http://127.0.0.1"), /Expected a server such as/);
    await assert.rejects(connectFleet(lab.url.replace("nats:", "tls:"), { creds: lab.creds }), /TLS|tls/);
  });

  test("an agent can neither command nor read another, nor speak for it", async () => {
    await assert.rejects(
      connectFleet(lab.url, { creds: lab.server.credentials("web-1") }),
      /credentials have to be a notebook's/,
    );
    const refused: string[] = [];
    const connection = await connect({
      servers: lab.url,
      authenticator: nkeyAuthenticator(readFileSync(lab.server.credentials("web-1"))),
      inboxPrefix: "_INBOX_web-1",
    });
    try {
      void (async () => {
        for await (const status of connection.status()) if (status.type === "error") refused.push(String(status.error));
      })();
      for (const subject of ["bpflab.command.web-2", "bpflab.hello.web-2", "bpflab.events.web-2.a.b.c", "bpflab.ask"])
        connection.publish(subject, "{}");
      for (const subject of ["bpflab.command.web-2", "bpflab.events.>", "bpflab.hello.*", "_INBOX_notebook.>"])
        connection.subscribe(subject, { callback: (error) => void error });
      connection.publish("$JS.API.STREAM.INFO.bpflab", "");
      await until("all are refused", () => refused.length >= 9);
      assert.equal(refused.filter((text) => /[Pp]ermission/.test(text)).length, 9, refused.join("\n"));
    } finally {
      await connection.close();
    }
  });

  test("what an agent does not have is said with what there is", async () => {
    await assert.rejects(fleet.load("nothing"), /does not load "nothing"[^]*It loads .*ringbuf/);
    await assert.rejects(fleet.load("ringbuf", { only: ["db-*"] }), /No host is called db-\*[^]*web-1 and web-2/);
    assert.throws(() => ringbuf.events("other"), /has no ring buffer "other"[^]*It has: rb/);
    assert.throws(() => (ringbuf.globals["thresold"] = 1), /has no global "thresold"/);
  });

  test("messages that are not an agent's are left aside", async () => {
    const agent = await connect({
      servers: lab.url,
      authenticator: nkeyAuthenticator(readFileSync(lab.server.credentials("web-1"))),
      inboxPrefix: "_INBOX_web-1",
    });
    for (const data of ["", "[", "null", '{"kernel":1}', '{"programs":"x"}']) agent.publish("bpflab.hello.web-1", data);
    await agent.flush();
    await agent.close();
    await fleet.load("minimal").then((minimal) => minimal.close());
    assert.deepEqual(fleet.hosts().array("host"), ["web-1", "web-2"]);
  });

  test("loading again closes what ran, and counts anew", async () => {
    const first = await fleet.load("hashmap");
    const again = await fleet.load("hashmap");
    assert.ok(first.closed && !again.closed);
    await assert.rejects(first.attach(), /is closed/);
    const outcomes = (await again.attach()).objects() as Record<string, any>[];
    assert.deepEqual(
      outcomes.map(({ host, outcome }) => [host, outcome]),
      [
        ["web-1", "done"],
        ["web-2", "done"],
      ],
    );
    await again.close();
  });

  test("a server that is killed and comes again loses nothing", async () => {
    const job = writers.start({ writes: 20_000, burst: { writes: 500, pause_us: 50_000 } });
    await watch(job.pid);
    const table = await collect(ringbuf.events("rb"), {
      until: async () => {
        const run = job.run();
        await new Promise((resolve) => setTimeout(resolve, 300));
        await lab.server.stop("SIGKILL");
        await new Promise((resolve) => setTimeout(resolve, 500));
        await lab.server.start();
        await run;
        await until("all is there", async () => rowOf(await ringbuf.account("rb"), "all")["in_flight"] === 0);
      },
    });
    assert.deepEqual(writesByHost(table), [20_000, 20_000]);
    const { lost, dropped } = captureOf(table)!;
    assert.deepEqual([lost, dropped], [0, 0]);
    assert.equal(rowOf(await ringbuf.account("rb"), "all")["lost_in_transport"], 0);
  });

  test("a gap in the numbers is lost in transport", async () => {
    const before = rowOf(await ringbuf.account("rb"), "web-1");
    const table = await collect(ringbuf.events("rb"), {
      until: async () => {
        const connection = await connect({
          servers: lab.url,
          authenticator: nkeyAuthenticator(readFileSync(lab.creds)),
          inboxPrefix: "_INBOX_notebook",
        });
        const streams = (await jetstreamManager(connection)).streams;
        const { state } = await streams.info("bpflab", { subjects_filter: "bpflab.events.web-1.>" });
        const last = await streams.getMessage("bpflab", { seq: state.last_seq });
        await connection.close();
        assert.ok(Object.keys(state.subjects ?? {}).length > 0);
        const subject = last!.subject.replace(/web-\d/, "web-1"); // the last may be of the other
        const agent = await connect({
          servers: lab.url,
          authenticator: nkeyAuthenticator(readFileSync(lab.server.credentials("web-1"))),
          inboxPrefix: "_INBOX_web-1",
        });
        const counts = { lost: 0, dropped: 0, malformed: 0, inexact: 0 };
        const header = { first: 7, rows: 0, ...counts, boot: "x", sent_ns: 0, wall_ms: 0 };
        const options = { headers: headers() };
        options.headers.set(HEADER_NAME, JSON.stringify(header));
        await jetstream(agent).publish(subject, await packTable(makeTable({ start_ns: [] })), options);
        await agent.close();
        await until("it is known", async () => rowOf(await ringbuf.account("rb"), "web-1")["lost_in_transport"] >= 7);
      },
    });
    assert.equal(captureOf(table)!.dropped, 7);
    assert.match(lossNote(captureOf(table))!, /7 dropped at an agent's memory bound or lost on the way here/);
    const now = rowOf(await ringbuf.account("rb"), "web-1");
    assert.equal(now["lost_in_transport"] - before["lost_in_transport"], 7);
  });

  test("of an agent that was killed with its witness what it lost is unknown, and what came stays", async () => {
    const job = writers.start({ writes: 1000 });
    await watch(job.pid);
    const table = await collect(ringbuf.events("rb"), {
      until: async () => {
        await job.run();
        await until("all came", async () => rowOf(await ringbuf.account("rb"), "all")["in_flight"] === 0);
        for (const pid of lab.childrenOf("web-2")) process.kill(pid, "SIGKILL");
        await lab.endAgent("web-2", "SIGKILL");
      },
    });
    assert.deepEqual(writesByHost(table), [1000, 1000]);
    assert.equal(captureOf(table)!.lost, undefined);
    assert.match(
      lossNote(captureOf(table))!,
      /^What web-2 lost since \d\d:\d\d:\d\d UTC is unknown: web-2 does not answer/,
    );
    const account = await ringbuf.account("rb");
    assert.equal(rowOf(account, "web-2")["produced"], null);
    assert.equal(rowOf(account, "all")["produced"], null);
    assert.notEqual(rowOf(account, "web-1")["produced"], null);
    await lab.startAgent("web-2", "--lease", "1");
  });

  test("when a notebook is killed its programs are closed", async () => {
    const code = `
      import { connectFleet } from ${JSON.stringify(new URL("../../dist/api/index.js", import.meta.url).href)};
      const fleet = await connectFleet(${JSON.stringify(lab.url)}, { creds: ${JSON.stringify(lab.creds)} });
      const hashmap = await fleet.load("hashmap", { only: ["web-2"] });
      await hashmap.attach();
      console.log("attached");`;
    const notebook = owned(
      spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] }),
    );
    await Promise.race([once(notebook.stdout, "data"), once(notebook, "close")]);
    const pid = lab.agentPid("web-2");
    assert.ok(linksOf(pid) > 0);
    notebook.kill("SIGKILL");
    await until("no link is left", () => linksOf(pid) === 0);
    assert.equal(await lab.endAgent("web-2"), 0);
  });
});
