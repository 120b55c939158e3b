import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { execa } from "execa";
import { bpf, collect, connectFleet, type Fleet, tryFleet, type Trial } from "../../dist/api/index.js";
import { buildWriters } from "../workload/writers.js";
import { TestFleet } from "./fleet.js";

/** Lets bytes through to a port, and keeps them. */
async function listenBetween(port: number): Promise<{ port: number; heard: () => string; close: () => void }> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectSocket(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk) => (chunks.push(chunk as Buffer), to.write(chunk)));
      from.on("error", () => {}).on("close", () => to.destroy());
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    heard: () => Buffer.concat(chunks).toString("latin1"),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** An authority of one's own, and a certificate for this machine. */
async function makeCertificate(directory: string): Promise<{ ca: string; cert: string; key: string }> {
  const [ca, cert, key] = ["ca.pem", "server.pem", "server.key"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  await execa("openssl", ["req", "-x509", ...fresh, "-keyout", `${ca}.key`, "-out", ca, "-subj", "/CN=Test authority"]);
  await execa("openssl", [
    ...["req", "-x509", ...fresh, "-CA", ca, "-CAkey", `${ca}.key`, "-keyout", key, "-out", cert],
    ...["-subj", "/CN=server", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"],
  ]);
  return { ca, cert, key };
}

/** A notebook's look at a fleet through somebody who listens. */
async function overheard(lab: TestFleet, ca?: string): Promise<string> {
  const { protocol, port } = new URL(lab.url);
  const between = await listenBetween(Number(port));
  try {
    const url = `${protocol}//127.0.0.1:${between.port}`;
    const fleet = await connectFleet(url, { creds: lab.creds, ...(ca === undefined ? {} : { ca }) });
    assert.deepEqual(fleet.hosts().array("host"), lab.names);
    const minimal = await fleet.load("minimal");
    await minimal.close();
    await fleet.close();
    return between.heard();
  } finally {
    between.close();
  }
}

test("over TLS who listens hears nothing; a server that another authority vouches for is refused", async () => {
  const directory = await mkdtemp(join(tmpdir(), "bpflab-tls-"));
  const labs: TestFleet[] = [];
  try {
    const { ca, cert, key } = await makeCertificate(directory);
    const open = await TestFleet.start(["web-1"]);
    labs.push(open);
    const closed = await TestFleet.start(["web-1"], { ca, cert, key });
    labs.push(closed);
    assert.match(closed.url, /^tls:/);
    const [plain, secret] = [await overheard(open), await overheard(closed, ca)];
    assert.match(plain, /bpflab\.hello\.web-1/);
    assert.ok(secret.length > 2000);
    assert.doesNotMatch(secret, /bpflab|web-1|minimal|ringbuf/);
    await assert.rejects(connectFleet(closed.url, { creds: closed.creds }), /refuses the connection: .*certificate/);
  } finally {
    await Promise.all(labs.map((lab) => lab.end()));
    await rm(directory, { recursive: true });
  }
});

describe("from an attacker's namespace", () => {
  let trial: Trial;
  let fleet: Fleet;
  before(async () => {
    trial = await tryFleet({ hosts: ["web-1", "web-2"] });
    fleet = await connectFleet(trial.url, { creds: trial.creds });
  });
  after(async () => {
    await fleet?.close();
    await trial?.close();
  });
  const runOnWeb2 = async (code: string) => {
    const { stdout } = await trial.hosts["web-2"]!.run(process.execPath, ["--input-type=module", "-e", code]);
    return String(stdout);
  };

  test("without credentials nothing is told", async () => {
    const { hostname, port } = new URL(trial.url);
    const said = await runOnWeb2(`
      import { connect } from "node:net";
      const socket = connect(${port}, "${hostname}");
      let told = "";
      socket.setEncoding("latin1").on("data", (text) => (told += text)).on("error", () => {}).on("close", () => console.log(told));
      socket.write('CONNECT {"verbose":true,"pedantic":false}\\r\\nSUB > 1\\r\\nPUB bpflab.ask 1\\r\\nx\\r\\nPING\\r\\n');
      setTimeout(() => socket.destroy(), 5000).unref();`);
    assert.match(said, /-ERR 'Authorization Violation'/);
    const [info, ...rest] = said.trim().split("\n");
    assert.match(info!, /^INFO /);
    assert.doesNotMatch(info!, /bpflab|web-|ringbuf/);
    assert.deepEqual(
      rest.filter((line) => !line.startsWith("-ERR")).map((line) => line.trim()),
      [],
    );
  });

  test("with a host's own credentials no other host is read or commanded", async () => {
    const writers = await buildWriters();
    try {
      const job = writers.start({ writes: 1000 });
      const ringbuf = await fleet.load("ringbuf", { only: ["web-1"], globals: { watched_pid: job.pid } });
      await ringbuf.attach();
      const seed = await readFile(trial.creds.replace(/notebook(?=\.nk$)/, "web-2"), "utf8");
      const transport = import.meta.resolve("@nats-io/transport-node");
      let attack: Promise<string> | undefined;
      const table = await collect(ringbuf.events("rb"), {
        until: async () => {
          attack = runOnWeb2(`
            import { connect, nkeyAuthenticator } from ${JSON.stringify(transport)};
            const { hostname, port } = new URL(${JSON.stringify(trial.url)});
            const authenticator = nkeyAuthenticator(Buffer.from(${JSON.stringify(seed)}));
            const connection = await connect({ servers: hostname + ":" + port, authenticator, inboxPrefix: "_INBOX_web-2" });
            let heard = 0, refused = 0;
            (async () => { for await (const status of connection.status()) if (status.type === "error") refused++; })();
            for (const subject of [">", "bpflab.>", "bpflab.events.web-1.>", "bpflab.command.web-1", "bpflab.hello.>", "_INBOX_notebook.>", "$JS.>"])
              connection.subscribe(subject, { callback: (error) => void (error ?? heard++) });
            const command = { notebook: "x", do: "load", program: "minimal", globals: {}, constants: {}, maxEntries: {} };
            connection.publish("bpflab.command.web-1", JSON.stringify(command));
            connection.publish("bpflab.events.web-1.ringbuf.rb.x", "");
            connection.publish("$JS.API.STREAM.DELETE.bpflab", "");
            await connection.flush();
            await new Promise((resolve) => setTimeout(resolve, 500));
            console.log(JSON.stringify({ heard, refused }));
            await connection.close();`);
          await job.run();
          await attack;
        },
      });
      assert.deepEqual(JSON.parse(await attack!), { heard: 0, refused: 10 });
      assert.equal(table.filter((row: any) => row.fd > 2).numRows(), 1000); // there was something to hear
      // Had it been obeyed, web-1 would run this for another notebook.
      await (await fleet.load("minimal", { only: ["web-1"] })).close();
      await ringbuf.close();
    } finally {
      await writers.remove();
    }
  });

  test("C text runs only where the host's admin allows it, and fits that host's kernel", async () => {
    const source = `#include "bpflab.h"
      char LICENSE[] SEC("license") = "GPL";
      __u64 calls = 0;
      SEC("tp/syscalls/sys_enter_getpid") int on_call(void *ctx) { calls++; return 0; }`;
    const mine = await bpf.compile(source, { name: "mine" });
    const loaded = await fleet.load(mine);
    await loaded.attach();
    assert.deepEqual(loaded.hosts, ["web-1", "web-2"]);
    await loaded.close();
    await assert.rejects(
      fleet.load({ name: "wrong", source: "int x = ;" }),
      /No host loads wrong\. web-1: .*expected/s,
    );

    const careful = await TestFleet.start(["db-1"]);
    try {
      const other = await connectFleet(careful.url, { creds: careful.creds });
      await assert.rejects(
        other.load(mine).finally(() => other.close()),
        /takes no programs or probes from outside, and mine is one[^]*--allow-source/,
      );
    } finally {
      await careful.end();
    }
  });
});
