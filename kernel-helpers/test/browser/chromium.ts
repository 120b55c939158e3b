import { chromium, type Browser, type BrowserServer } from "playwright-core";

/** Debian's Chromium without a window, told to keep off the network. */
const options = {
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox", // the tests run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

export function launchChromium(): Promise<Browser> {
  return chromium.launch(options);
}

/** For several processes, which connect to its `wsEndpoint()`. */
export function launchChromiumServer(): Promise<BrowserServer> {
  return chromium.launchServer(options);
}

export function connectToChromium(endpoint: string): Promise<Browser> {
  return chromium.connect(endpoint);
}
