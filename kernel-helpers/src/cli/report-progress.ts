import type { Progress } from "../report/execute.js";
import { visible } from "../base/text.js";

/** On a terminal one line that follows the cells and their time; elsewhere a line at the beginning and one for each slow cell. */
export function reportProgress(name: string): { show: (progress: Progress) => void; end: () => void } {
  const terminal = process.stdout.isTTY;
  const shown = visible(name);
  if (!terminal) console.log(`· ${shown} …`);
  let doing = "";
  let since = Date.now();
  const draw = () =>
    process.stdout.write(
      `\r\x1b[2K· ${shown}  ${doing}  ${((Date.now() - since) / 1000).toFixed(0)} s`.slice(
        0,
        process.stdout.columns || 80,
      ),
    );
  const timer = terminal ? setInterval(draw, 500) : undefined;
  return {
    show(progress) {
      if (progress.event === "start") {
        doing = `cell ${progress.cell} of ${progress.of}`;
        since = Date.now();
        if (terminal) draw();
      } else if (progress.event === "done" && !terminal && progress.seconds >= 1) {
        console.log(`  ${doing}, ${progress.seconds.toFixed(1)} s`);
      }
    },
    end() {
      clearInterval(timer);
      if (terminal) process.stdout.write("\r\x1b[2K");
    },
  };
}
