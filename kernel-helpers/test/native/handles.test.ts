import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { compileShipped } from "../../dist/clang/compile.js";
import {
  native,
  type DrainerHandle,
  type LinkHandle,
  type MapHandle,
  type MountHandle,
  type ObjectHandle,
  type Plan,
  type ProgramHandle,
  type RingHandle,
} from "../../dist/base/native.js";

interface Handles {
  object: ObjectHandle;
  map: MapHandle;
  program: ProgramHandle;
  link: LinkHandle;
  mount: MountHandle;
  drainer: DrainerHandle;
  ring: RingHandle;
}

const plan: Plan = {
  recordSize: 48,
  columns: [
    { decode: "u64", offset: 0 },
    { decode: "text", offset: 32, width: 16 },
  ],
};
let elf: Buffer;

function open(): Handles {
  const object = native.bpf_object__open_mem(elf, "ringbuf");
  native.bpf_object__load(object);
  const map = native.bpf_object__find_map_by_name(object, "rb");
  const drainer = native.drain_start(() => {});
  return {
    object,
    map,
    program: native.bpf_prog_get_fd_by_id(native.bpf_program__info(object, "handle_exit").id),
    link: native.bpf_enable_stats(),
    mount: native.fsmount("tracefs"),
    drainer,
    ring: native.drain_add(drainer, map, plan, { bufferBytes: 1 << 20 }),
  };
}

// A mount goes with the process alone.
const closers: { [Kind in Exclude<keyof Handles, "mount">]: (handles: Handles) => void } = {
  ring: (h) => native.drain_remove(h.drainer, h.ring),
  drainer: (h) => native.drain_stop(h.drainer),
  link: (h) => native.bpf_link__destroy(h.link),
  program: (h) => native.program_close(h.program),
  map: (h) => native.bpf_map__close(h.map),
  object: (h) => native.bpf_object__close(h.object),
};
const kinds = Object.keys(closers) as (keyof typeof closers)[];

function close(handles: Handles): void {
  for (const kind of kinds) closers[kind](handles);
}

