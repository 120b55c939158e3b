/** A process that asks the kernel one question: prints how many ms it took from the question to attached. Its argument makes the question a new one. */
import { sums } from "./suites/probe.js";

console.log("ready");
process.stdin.resume();
await new Promise((resolve) => process.stdin.once("end", resolve)); // what it imported is all there by now
const begun = performance.now();
const running = await sums(Number(process.argv[2])).attach();
console.log(performance.now() - begun);
running.close();
