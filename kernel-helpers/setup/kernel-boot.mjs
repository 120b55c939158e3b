/**
 * Boots a kernel in qemu with this machine's files, read-only under an overlay in memory, and runs one command there.
 * By the processor's own virtualization where there is one, else in software, which takes a minute to boot.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ask, run, SetupError } from "./command.mjs";

const init = fileURLToPath(new URL("kernel-init.sh", import.meta.url));
const VIRTIOFSD = ["/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"];

/**
 * @param {{ release: string, image: string, modules: string }} kernel
 * @param {string[]} command what runs there, with this machine's paths
 * @param {{ seconds: number, memory?: string, onLine(line: string): void }} options `onLine`: each line of its console
 * @returns {Promise<boolean>} whether the command ended with 0 in time
 */
export async function runInKernel(kernel, command, { seconds, memory = "4G", onLine }) {
  const work = mkdtempSync(join(tmpdir(), "bpflab-boot-"));
  const children = [];
  try {
    const initrd = await makeInitrd(kernel, command, work);
    const socket = join(work, "files");
    children.push(startFiles(socket));
    while (!existsSync(socket)) {
      if (children[0].exitCode !== null) throw new SetupError("virtiofsd does not start.");
      await delay(50);
    }
    const hasVirtualization =
      existsSync("/dev/kvm") && /^flags.*\b(vmx|svm)\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));
    const machine = hasVirtualization
      ? ["-accel", "kvm", "-cpu", "host"]
      : ["-accel", "tcg,thread=multi", "-cpu", "max,la57=off"];
    const qemu = spawn(
      "qemu-system-x86_64",
      [
        ...["-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-machine", "q35", ...machine],
        ...["-smp", "2", "-m", memory],
        ...["-object", `memory-backend-memfd,id=memory,size=${memory},share=on`, "-numa", "node,memdev=memory"],
        ...["-chardev", `socket,id=files,path=${socket}`],
        ...["-device", "vhost-user-fs-pci,queue-size=1024,chardev=files,tag=host"],
        ...["-serial", "stdio", "-kernel", kernel.image, "-initrd", initrd],
        // no_timer_check: on a busy machine an emulated timer ticks too late for the kernel's trial of it.
        ...["-append", "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check"],
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    children.push(qemu);
    const limit = setTimeout(() => qemu.kill("SIGKILL"), seconds * 1000);
    let succeeded = false;
    qemu.stderr.setEncoding("utf8").on("data", onLine);
    for await (const line of createInterface(qemu.stdout)) {
      if (line.startsWith("BPFLAB-EXIT ")) succeeded = line.trim() === "BPFLAB-EXIT 0";
      else onLine(line.trimEnd());
    }
    clearTimeout(limit);
    return succeeded;
  } finally {
    await Promise.all(
      children.map((child) => child.exitCode ?? child.signalCode ?? (child.kill("SIGKILL"), once(child, "exit"))),
    );
    rmSync(work, { recursive: true });
  }
}

/** Serves this machine's files, for reading, at a socket. */
function startFiles(socket) {
  const program = VIRTIOFSD.find((file) => existsSync(file));
  if (!program) throw new SetupError("qemu needs virtiofsd, which is not there.");
  const options = program.includes("/qemu/")
    ? ["-o", "source=/", "-o", "cache=always", "-o", "sandbox=chroot", "-o", "xattr"] // qemu's own, until Debian 12
    : ["--shared-dir", "/", "--cache", "always", "--sandbox", "chroot", "--xattr"];
  return spawn(program, [`--socket-path=${socket}`, ...options], { stdio: "ignore" });
}

/** What the kernel begins with: busybox, the modules that lead to this machine's files, and a script that goes there. */
async function makeInitrd({ release, modules }, command, work) {
  const root = join(work, "initrd");
  for (const name of ["bin", "modules"]) mkdirSync(join(root, name), { recursive: true });
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  copyFileSync(init, join(root, "init"));
  chmodSync(join(root, "init"), 0o755);
  writeFileSync(join(root, "modules-of-host"), modules);
  writeFileSync(join(root, "command"), command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" "));
  const base = modules.slice(0, modules.lastIndexOf("/lib/modules/"));
  const order = [];
  for (const name of ["virtio_pci", "virtiofs", "overlay"]) {
    const shown = await ask("modprobe", ["-d", base, "-S", release, "--show-depends", name]);
    for (const [, file] of (shown ?? "").matchAll(/^insmod (\S+)/gm)) if (!order.includes(file)) order.push(file);
  }
  for (const file of order) {
    const target = join(root, "modules", basename(file));
    copyFileSync(file, target);
    if (file.endsWith(".xz")) await run("xz", ["-d", target]);
  }
  writeFileSync(join(root, "modules/order"), order.map((file) => `${basename(file).replace(/\.xz$/, "")}\n`).join(""));
  const initrd = join(work, "initrd.img");
  await run("sh", ["-c", 'cd "$1" && find . | cpio -o -H newc --quiet > "$2"', "sh", root, initrd]);
  return initrd;
}
