import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { bpf, collect } from "../../dist/api/index.js";
import type { DictionaryColumn } from "../../dist/streams/event-columns.js";
import { until } from "../workload/until.js";

const source = (fill: string) => `
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";

enum color { RED = 1, GREEN = 2, BLUE = -5 };

struct point { __s16 x, y; };

struct everything {
	__u8 u8; __s8 s8; __u16 u16; __s16 s16; __u32 u32; __s32 s32; __u64 u64; __s64 s64;
	bool flag;
	enum color color;
	char text[20];
	unsigned low : 3, high : 29;
	int negative : 5;
	struct point at;
	union { __u32 either; __u32 other; };
	__u32 list[3];
	char names[2][4];
	bool flags[2];
	struct point line[2];
	void *pointer;
};

RING_BUFFER(rb, struct everything, 65536);

SEC("raw_tp")
int fill(void *ctx)
{
	struct everything *e = event_reserve(rb);

	if (!e)
		return 1;
	${fill}
	event_submit(rb, e);
	return 0;
}`;

async function record(fill: string, options = {}): Promise<Record<string, unknown>> {
  const object = await bpf.load(await bpf.compile(source(fill), { name: "everything" }));
  const table = await collect(object.events("rb", options), {
    rows: 1,
    until: async () => void object.programs["fill"]!.testRun(),
  });
  assert.equal(table.numRows(), 1);
  return table.object() as Record<string, unknown>;
}

