/** How promises print. */
import { inspect, type InspectOptions } from "node:util";

/** Node's bookkeeping of async contexts lies on every promise, and prints with it: the whole cell, with its request. */
const bookkeeping = new Set(["async_id_symbol", "trigger_async_id_symbol", "kResourceStore"]);

/** Makes promises print as they do where nobody follows them. */
export function hideBookkeeping(): void {
  const prototype: object = Promise.prototype;
  Object.defineProperty(prototype, inspect.custom, {
    configurable: true,
    writable: true,
    value(this: Promise<unknown>, _depth: number, options: InspectOptions) {
      for (const symbol of Object.getOwnPropertySymbols(this)) {
        if (bookkeeping.has(symbol.description ?? ""))
          Object.defineProperty(this as object, symbol, { enumerable: false });
      }
      Object.defineProperty(this as object, inspect.custom, { value: undefined, configurable: true }); // from now on as Node prints it
      return inspect(this, options);
    },
  });
}
