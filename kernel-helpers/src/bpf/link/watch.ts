import { visible } from "../../base/text.js";
import type { Attachment } from "./attachment.js";
import { interfacesThere, isThere, type Interface } from "./interfaces.js";

/** How often an attachment is looked for, ms. */
const WATCH_EVERY = 500;

/** Says so when the interface goes or somebody takes the program off: a filter that filters nothing must not look as if it did. */
export function watched(
  attachment: Attachment & Required<Pick<Attachment, "isGone">>,
  program: string,
  on: Interface,
): Attachment {
  const timer = setInterval(() => {
    if (!attachment.isGone()) return;
    detach(); // frees what is left of it here
    if (isThere(on.index))
      console.warn(
        `${program} was detached from the interface ${visible(on.name)} by another process: attach it again to go on.`,
      );
    else
      console.warn(
        `The interface ${visible(on.name)} no longer exists: ${program} is no longer attached. ${interfacesThere()}`,
      );
  }, WATCH_EVERY);
  timer.unref();
  let detached = false;
  const detach = () => {
    if (detached) return;
    detached = true;
    clearInterval(timer);
    attachment.detach();
  };
  const { links: _, ...rest } = attachment; // it is more than links: a timer ends with it
  return { ...rest, isGone: () => detached || attachment.isGone(), detach };
}