describe("records become columns, by BTF", () => {
  after(() => bpf.closeAll());

  test("zeroed records are zero in every column", async () => {
    const row = await record("");
    assert.deepEqual(Object.keys(row), [
      ...[
        "u8",
        "s8",
        "u16",
        "s16",
        "u32",
        "s32",
        "u64",
        "s64",
        "flag",
        "color",
        "text",
        "low",
        "high",
        "negative",
        "at.x",
        "at.y",
        "either",
        "other",
      ],
      ...["list", "names", "flags", "line.0.x", "line.0.y", "line.1.x", "line.1.y", "pointer"],
    ]);
    const { flag, text, color, list, names, flags, ...numbers } = row;
    assert.deepEqual(
      { flag, text, color, list: [...(list as Uint32Array)], names, flags },
      { flag: false, text: "", color: "0", list: [0, 0, 0], names: ["", ""], flags: [false, false] },
    );
    for (const [name, value] of Object.entries(numbers)) assert.equal(value, 0, name);
  });

  test("every kind of field keeps its value", async () => {
    const row = await record(`
      e->u8 = 255; e->s8 = -128; e->u16 = 65535; e->s16 = -32768; e->u32 = 4294967295u; e->s32 = -2147483648;
      e->u64 = 9007199254740991ull; e->s64 = -9007199254740991ll;
      e->flag = true; e->color = BLUE; __builtin_memcpy(e->text, "grün <b>", 10);
      e->low = 5; e->high = 536870911; e->negative = -16;
      e->at.x = -1; e->at.y = 2; e->either = 77;
      e->list[0] = 1; e->list[1] = 2; e->list[2] = 4294967295u;
      __builtin_memcpy(e->names[0], "full", 4); e->names[1][0] = 'x';
      e->flags[1] = true; e->line[1].y = -7; e->pointer = (void *)4096;`);
    const { list, ...rest } = row;
    assert.deepEqual([...(list as Uint32Array)], [1, 2, 4294967295]);
    assert.deepEqual(rest, {
      u8: 255,
      s8: -128,
      u16: 65535,
      s16: -32768,
      u32: 4294967295,
      s32: -2147483648,
      u64: 9007199254740991,
      s64: -9007199254740991,
      flag: true,
      color: "BLUE",
      text: "grün <b>",
      low: 5,
      high: 536870911,
      negative: -16,
      "at.x": -1,
      "at.y": 2,
      either: 77,
      other: 77,
      names: ["full", "x"],
      flags: [false, true],
      "line.0.x": 0,
      "line.0.y": 0,
      "line.1.x": 0,
      "line.1.y": -7,
      pointer: 4096,
    });
  });

  test("64-bit values beyond 2^53 are counted as inexact, and exact as BigInts on request", async () => {
    const fill = "e->u64 = 9007199254740993ull; e->s64 = -9007199254740993ll;";
    const object = await bpf.load(await bpf.compile(source(fill), { name: "everything" }));
    await collect(object.events("rb"), { rows: 1, until: async () => void object.programs["fill"]!.testRun() });
    assert.equal(object.totals("rb").inexact, 2);
    const row = await record(fill, { bigint: ["u64", "s64"] });
    assert.deepEqual([row["u64"], row["s64"]], [9007199254740993n, -9007199254740993n]);
    assert.throws(
      () => object.events("rb", { bigint: ["u32"] }),
      /has no 64-bit column "u32"\.\nIt has: u64, s64 and pointer\./,
    );
  });

  test("bit fields of bool and enum are what their type says", async () => {
    const packed = source("e->u32 = 3; e->once = true; e->tint = RED; e->hue = GREEN; e->odd = 7;").replace(
      "struct everything {",
      "struct everything { bool never : 1, once : 1; enum color tint : 5; enum color hue : 5; enum color odd : 5;",
    );
    const object = await bpf.load(await bpf.compile(packed, { name: "packed" }));
    const table = await collect(object.events("rb"), {
      rows: 3,
      until: async () => {
        for (let i = 0; i < 3; i++) object.programs["fill"]!.testRun();
      },
    });
    assert.deepEqual(
      ["never", "once", "tint", "hue", "odd"].map((name) => table.array(name)),
      [
        [false, false, false],
        [true, true, true],
        ["RED", "RED", "RED"],
        ["GREEN", "GREEN", "GREEN"],
        ["7", "7", "7"],
      ],
    );
  });

  test("a ring that does not name its record is read by the type that its calls hand over, or as it is named", async () => {
    const plain = source("")
      .replace(
        "RING_BUFFER(rb, struct everything, 65536);",
        `
      struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } rb SEC(".maps");
      struct everything *unused;`,
      )
      .replace("event_reserve(rb)", "bpf_ringbuf_reserve(&rb, sizeof(*e), 0)")
      .replace("event_submit(rb, e)", "e->u8 = 9; bpf_ringbuf_submit(e, 0)");
    const object = await bpf.load(await bpf.compile(plain, { name: "plain" }));
    for (const options of [{}, { record: "everything" }, { record: "struct everything" }]) {
      const table = await collect(object.events("rb", options), {
        rows: 1,
        until: async () => void object.programs["fill"]!.testRun(),
      });
      assert.equal(table.get("u8", 0), 9);
    }
  });

  test("thousands of different strings keep their own codes", async () => {
    const many = source('e->u32 = counter++; BPF_SNPRINTF(e->text, 20, "name %d", e->u32);')
      .replace('#include "bpflab.h"', '#include "bpflab.h"\n#include <bpf/bpf_tracing.h>')
      .replace("RING_BUFFER(rb", "__u32 counter = 0;\nRING_BUFFER(rb")
      .replace("65536", "1 << 22");
    const object = await bpf.load(await bpf.compile(many, { name: "many" }));
    const table = await collect(object.events("rb"), {
      until: async () => {
        for (let i = 0; i < 5000; i++) object.programs["fill"]!.testRun();
      },
    });
    assert.equal(table.numRows(), 5000);
    for (let row = 0; row < 5000; row++) assert.equal(table.get("text", row), `name ${table.get("u32", row)}`);
  });

  test("past a million different strings the rest are (other), so that memory stays bounded", async () => {
    const endless = `
      #include "bpflab.h"
      char LICENSE[] SEC("license") = "GPL";
      struct named { __u32 number; char name[4]; };
      __u32 counter = 0;
      RING_BUFFER(rb, struct named, 1 << 22);
      static long next(__u32 index, void *ctx) {
        struct named *e = event_reserve(rb);
        if (!e) return 1;
        e->number = counter++;
        for (int i = 0; i < 4; i++) e->name[i] = '0' + ((e->number >> 6 * i) & 63);
        event_submit(rb, e);
        return 0;
      }
      SEC("raw_tp") int fill(void *ctx) { bpf_loop(1 << 16, next, NULL, 0); return 0; }`;
    const object = await bpf.load(await bpf.compile(endless, { name: "endless" }));
    const table = await collect(object.events("rb"), {
      until: async () => {
        for (let i = 0; i < 18; i++) {
          object.programs["fill"]!.testRun();
          await until(
            "the ring is empty again",
            () => object.totals("rb").delivered + object.totals("rb").waiting === (i + 1) * 65536,
          );
        }
      },
    });
    object.close();
    assert.equal(table.numRows(), 18 * 65536);
    const names = table.column("name") as unknown as DictionaryColumn;
    assert.equal(names.dictionary.length, 2 ** 20 + 1);
    assert.deepEqual(
      [names.at(0), names.at(2 ** 20 - 1), names.at(2 ** 20), names.at(18 * 65536 - 1)],
      ["0000", "ooo3", "(other)", "(other)"],
    );
  });
});