const key = Buffer.alloc(4);
// Each call with the kinds of its arguments that are handles, and what a use of it does.
const uses: [kind: keyof Handles, call: string, use: (handles: Handles) => unknown][] = [
  ["object", "bpf_object__load", (h) => native.bpf_object__load(h.object)],
  ["object", "bpf_object__programs", (h) => native.bpf_object__programs(h.object)],
  ["object", "bpf_object__maps", (h) => native.bpf_object__maps(h.object)],
  ["object", "bpf_object__btf", (h) => native.bpf_object__btf(h.object)],
  ["object", "bpf_object__find_map_by_name", (h) => native.bpf_object__find_map_by_name(h.object, "rb")],
  ["object", "bpf_map__set_initial_value", (h) => native.bpf_map__set_initial_value(h.object, "ringbuf.bss", 0, key)],
  ["object", "bpf_map__set_max_entries", (h) => native.bpf_map__set_max_entries(h.object, "rb", 4096)],
  ["object", "bpf_map__reuse_fd", (h) => native.bpf_map__reuse_fd(h.object, "rb", h.map)],
  ["object", "bpf_program__set_autoload", (h) => native.bpf_program__set_autoload(h.object, "handle_exit", true)],
  ["object", "bpf_program__info", (h) => native.bpf_program__info(h.object, "handle_exit")],
  ["object", "bpf_program__attach", (h) => native.bpf_program__attach(h.object, "handle_exit")],
  [
    "object",
    "bpf_program__attach_perf_event",
    (h) => native.bpf_program__attach_perf_event(h.object, "handle_exit", { config: 1, cpu: 0 }),
  ],
  ["object", "bpf_link_create", (h) => native.bpf_link_create(h.object, "handle_exit", 1, 46)],
  ["object", "bpf_prog_attach", (h) => native.bpf_prog_attach(h.object, "handle_exit", 0, 5)],
  ["object", "bpf_program__attach_kprobe", (h) => native.bpf_program__attach_kprobe(h.object, "handle_exit", "f", {})],
  ["object", "bpf_program__attach_uprobe", (h) => native.bpf_program__attach_uprobe(h.object, "handle_exit", "f", {})],
  ["object", "bpf_program__attach_iter", (h) => native.bpf_program__attach_iter(h.object, "handle_exit", {})],
  ["object", "socket_attach_bpf", (h) => native.socket_attach_bpf(h.object, "handle_exit", 0)],
  ["object", "packet_socket_attach_bpf", (h) => native.packet_socket_attach_bpf(h.object, "handle_exit", 0)],
  ["object", "bpf_program__fd", (h) => native.bpf_program__fd(h.object, "handle_exit")],
  ["link", "bpf_iter_read", (h) => native.bpf_iter_read(h.link)],
  ["map", "bpf_map__fd", (h) => native.bpf_map__fd(h.map)],
  ["program", "program_fd", (h) => native.program_fd(h.program)],
  ["map", "bpf_map_get_info_by_fd", (h) => native.bpf_map_get_info_by_fd(h.map)],
  ["program", "bpf_prog_get_info_by_fd", (h) => native.bpf_prog_get_info_by_fd(h.program)],
  ["link", "bpf_link_get_info_by_fd", (h) => native.bpf_link_get_info_by_fd(h.link)],
  ["object", "bpf_tc_attach", (h) => native.bpf_tc_attach(h.object, "handle_exit", 1, 1, 1, 1, false)],
  ["object", "bpf_prog_test_run", (h) => native.bpf_prog_test_run(h.object, "handle_exit")],
  ["link", "bpf_link_update", (h) => native.bpf_link_update(h.link, h.object, "handle_exit")],
  ["link", "bpf_link_ifindex", (h) => native.bpf_link_ifindex(h.link)],
  ["map", "bpf_map_lookup_elem", (h) => native.bpf_map_lookup_elem(h.map, key)],
  ["map", "bpf_map_update_elem", (h) => native.bpf_map_update_elem(h.map, key, key, 0)],
  ["map", "bpf_map_delete_elem", (h) => native.bpf_map_delete_elem(h.map, key)],
  ["map", "bpf_map_lookup_and_delete_elem", (h) => native.bpf_map_lookup_and_delete_elem(h.map, key)],
  ["map", "bpf_map_update_batch", (h) => native.bpf_map_update_batch(h.map, key, key)],
  ["map", "bpf_map_delete_batch", (h) => native.bpf_map_delete_batch(h.map, key)],
  ["map", "map_walk", (h) => native.map_walk(h.map, 4096)],
  ["map", "map_memory_read", (h) => native.map_memory_read(h.map, 0, 0)],
  ["map", "map_memory_write", (h) => native.map_memory_write(h.map, 0, key)],
  ["map", "drain_add", (h) => native.drain_add(h.drainer, h.map, plan, { bufferBytes: 1 << 20 })],
  ["mount", "fsmount_path", (h) => native.fsmount_path(h.mount)],
  ["drainer", "drain_add", (h) => native.drain_add(h.drainer, h.map, plan, { bufferBytes: 1 << 20 })],
  ["drainer", "drain_subscribe", (h) => native.drain_subscribe(h.drainer, h.ring, 1)],
  ["ring", "drain_subscribe", (h) => native.drain_subscribe(h.drainer, h.ring, 1)],
  ["ring", "drain_totals", (h) => native.drain_totals(h.ring)],
  ["ring", "drain_take", (h) => native.drain_take(h.ring)],
];

