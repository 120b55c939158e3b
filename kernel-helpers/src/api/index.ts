/**
 * The one page that a notebook imports.
 *
 * @example
 * import { bpf, collect, charts, latency } from "kernel-helpers";
 * const ringbuf = await bpf.load("ringbuf");
 * await ringbuf.attach();
 * const writes = await collect(ringbuf.events("rb"), { seconds: 5 });
 * charts.histogram(writes, { x: "duration_ns", by: "comm" });
 */
import { ColumnTable } from "arquero";
import { Observable, Subscription } from "rxjs";
import { showInstances } from "../base/display.js";
import { tableText } from "../tables/plain.js";
import { tableBundle } from "../tables/table-bundle.js";
import { streamBundle, subscriptionBundle } from "../views/stream-view.js";

showInstances(ColumnTable, tableBundle, tableText);
showInstances(Observable, streamBundle);
showInstances(Subscription, subscriptionBundle);

export * as bpf from "./bpf.js";
export * as capture from "../tables/capture-file.js";
export * as charts from "./charts.js";
export * as widgets from "./widgets.js";
export * as exercise from "./exercise.js";
export * as latency from "./latency.js";
export * as net from "./net.js";
export * as aq from "arquero";

export { probe, op, Probe, ProbeError, type KernelOp, type ProbeOptions } from "../probe/index.js";
export { collect, CollectError, type CollectOptions } from "../streams/collect.js";
export { connectFleet, type ConnectionOptions } from "../fleet/connect.js";
export { tryFleet } from "../fleet/try-fleet.js";
export type { Trial, TrialOptions } from "../fleet/trial.js";
export type { Fleet, FleetLoadOptions } from "../fleet/fleet.js";
export type { FleetMap, FleetMapOptions } from "../fleet/fleet-map.js";
export type { FleetObject } from "../fleet/fleet-object.js";
export type { FleetProbe } from "../fleet/fleet-probe.js";
export type { FleetEventsOptions } from "../fleet/ring.js";
export { watch, type StreamView } from "../views/stream-view.js";
export { toDate } from "../streams/clock.js";
export { captureOf, type Capture } from "../streams/capture.js";
export { changes, type ChangesOptions } from "../tables/changes.js";
export { compare, type CompareOptions } from "../tables/compare.js";
export { withPaths, type PathOptions } from "../tables/paths.js";
export { withOverlaps, type OverlapOptions } from "../tables/overlaps.js";
export { sizeClasses, withSizeClass, type SizeClassOptions } from "../tables/sizes.js";
export { showTable } from "../tables/show.js";
export type { TableViewOptions } from "../tables/table-html.js";
export { formatNumber, formatTime } from "../tables/units.js";
export { concatCaptures } from "../tables/concat.js";
export { concatTables } from "../streams/concat-tables.js";
export {
  comms,
  display,
  mime,
  displaySymbol,
  type Comm,
  type CommExtras,
  type CommHost,
  type Displayable,
  type DisplayHandle,
  type MimeBundle,
} from "../base/display.js";
export * from "../base/errors.js";
export { CompileError, type Diagnostic } from "../clang/diagnostics.js";
export { VerifierError } from "../bpf/verifier/error.js";
export type { BpfObject } from "../handles/object.js";
export type { BpfMap } from "../handles/map.js";
export type { PerCpu, Summed } from "../bpf/per-cpu.js";
export type { BpfProgram, ProgramStats } from "../bpf/program.js";
export type { AttachOptions, Hook } from "../bpf/link/hooks.js";
export type { NetworkHook } from "../bpf/link/network.js";
export type { ProgramTypes } from "../bpf/program-types.js";
export type { EventBatch } from "../streams/batch.js";
export type { EventTable, ColumnName } from "../streams/table.js";
export type { EventsOptions } from "../streams/events.js";
export type { MapRow, MapTableOptions } from "../streams/map-table.js";
export type { PolledRow, PollOptions } from "../streams/poll.js";
export type { ShippedPrograms } from "../generated/programs.js";
export { offCpu, type OffCpuOptions } from "../handles/off-cpu.js";
export { profile, type ProfileOptions } from "../handles/profile.js";
export { Stacks, type StackOptions } from "../handles/stacks.js";
