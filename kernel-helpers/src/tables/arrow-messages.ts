/** The messages that an Arrow file or stream is made of: where they lie, and what their heads say (Message.fbs). */

export interface Message {
  from: number;
  to: number;
  type: number;
  /** Of a dictionary, which one it is. */
  dictionary?: { id: bigint; isDelta: boolean };
  /** Of a batch, the rows that it claims, and its buffers' sizes in bytes, unpacked. */
  batch?: { rows: number; buffers: number[] };
}

export const DICTIONARY = 2; // the numbers of MessageHeader
export const RECORDS = 3;

/** The messages as far as they are whole; what is damaged behind them is flechette's to tell. */
export function messagesOf(bytes: Uint8Array): Message[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Message[] = [];
  try {
    readMessages(view, messages);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a head that points out of the file
  }
  return messages;
}

function readMessages(view: DataView, messages: Message[]): void {
  const end = view.byteLength;
  const isFile = end >= 8 && view.getUint32(0) === 0x4152524f && view.getUint16(4) === 0x5731; // ARROW1
  for (let at = isFile ? 8 : 0; at + 4 <= end;) {
    const from = at;
    let length = view.getInt32(at, true);
    at += 4;
    if (length === -1 && at + 4 <= end) {
      length = view.getInt32(at, true);
      at += 4;
    }
    if (length <= 0 || at + length > end) break;
    const table = at + view.getUint32(at, true);
    const header = field(view, table, 8);
    const body = field(view, table, 10);
    const type = view.getUint8(field(view, table, 6) ?? at);
    const message: Message = { from, to: at + length + Number(body ? view.getBigInt64(body, true) : 0n), type };
    if (type === DICTIONARY && header !== undefined) {
      const batch = header + view.getUint32(header, true);
      const [id, delta] = [field(view, batch, 4), field(view, batch, 8)];
      message.dictionary = {
        id: id ? view.getBigInt64(id, true) : 0n,
        isDelta: delta !== undefined && view.getUint8(delta) !== 0,
      };
    }
    if (message.to <= from || message.to > end) break;
    if (type === RECORDS && header !== undefined)
      message.batch = batchOf(view, header + view.getUint32(header, true), at + length);
    messages.push(message);
    at = message.to;
  }
}

function batchOf(view: DataView, table: number, body: number): NonNullable<Message["batch"]> {
  const rows = field(view, table, 4);
  const list = field(view, table, 8);
  const isPacked = field(view, table, 10) !== undefined;
  const start = list === undefined ? 0 : list + view.getUint32(list, true);
  const count = list === undefined ? 0 : view.getUint32(start, true);
  if (count * 16 > view.byteLength) throw new RangeError("more buffers than the file has room for");
  const buffers = Array.from({ length: count }, (_, i) => {
    const [offset, size] = [0, 8].map((at) => Number(view.getBigInt64(start + 4 + i * 16 + at, true))) as [
      number,
      number,
    ];
    if (!isPacked || size < 8) return size;
    const unpacked = Number(view.getBigInt64(body + offset, true));
    return unpacked < 0 ? size - 8 : unpacked; // -1: stored as it is
  });
  return { rows: rows === undefined ? 0 : Number(view.getBigInt64(rows, true)), buffers };
}

/** Where a field of a FlatBuffers table lies, by its place in the vtable; undefined for one that is left out. */
function field(view: DataView, table: number, slot: number): number | undefined {
  const vtable = table - view.getInt32(table, true);
  const offset = slot < view.getUint16(vtable, true) ? view.getUint16(vtable + slot, true) : 0;
  return offset === 0 ? undefined : table + offset;
}
