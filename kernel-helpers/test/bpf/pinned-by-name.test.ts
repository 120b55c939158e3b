/** Maps that a program's own definition pins, in a mount namespace with a bpffs of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { execa } from "execa";

const index = new URL("../../dist/api/index.js", import.meta.url).href;

const script = `import { bpf } from ${JSON.stringify(index)};
const make = async (name, entries) => bpf.load(await bpf.compile(\`#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, \${entries}); __type(key, u32); __type(value, u32);
  __uint(pinning, LIBBPF_PIN_BY_NAME); } kept SEC(".maps");
SEC("raw_tp") int go(void *ctx) { return bpf_map_lookup_elem(&kept, &(u32){ 1 }) != 0; }
char LICENSE[] SEC("license") = "GPL";\`, { name }));
const said = {};
try {
  const first = await make("first", 4);
  first.maps.kept.set(1, 2);
  said.pinned = first.maps.kept.pinned;
  said.shown = first[Symbol.for("Jupyter.display")]()["text/plain"];
  first.close();
  const second = await make("second", 4);
  said.entries = second.maps.kept.entries();
  await make("third", 8).catch((error) => (said.other = error.message));
  second.maps.kept.unpin();
  said.after = second.maps.kept.pinned;
} catch (error) {
  said.error = error.message;
}
console.log(JSON.stringify(said));`;

async function run(mount: string): Promise<Record<string, unknown>> {
  const { stdout } = await execa("unshare", [
    ...["--mount", "sh", "-c", `${mount} && exec "$0" "$@"`, process.execPath],
    ...["--input-type=module", "--disable-warning=ExperimentalWarning", "-e", script],
  ]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test("a map that LIBBPF_PIN_BY_NAME pins is known to be pinned, and taken up again", async () => {
  const { shown, other, ...said } = await run("mount -t bpf none /sys/fs/bpf");
  assert.deepEqual(said, { pinned: ["/sys/fs/bpf/kept"], entries: [[1, 2]], after: [] });
  assert.match(shown as string, /\nPinned, and left behind on purpose:\n {2}\/sys\/fs\/bpf\/kept {2}map kept/);
  assert.match(
    other as string,
    /the map that is pinned at \/sys\/fs\/bpf\/kept is of another type, or .*\nRemove it, with all it holds: rm \/sys\/fs\/bpf\/kept;/,
  );
});

test("where there is no bpffs, it says what to mount", async () => {
  const { error } = await run("mount -t tmpfs none /sys/fs/bpf");
  assert.match(
    error as string,
    /a map is to be pinned \(LIBBPF_PIN_BY_NAME\) at \/sys\/fs\/bpf\/kept, which is not on a bpffs\.\nMount one: mount -t bpf bpf \/sys\/fs\/bpf;/,
  );
});
