/** The wire: the queue, signatures, prompts, completion, shutdown, floods and what is malformed. */
import { testInPython } from "./client.js";

testInPython(["protocol_test", "wire_fuzz_test", "throughput_test"], 32);
