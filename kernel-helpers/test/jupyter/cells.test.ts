/** Cells: results, errors, output, variables, and what they import. */
import { testInPython } from "./client.js";

testInPython(["cells_test", "variables_test"], 69);
