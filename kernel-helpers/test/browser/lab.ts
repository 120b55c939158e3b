import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import type { SavedCell } from "../notebooks/executed.js";
import { notebookText } from "../notebooks/written.js";
import { connectToChromium, launchChromium } from "./chromium.js";
import { NotebookPage } from "./notebook-page.js";
import { startServer } from "./server.js";
import type { Shared } from "./shared.js";

/** The directory of the notebooks that bpflab ships. */
export const shipped = fileURLToPath(new URL("../../../notebooks/", import.meta.url));
/** Pictures for a person to look at; ignored by git. */
export const pictures = fileURLToPath(new URL("../../../reports/browser/", import.meta.url));

/** What the server says about a notebook's kernel. */
interface Session {
  id: string;
  path: string;
  kernel: { connections: number } | null;
}

const START_MS = 60_000;

/** A running JupyterLab, and a browser in front of it. */
export class Lab {
  private constructor(
    /** Where this test's notebooks are. */
    readonly directory: string,
    /** The same below what JupyterLab serves; "" for all of it. */
    private readonly folder: string,
    private readonly address: URL,
    private readonly browser: Browser,
    private readonly stop: () => Promise<void>,
  ) {}

  /**
   * A folder of its own in the JupyterLab that the browser tests of this run share; a JupyterLab of its own if the test runs
   * by itself, or if it says so because it changes settings.
   */
  static async start({ own = false } = {}): Promise<Lab> {
    const shared = process.env["BPFLAB_TEST_SHARED"];
    if (shared && !own) {
      const { address, directory, browser } = JSON.parse(shared) as Shared;
      const place = await mkdtemp(join(directory, "test-"));
      const remove = () => rm(place, { recursive: true, force: true });
      return new Lab(place, `${basename(place)}/`, new URL(address), await connectToChromium(browser), remove);
    }
    const { address, directory, stop } = await startServer();
    try {
      return new Lab(directory, "", new URL(address), await launchChromium(), stop);
    } catch (error) {
      await stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.shutdownKernels();
    await this.stop();
  }

  /** Puts a copy of a shipped notebook into the directory. */
  async copy(name: string): Promise<string> {
    await cp(join(shipped, name), join(this.directory, name));
    return name;
  }

  /** Writes a notebook with these code cells into the directory. */
  async write(name: string, cells: string[]): Promise<string> {
    await writeFile(join(this.directory, name), notebookText(cells));
    return name;
  }

  /** The code cells of a notebook as they are on disk. */
  async saved(name: string): Promise<SavedCell[]> {
    const { cells } = JSON.parse(await readFile(join(this.directory, name), "utf8")) as { cells: SavedCell[] };
    return cells.filter(({ cell_type }) => cell_type === "code");
  }

  /** Opens a notebook by its address and token in a tab of its own, and waits until its kernel is ready. */
  async open(name: string, { height = 1000 }: { height?: number } = {}): Promise<NotebookPage> {
    const context = await this.browser.newContext({ viewport: { width: 1300, height } });
    const page = await context.newPage();
    // A workspace of its own: JupyterLab opens what was open in it before.
    const workspace = `test-${basename(this.directory)}`;
    const address = new URL(`/lab/workspaces/${workspace}/tree/${this.folder}${name}`, this.address);
    address.search = `${this.address.search}&reset`;
    await page.goto(address.href, { waitUntil: "domcontentloaded" });
    const notebook = new NotebookPage(page, name);
    await this.connected(name);
    await notebook.ready();
    return notebook;
  }

  /** An empty tab. */
  newPage(): Promise<Page> {
    return this.browser.newPage();
  }

  /** Ends the kernels of this test's notebooks, so that nothing of one test runs into the next. */
  async shutdownKernels(): Promise<void> {
    const sessions = (await this.sessions()).filter(({ path }) => path.startsWith(this.folder));
    await Promise.all(sessions.map(({ id }) => this.api(`sessions/${id}`, "DELETE")));
  }

  /** Waits until a page is connected to the notebook's kernel: what is run before is not. */
  private async connected(name: string): Promise<void> {
    for (const end = Date.now() + START_MS; Date.now() < end; await delay(100)) {
      const isConnected = ({ path, kernel }: Session) => path === this.folder + name && (kernel?.connections ?? 0) > 0;
      if ((await this.sessions()).some(isConnected)) return;
    }
    throw new Error(`${name} has not been connected to a kernel within ${START_MS / 1000} s`);
  }

  private async sessions(): Promise<Session[]> {
    return (await (await this.api("sessions")).json()) as Session[];
  }

  private api(path: string, method = "GET"): Promise<Response> {
    return fetch(new URL(`/api/${path}`, this.address), {
      method,
      headers: { Authorization: `token ${this.address.searchParams.get("token")}` },
    });
  }
}
