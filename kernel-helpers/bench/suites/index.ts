import type { Suite } from "../suite.js";
import { fleet } from "./fleet.js";
import { growth } from "./growth.js";
import { icmp } from "./icmp.js";
import { ingestion } from "./ingestion.js";
import { kernel } from "./kernel.js";
import { probes } from "./probe.js";
import { tables } from "./tables.js";
import { throughput } from "./throughput.js";
import { tuning } from "./tuning.js";
import { writes } from "./writes.js";

/** All suites, in the order in which they run. */
export const suites: Suite[] = [writes, throughput, ingestion, tuning, icmp, tables, kernel, growth, probes, fleet];
