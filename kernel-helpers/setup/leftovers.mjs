/**
 * What tests can leave behind on a machine: loaded BPF programs and links, qdiscs, interfaces, network namespaces,
 * mounts, processes. A snapshot before and one after; what only the later has is left over.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { run } from "./command.mjs";

/**
 * Marks the tests' processes: children inherit it, so that one which left its parent is found all the same. A run's mark is
 * the beginning of the marks of its files, RUN/FILE.
 */
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
  const isOurs = (name) => !belongsToStranger(name, mark);
  const mounts = readFileSync("/proc/self/mounts", "utf8").trim().split("\n");
  return [
    ...programs
      .filter(({ id }) => !strangers.has(`prog_id ${id}`))
      .map(({ id, type, name }) => `BPF program ${id} (${type} ${name ?? ""})`),
    ...links.filter(({ id }) => !strangers.has(`link_id ${id}`)).map(({ id, type }) => `BPF link ${id} (${type})`),
    ...qdiscs.filter(({ dev }) => isOurs(dev)).map(({ kind, handle, dev }) => `qdisc ${kind} ${handle} on ${dev}`),
    ...interfaces.filter(({ ifname }) => isOurs(ifname)).map(({ ifname }) => `interface ${ifname}`),
    ...namespaces.filter(({ name }) => isOurs(name)).map(({ name }) => `network namespace ${name}`),
    ...mounts
      .filter((line) => isOurs(/ \/run\/netns\/(\S+)/.exec(line)?.[1] ?? ""))
      // Which everybody's namespaces stand in.
      .filter((line) => !line.includes(" /run/netns ") || namespaces.every(({ name }) => isOurs(name)))
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
  attempt(
    () =>
      readFileSync(`/proc/${pid}/environ`, "utf8")
        .split("\0")
        .some((entry) => entry === `${MARK}=${mark}` || entry.startsWith(`${MARK}=${mark}/`)),
    false,
  );

/**
 * Ends what runs with a mark, and what that starts meanwhile; returns what it had to end, when all of it has gone.
 *
 * @param {string} mark
 * @param {number} settleSeconds for what is on its way out by itself
 */
export async function endMarked(mark, settleSeconds = 0) {
  const found = new Map();
  const patience = Date.now() + settleSeconds * 1000;
  for (const deadline = patience + 10_000; Date.now() < deadline; await delay(20)) {
    const running = markedProcesses(mark);
    if (running.length === 0) break;
    if (Date.now() < patience) continue;
    for (const { pid, name } of running) {
      if (!found.has(pid)) found.set(pid, { pid, name });
      attempt(() => process.kill(Number(pid), "SIGKILL"));
    }
  }
  return [...found.values()];
}

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

/** True for a playground's interface or namespace (`blabPID-`, `bpflab-PID-`) whose process lives and is not ours. */
function belongsToStranger(name, mark) {
  const pid = /^(?:blab|bpflab-)(\d+)-/.exec(name)?.[1];
  return pid !== undefined && existsSync(`/proc/${pid}`) && !isMarked(pid, mark);
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
