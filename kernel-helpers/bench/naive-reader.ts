/** The naive addon as a process of its own: `naive-reader.js OBJECT RECORDS`. Keeps each record; reports as the C peers do. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

interface Naive {
  load(object: string): number;
  poll(each: (record: object) => void): void;
}

const naive = createRequire(import.meta.url)("../../native/bench/naive/build/Release/naive.node") as Naive;
const [object, wanted] = [process.argv[2]!, Number(process.argv[3])];

const memory = (): number => 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]);
const id = naive.load(object);
const records: object[] = [];
const [idle, before] = [memory(), process.cpuUsage()];
process.stdout.write(`ready ${id}\n`);
const turn = () => {
  naive.poll((record) => records.push(record));
  if (records.length < wanted) return void setImmediate(turn);
  const { user, system } = process.cpuUsage(before);
  console.log([records.length, 0, (user + system) * 1000, memory() - idle].join(" "));
};
turn();
