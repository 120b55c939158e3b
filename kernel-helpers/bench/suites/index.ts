import type { Suite } from "../suite.js";
import { ingestion } from "./ingestion.js";
import { writes } from "./writes.js";

/** All suites, in the order in which they run. */
export const suites: Suite[] = [writes, ingestion];
