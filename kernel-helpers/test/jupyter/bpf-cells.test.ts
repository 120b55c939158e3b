/** Cells in C, and what cells attach. */
import { testInPython } from "./client.js";

testInPython(["bpf_cells_test", "reruns_test", "listeners_test", "hosts_test", "mistakes_test"], 28);
