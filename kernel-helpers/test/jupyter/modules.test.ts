/** Imports, what tslab's own tests ask for, and what python3-jupyter-kernel-test does. */
import { testInPython } from "./client.js";

testInPython(["imports_test", "tslab_cases_test", "kernel_test"], 26);
