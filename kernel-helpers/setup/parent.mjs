/** Ends this process as Ctrl-C would when the one that started it, npm, was killed and could not tell it. */
export function endWithParent() {
  const parent = process.ppid;
  const watch = () => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  };
  const timer = setInterval(watch, 500).unref();
}