describe("the addon's handles", () => {
  before(async () => void ({ elf } = await compileShipped("ringbuf")));

  test("of the wrong kind are a TypeError in every call, closing included", () => {
    const handles = open();
    for (const [kind, call, use] of [...uses, ...kinds.map((kind) => [kind, "close", closers[kind]] as const)]) {
      const wrong = [
        undefined,
        null,
        7,
        "handle",
        {},
        Buffer.alloc(8),
        ...kinds.filter((other) => other !== kind).map((other) => handles[other]),
      ];
      for (const other of wrong) {
        assert.throws(
          () => use({ ...handles, [kind]: other }),
          (e: Error) =>
            e instanceof TypeError &&
            /^argument \d is not a (BPF object|BPF map|BPF program|BPF link|mount|drain thread|ring buffer) handle$/.test(
              e.message,
            ),
          `${call} with a wrong ${kind}`,
        );
      }
    }
    close(handles);
  });

  test("that are closed are EBADF in every call", () => {
    const handles = open();
    const closed = open();
    close(closed);
    for (const [kind, call, use] of uses.filter(([kind]) => kind !== "mount")) {
      assert.throws(
        () => use({ ...handles, [kind]: closed[kind] }),
        { errno: 9, code: "EBADF", message: /^this .+ is closed: Bad file descriptor$/, log: "" },
        `${call} with a closed ${kind}`,
      );
    }
    close(handles);
  });

  test("close as often as one likes, in any order", () => {
    for (const order of [kinds, [...kinds].reverse()]) {
      const handles = open();
      for (const kind of [...order, ...order]) closers[kind](handles);
    }
  });

  test("of a map are usable after the object's end, until they are closed themselves", () => {
    const object = native.bpf_object__open_mem(elf, "ringbuf");
    native.bpf_object__load(object);
    const map = native.bpf_object__find_map_by_name(object, "ringbuf.bss");
    native.bpf_object__close(object);
    native.map_memory_write(map, 0, Buffer.from([1, 2, 3, 4]));
    assert.deepEqual(native.map_memory_read(map, 0, 4), Buffer.from([1, 2, 3, 4]));
    assert.deepEqual(native.bpf_map_lookup_elem(map, key)!.subarray(0, 4), Buffer.from([1, 2, 3, 4]));
    native.bpf_map__close(map);
    assert.throws(() => native.map_memory_read(map, 0, 4), { code: "EBADF" });
  });

  test("of a ring keep their memory when the map's own is closed first", () => {
    const handles = open();
    native.drain_subscribe(handles.drainer, handles.ring, 1);
    native.bpf_map__close(handles.map);
    native.bpf_object__close(handles.object);
    assert.deepEqual(native.drain_take(handles.ring).chunks, []);
    close(handles);
  });
});

