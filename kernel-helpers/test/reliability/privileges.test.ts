/** Capabilities instead of root: each step of a notebook works, or its error says which one is missing. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { net } from "../../dist/api/index.js";

const repo = fileURLToPath(new URL("../../../", import.meta.url));
const program = relative(repo, fileURLToPath(new URL("unprivileged.js", import.meta.url)));
const MOUNT = "mount -t tracefs -o gid=65534,mode=750 tracefs /sys/kernel/tracing";

/** Where the process sees the repository, which may lie in a directory that nobody else may enter. */
let place: string;
let cache: string;
let lab: net.Playground;
before(async () => {
  place = mkdtempSync(join(tmpdir(), "bpflab-repo-"));
  chmodSync(place, 0o755);
  cache = mkdtempSync(join(tmpdir(), "bpflab-privileges-"));
  mkdirSync(join(cache, "bpflab"), { mode: 0o755 });
  lab = await net.playground();
});
after(() => {
  lab.close();
  rmSync(cache, { recursive: true, force: true });
  rmdirSync(place);
});

/** What comes of each step, for a user with these capabilities; on a machine where root has run `command` first. */
async function stepsWith(capabilities: string[], command = "umount -l /sys/kernel/tracing 2>/dev/null || true") {
  const has = ["-all", ...[...capabilities, "setuid", "setgid"].map((name) => `+${name}`)].join();
  const drop = ["setpriv", "--securebits=+no_setuid_fixup", `--bounding-set=${has}`, "--inh-caps=-all"];
  const run = [...drop, process.execPath, join(place, program), lab.interface];
  const { stdout } = await execa(
    "unshare",
    ["--mount", "sh", "-c", `mount --bind "$1" "$2"; shift 2; ${command}; exec "$@"`, "sh", repo, place, ...run],
    { env: { XDG_CACHE_HOME: cache } },
  );
  return JSON.parse(stdout) as Record<string, string>;
}

/** Steps in the words of `unprivileged.ts`: which work, and what the others say. */
function assertSteps(outcomes: Record<string, string>, works: string[], says: Record<string, RegExp>): void {
  for (const [step, outcome] of Object.entries(outcomes)) {
    if (works.includes(step)) assert.equal(outcome, "works", step);
    else assert.match(outcome, says[step] ?? says["others"]!, step);
  }
}

const ALWAYS = ["a chart", "a capture"];
const MAPS = ["a socket filter", "a map"];
const TRACING = ["a raw tracepoint", "a perf event"];
const TRACEPOINTS = ["a tracepoint", "events of a ring"];
const NETWORK = ["a tc filter", "an XDP program"];
const ROOT_ALONE = {
  "a uprobe": /^NotRootError: .* needs root or CAP_SYS_ADMIN/,
  "run counts": /^NotRootError: .* needs root or CAP_SYS_ADMIN/,
  "the machine's programs": /^NotRootError: .* needs root/,
  "the trace pipe": /^NotRootError: .* needs root/,
  "test hosts": /^NotRootError: .* needs root/,
};

test("CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN: all but tracepoints, which need a tracefs that the user may read", async () => {
  const outcomes = await stepsWith(["bpf", "perfmon", "net_admin"]);
  const tracefs = /tracefs .*\n.*As root, once: mount -t tracefs -o gid=65534,mode=750 tracefs \/sys\/kernel\/tracing/;
  assertSteps(outcomes, [...ALWAYS, ...MAPS, ...TRACING, ...NETWORK], {
    ...ROOT_ALONE,
    ...Object.fromEntries(TRACEPOINTS.map((step) => [step, tracefs])),
  });
});

test("the same, after what the error says that root should do", async () => {
  const outcomes = await stepsWith(["bpf", "perfmon", "net_admin"], MOUNT);
  assertSteps(outcomes, [...ALWAYS, ...MAPS, ...TRACING, ...TRACEPOINTS, ...NETWORK], ROOT_ALONE);
});

test("without CAP_NET_ADMIN the network's programs ask for it", async () => {
  const outcomes = await stepsWith(["bpf", "perfmon"], MOUNT);
  assertSteps(outcomes, [...ALWAYS, ...MAPS, ...TRACING, ...TRACEPOINTS], {
    ...ROOT_ALONE,
    "a tc filter": /^LoadError: .*SEC\("tc"\), needs CAP_NET_ADMIN/,
    "an XDP program": /^LoadError: .*SEC\("xdp"\), needs CAP_NET_ADMIN/,
  });
});

for (const [missing, has] of [
  ["CAP_PERFMON", ["bpf", "net_admin"]],
  ["CAP_BPF", ["perfmon", "net_admin"]],
  ["CAP_BPF", []],
] as const)
  test(`with ${has.join(" and ") || "none"} alone, loading asks for ${missing}; charts and captures work`, async () => {
    assertSteps(await stepsWith([...has]), ALWAYS, {
      others: new RegExp(`^NotRootError: Loading .* needs root or ${missing}, and this process runs as user 65534`),
      "the machine's programs": /^NotRootError/,
      "the trace pipe": /^NotRootError/,
      "test hosts": /^NotRootError/,
    });
  });
