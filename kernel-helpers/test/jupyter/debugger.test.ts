/** The debugger, as JupyterLab's panel speaks with it. */
import { testInPython } from "./client.js";

testInPython(["debugger_test"], 6);
