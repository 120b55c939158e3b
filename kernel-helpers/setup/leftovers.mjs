/**
 * What tests can leave behind on a machine: loaded BPF programs and links, qdiscs, interfaces, network namespaces,
 * mounts, processes. A snapshot before and one after; what only the later has is left over.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { run } from "./command.mjs";

/** Marks the tests' processes: children inherit it, so that one which left its parent is found all the same. */
export const MARK = "BPFLAB_TEST_RUN";

/** All that stands now, as lines of text that name it. @param {string} mark the value of MARK in the tests' environment */
export async function snapshot(mark) {
  const json = async (...command) => JSON.parse((await patiently(command)).trim() || "[]");
  const [programs, links, qdiscs, interfaces, namespaces] = await Promise.all([
    json("bpftool", "-j", "prog", "show"),
    json("bpftool", "-j", "link", "show"),
    json("tc", "-j", "qdisc"),
    json("ip", "-j", "link"),
    json("ip", "-j", "netns"),
  ]);
  const strangers = heldByStrangers(mark);
  return [
    ...programs
      .filter(({ id }) => !strangers.has(`prog_id ${id}`))
      .map(({ id, type, name }) => `BPF program ${id} (${type} ${name ?? ""})`),
    ...links.filter(({ id }) => !strangers.has(`link_id ${id}`)).map(({ id, type }) => `BPF link ${id} (${type})`),
    ...qdiscs.map(({ kind, handle, dev }) => `qdisc ${kind} ${handle} on ${dev}`),
    ...interfaces.map(({ ifname }) => `interface ${ifname}`),
    ...namespaces.map(({ name }) => `network namespace ${name}`),
    ...readFileSync("/proc/self/mounts", "utf8")
      .trim()
      .split("\n")
      .map((line) => `mount ${line.split(" ").slice(0, 3).join(" ")}`),
    ...markedProcesses(mark).map(({ pid, name }) => `process ${pid} (${name})`),
  ];
}

/** A command's output; tried again when it fails, as bpftool does at a link that somebody is making at this moment (EAGAIN). */
async function patiently([file, ...args]) {
  for (let tries = 1; ; tries++) {
    try {
      return await run(file, args);
    } catch (error) {
      if (tries === 100) throw error;
      await delay(20);
    }
  }
}

/** What is there now and was not in `before`, once what is on its way out has had some seconds to go. */
export async function leftovers(before, mark, settleSeconds = 5) {
  const deadline = Date.now() + settleSeconds * 1000;
  for (;;) {
    const left = (await snapshot(mark)).filter((thing) => !before.includes(thing));
    if (left.length === 0 || Date.now() > deadline) return left;
    await delay(250);
  }
}

const pids = () => readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);

/** Runs a reader of /proc, where a process can end at any moment. */
function attempt(read, otherwise) {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

const isMarked = (pid, mark) =>
  attempt(() => readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`${MARK}=${mark}`), false);

function markedProcesses(mark) {
  return pids()
    .filter((pid) => isMarked(pid, mark))
    .map((pid) => ({
      pid,
      name: attempt(
        () =>
          readFileSync(`/proc/${pid}/cmdline`, "utf8")
            .replace(/[\0\s]+/g, " ")
            .slice(0, 100),
        "ended",
      ),
    }));
}

/** BPF programs and links that processes not ours hold open: theirs to keep, such as another tracer's. */
function heldByStrangers(mark) {
  const held = new Set();
  for (const pid of pids()) {
    if (isMarked(pid, mark)) continue;
    const descriptors = attempt(() => readdirSync(`/proc/${pid}/fd`, { withFileTypes: true }), []);
    for (const { name } of descriptors) {
      const info = attempt(() => readFileSync(`/proc/${pid}/fdinfo/${name}`, "utf8"), "");
      for (const [, key, id] of info.matchAll(/^(prog_id|link_id):\s*(\d+)$/gm)) held.add(`${key} ${id}`);
    }
  }
  return held;
}
