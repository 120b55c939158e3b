/**
 * One JupyterLab and one Chromium for all browser tests of a run: says on standard output where they are, which the
 * runner hands to each test as BPFLAB_TEST_SHARED, and ends with its standard input.
 */
import { launchChromiumServer } from "./chromium.js";
import { startServer } from "./server.js";

/** Where the shared ones are. */
export interface Shared {
  /** Of JupyterLab, with its token. */
  address: string;
  /** What JupyterLab serves. */
  directory: string;
  /** Of Chromium, for playwright to connect to. */
  browser: string;
}

const [server, browser] = await Promise.all([startServer(), launchChromiumServer()]);
const shared: Shared = { address: server.address, directory: server.directory, browser: browser.wsEndpoint() };
console.log(JSON.stringify(shared));
process.stdin.resume().once("close", () => void Promise.all([server.stop(), browser.close()]));