describe("the addon's arguments", () => {
  let handles: Handles;
  before(async () => {
    ({ elf } = await compileShipped("ringbuf"));
    handles = open();
  });
  after(() => close(handles));

  const add = (changed: Partial<Plan>, options: object = {}) =>
    native.drain_add(handles.drainer, handles.map, { ...plan, ...changed }, { bufferBytes: 1 << 20, ...options });

  test("a plan that reaches beyond the record is refused", () => {
    const beyond: Plan["columns"][number][] = [
      { decode: "u8", offset: 48 },
      { decode: "u64", offset: 41 },
      { decode: "u32", offset: 0, count: 13 },
      { decode: "u32", offset: 0, count: 0 },
      { decode: "u8", offset: 0xffff_ffff },
      { decode: "u64", offset: 8, count: 0x2000_0000 },
      { decode: "text", offset: 33, width: 16 },
      { decode: "text", offset: 16, width: 16, count: 3 },
      { decode: "enum", offset: 45, width: 4 },
      { decode: "bits", offset: 45, width: 4, bitSize: 3 },
    ];
    for (const column of beyond)
      assert.throws(
        () => add({ columns: [column] }),
        { name: "TypeError", message: "column 0 reaches past the end of the record" },
        JSON.stringify(column),
      );
  });

  test("a plan that no decoder can follow is refused", () => {
    const broken: [Plan["columns"][number], RegExp][] = [
      [{ decode: "bits", offset: 0, width: 4 }, /not a bit field/],
      [{ decode: "bits", offset: 0, width: 1, bitOffset: 5, bitSize: 4 }, /not a bit field/],
      [{ decode: "bits", offset: 0, width: 9, bitOffset: 7, bitSize: 60 }, /not a bit field/],
      [{ decode: "bits", offset: 0, width: 4, bitOffset: 0xffff_ffff, bitSize: 1 }, /not a bit field/],
      [{ decode: "enum", offset: 0, width: 4, bitOffset: 30, bitSize: 3 }, /not a bit field/],
      [{ decode: "bits", offset: 0, width: 8, bitSize: 64 }, /not a bit field/],
      [{ decode: "enum", offset: 45, width: 3 }, /column 0 is not an enum/],
      [{ decode: "enum", offset: 48, width: 0 }, /column 0 is not an enum/],
      [{ decode: "u128" as "u64", offset: 0 }, /unknown decode u128/],
    ];
    for (const [column, message] of broken)
      assert.throws(
        () => add({ columns: [column] }),
        (e: Error) => e instanceof TypeError && message.test(e.message),
        JSON.stringify(column),
      );
    assert.throws(() => add({ columns: [] }), /a plan needs a record size and columns/);
    assert.throws(
      () => add({ recordSize: 0, columns: [{ decode: "text", offset: 0, width: 0 }] }),
      /a plan needs a record size and columns/,
    );
    assert.throws(() => add({}, { loss: {} }), TypeError);
    assert.throws(() => add({}, { loss: handles.object }), TypeError);
  });

  test("a loss counter outside its map is refused", () => {
    const loss = native.bpf_object__find_map_by_name(handles.object, "ringbuf.bss");
    const size = native.bpf_object__maps(handles.object).find((m) => m.name === "ringbuf.bss")!.valueSize;
    for (const lossOffset of [size - 7, size, 0xffff_ffff])
      assert.throws(() => add({}, { loss, lossOffset }), {
        name: "TypeError",
        message: "lossOffset is outside the map",
      });
    native.bpf_map__close(loss);
  });

  test("a map that is no ring buffer is refused", () => {
    const bss = native.bpf_object__find_map_by_name(handles.object, "ringbuf.bss");
    assert.throws(() => native.drain_add(handles.drainer, bss, plan, { bufferBytes: 1 << 20 }), {
      name: "TypeError",
      message: "argument 2 is not a ring buffer map",
    });
    native.bpf_map__close(bss);
  });

  test("memory outside a map's value can be neither read nor written", () => {
    const bss = native.bpf_object__find_map_by_name(handles.object, "ringbuf.bss");
    const { valueSize: size } = native.bpf_object__maps(handles.object).find((m) => m.name === "ringbuf.bss")!;
    assert.equal(native.map_memory_read(bss, size, 0).length, 0);
    for (const [offset, length] of [
      [0, size + 1],
      [size, 1],
      [size + 1, 0],
      [1, 0xffff_ffff],
      [-1, 1],
      [0.5, 1],
      [2 ** 53, 1],
    ] as const) {
      assert.throws(() => native.map_memory_read(bss, offset, length), TypeError, `${length} bytes at ${offset}`);
    }
    for (const [offset, length] of [
      [0, size + 1],
      [size, 1],
      [size + 1, 0],
      [-1, 1],
    ] as const) {
      assert.throws(
        () => native.map_memory_write(bss, offset, Buffer.alloc(length)),
        TypeError,
        `${length} bytes at ${offset}`,
      );
    }
    native.bpf_map__close(bss);
  });

  test("memory that is fixed at load can be read and not written", () => {
    const rodata = native.bpf_object__find_map_by_name(handles.object, "ringbuf.rodata");
    assert.equal(native.map_memory_read(rodata, 0, 4).length, 4);
    assert.throws(() => native.map_memory_write(rodata, 0, Buffer.alloc(4)), {
      code: "EPERM",
      message: /this map is read-only/,
    });
    native.bpf_map__close(rodata);
  });

  test("memory of a map that cannot be mapped says so", () => {
    const begun = native.bpf_object__find_map_by_name(handles.object, "begun_map");
    assert.throws(() => native.map_memory_read(begun, 0, 4), { log: "", message: /^the map cannot be mapped: / });
    native.bpf_map__close(begun);
  });

  test("names that the object does not have, and values of the wrong type or size", () => {
    assert.throws(() => native.bpf_object__find_map_by_name(handles.object, "no"), {
      name: "TypeError",
      message: "no map named no",
    });
    assert.throws(() => native.bpf_program__info(handles.object, "no"), {
      name: "TypeError",
      message: "no program named no",
    });
    assert.throws(() => native.bpf_program__info(handles.object, 7 as never), {
      name: "TypeError",
      message: "argument 2 is not a string",
    });
    assert.throws(() => native.bpf_object__open_mem("elf" as never, "x"), {
      name: "TypeError",
      message: "argument 1 is not a Uint8Array",
    });
    const begun = native.bpf_object__find_map_by_name(handles.object, "begun_map");
    assert.throws(() => native.bpf_map_lookup_elem(begun, Buffer.alloc(3)), {
      name: "TypeError",
      message: "the key takes 4 bytes, got 3",
    });
    assert.throws(() => native.map_walk(begun, 4096), {
      errno: 524,
      code: "ENOTSUPP",
      message: "map walk: Operation not supported",
    });
    native.bpf_map__close(begun);
    assert.throws(() => native.bpf_object__open_mem(Buffer.from("no ELF"), "x"), {
      errno: 4001,
      message: /^libbpf cannot open the object: .*format/,
      log: /not a proper ELF object/,
    });
    assert.throws(() => native.bpf_map__set_initial_value(handles.object, "ringbuf.bss", 0, key), {
      code: "EBUSY",
      message: /^the object is loaded: /,
    });
    assert.throws(() => native.drain_start(undefined as never), {
      name: "TypeError",
      message: "argument 1 is not a function",
    });
  });
});
