/**
 * Streams of Arrow whose dictionaries are replaced between batches, as pyarrow writes them by default. flechette reads
 * every batch by the last dictionary, which makes other words of the codes before; so each part of a stream that has
 * dictionaries of its own is read by itself.
 */
import * as flechette from "@uwdata/flechette";
import { checkHeld } from "./arrow-check.js";
import { DICTIONARY, type Message, messagesOf, RECORDS } from "./arrow-messages.js";

const options = { useBigInt: true, useDate: true };

/** The table of a file or stream. @throws whatever is wrong with it */
export function arrowTable(bytes: Uint8Array): ReturnType<typeof flechette.tableFromIPC> {
  const messages = messagesOf(bytes);
  const tables = partsOf(bytes, messages).map(tableOf);
  const [first] = tables;
  checkHeld(first!.schema.fields, messages.flatMap(({ batch }) => batch ?? [])); // prettier-ignore
  if (tables.length === 1) return first!;
  const columns = first!.names.map((_, i) => new flechette.Column(tables.flatMap((table) => table.getChildAt(i).data)));
  return new flechette.Table(first!.schema, columns as never);
}

/** @throws Error in words where flechette's are JavaScript's */
function tableOf(part: Uint8Array): ReturnType<typeof flechette.tableFromIPC> {
  try {
    return flechette.tableFromIPC(part, options);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // It reads dictionaries before there is one that they could refer to.
    if (error.message.includes("'cache'"))
      throw new Error("a dictionary inside of a dictionary, or one that is missing, is unsupported", { cause: error });
    throw new Error("its batches have fewer parts than its schema has", { cause: error });
  }
}

/** A stream as streams in which no dictionary is replaced. */
function partsOf(bytes: Uint8Array, messages: readonly Message[]): Uint8Array[] {
  const others = messages.filter(({ type }) => type !== DICTIONARY && type !== RECORDS);
  const inForce = new Map<bigint, Message[]>();
  const parts: Message[][] = [];
  let isOpen = false; // whether the part that is last takes further batches
  for (const message of messages) {
    const { type, dictionary } = message;
    if (dictionary) {
      const known = inForce.get(dictionary.id);
      inForce.set(dictionary.id, dictionary.isDelta && known ? [...known, message] : [message]);
      isOpen = false;
    } else if (type === RECORDS) {
      if (!isOpen) parts.push([...others, ...[...inForce.values()].flat()]);
      parts.at(-1)!.push(message);
      isOpen = true;
    }
  }
  if (parts.length <= 1) return [bytes];
  return parts.map((part) => Buffer.concat(part.map(({ from, to }) => bytes.subarray(from, to))));
}
