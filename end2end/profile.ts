// A browser of its own process, whose profile outlives it: killed as a power cut would.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Browser, type BrowserContext, chromium } from "@playwright/test";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
const START_WITHIN_MS = 30_000;

export class Profile {
  private process: ChildProcess | undefined;
  private browser: Browser | undefined;

  private constructor(private readonly folder: string) {}

  static async create(): Promise<Profile> {
    return new Profile(await mkdtemp(join(tmpdir(), "cloudstead-profile-")));
  }

  /** Starts the browser on the profile as it was left. */
  async open(): Promise<BrowserContext> {
    const words = [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--window-size=1280,800",
      "--remote-debugging-port=0",
      `--user-data-dir=${this.folder}`,
      "about:blank",
    ];
    const started = spawn(EXECUTABLE, words, { stdio: ["ignore", "ignore", "pipe"], detached: true });
    this.process = started;
    const address = await new Promise<string>((resolve, reject) => {
      let said = "";
      const give_up = setTimeout(() => reject(new Error(`the browser did not start:\n${said}`)), START_WITHIN_MS);
      started.stderr!.on("data", (text: Buffer) => {
        said += text.toString();
        const found = /DevTools listening on (\S+)/.exec(said)?.[1];
        if (found === undefined) return;
        clearTimeout(give_up);
        resolve(found);
      });
    });
    this.browser = await chromium.connectOverCDP(address);
    return this.browser.contexts()[0]!;
  }

  /** As a person closes it: cookies and the like are on the disk then. */
  async close(): Promise<void> {
    const running = this.process;
    if (running === undefined) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    const devtools = await this.browser!.newBrowserCDPSession();
    devtools.send("Browser.close").catch(() => undefined);
    await ended;
    this.process = undefined;
    this.browser = undefined;
  }

  /** Every process of the browser at once, with nothing written that was not written. */
  async kill(): Promise<void> {
    const running = this.process;
    if (running === undefined) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    process.kill(-running.pid!, "SIGKILL");
    await ended;
    this.process = undefined;
    this.browser = undefined;
  }

  async remove(): Promise<void> {
    await this.kill();
    // The last of its processes may still let go of a file.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}
