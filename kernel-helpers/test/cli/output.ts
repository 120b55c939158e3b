import type { ResultPromise } from "execa";

/**
 * Waits until a process has printed what the pattern finds; the process runs on.
 * (Leaving a loop over execa's own lines would wait for its end.)
 */
export function printed(process: ResultPromise, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = "";
    process.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const found = pattern.exec(text);
      if (found) resolve(found);
    });
    process.stdout!.on("end", () => reject(new Error(`It ended after printing only: ${text}`)));
  });
}
