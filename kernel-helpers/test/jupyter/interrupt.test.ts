/** Interrupts: whatever a cell does, it ends. */
import { testInPython } from "./client.js";

testInPython(["interrupt_test"], 28);
