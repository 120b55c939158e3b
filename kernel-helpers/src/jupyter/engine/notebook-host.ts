/** The notebook as `base/display.ts` knows it: displays, their updates, and word of an interrupt. */
import { randomUUID } from "node:crypto";
import type { CommHost, Host } from "../../base/display.js";
import { encodeBundle, toJson } from "../bundle.js";
import { currentCell, disowned, onCellEnd, runningCell } from "../interrupt/cell.js";
import type { Channel } from "../channel.js";

export function notebookHost(channel: Channel, comms: CommHost): Host {
  return {
    comms,
    show(bundle) {
      const cell = currentCell();
      if (!cell || cell.silent) return { update: () => undefined };
      const transient = { display_id: randomUUID() };
      channel.publish("display_data", cell.parent, { data: encodeBundle(bundle), metadata: {}, transient });
      return {
        update(next) {
          // Front ends find the output by its id. The parent is the running cell if there is one,
          // because nbclient ignores what belongs to an earlier cell.
          const { parent } = runningCell() ?? cell;
          const content = toJson({ data: encodeBundle(next), metadata: {}, transient });
          channel.output({ kind: "update", displayId: transient.display_id, parent, content });
        },
      };
    },
    hold(work) {
      const held = currentCell()?.held;
      held?.add(work);
      const release = (): unknown => held?.delete(work);
      work.then(release, release);
    },
    detached: disowned,
    interruptSignal: () => currentCell()?.interrupt.signal,
    onCellEnd: (listener) => onCellEnd(({ cellId, id }) => listener({ id: cellId, run: id })),
    cell: () => {
      const cell = currentCell();
      return cell && { id: cell.cellId, run: cell.id };
    },
  };
}
