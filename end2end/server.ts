// A real server for one test: its own data folder, its own port, killed and restarted at will.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const START_WITHIN_MS = 30_000;
const END_WITHIN_MS = 30_000;
const POLL_MS = 50;

export const EXECUTABLE = process.env.CLOUDSTEAD ?? join(import.meta.dirname, "../target/debug/cloudstead");
/** Where the site was built. */
export const SITE = process.env.CLOUDSTEAD_SITE ?? join(import.meta.dirname, "../target/site");

export type Options = {
  environment?: Record<string, string>;
  /** What the server is run under, such as strace: the server's own words follow. */
  under?: string[];
  /** A folder whose `data` is there already. */
  folder?: string;
};

export class Server {
  readonly url: string;
  readonly data: string;
  private process: ChildProcess | undefined;
  private said = "";

  private constructor(
    readonly port: number,
    private readonly metricsPort: number,
    folder: string,
    private readonly options: Options,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.data = folder;
  }

  static async start(options: Options = {}): Promise<Server> {
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "cloudstead-journey-")));
    const server = new Server(await freePort(), await freePort(), folder, options);
    await server.up();
    return server;
  }

  /** Starts it over the same data, and waits until it answers; its clock may go ahead of everyone's. */
  async up(daysAhead = 0): Promise<void> {
    const clock = daysAhead > 0 ? ["faketime", "-f", `+${daysAhead}d`] : [];
    const [program, ...words] = [...(this.options.under ?? []), ...clock, EXECUTABLE, "serve"];
    const process_ = spawn(program!, words, {
      env: {
        ...process.env,
        RUST_LOG: "warn",
        CLOUDSTEAD_SITE: SITE,
        ...this.options.environment,
        CLOUDSTEAD_LISTEN: `127.0.0.1:${this.port}`,
        CLOUDSTEAD_DATA: join(this.data, "data"),
        CLOUDSTEAD_METRICS_LISTEN: `127.0.0.1:${this.metricsPort}`,
      },
      stdio: ["ignore", "pipe", "pipe"],
      // A process group of its own: killing it reaches the server under strace too.
      detached: true,
    });
    const keep = (text: Buffer) => (this.said += text.toString());
    process_.stdout!.on("data", keep);
    process_.stderr!.on("data", keep);
    this.process = process_;
    const deadline = Date.now() + START_WITHIN_MS;
    while (!(await this.isReady())) {
      if (process_.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the server did not start:\n${this.said}`);
      }
      await delay(POLL_MS);
    }
  }

  /** As a power cut of the process: no clean-up of any kind. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Ends as it does when it is asked to, and keeps its data. */
  async down(): Promise<void> {
    await this.end("SIGTERM");
  }

  async stop(): Promise<void> {
    await this.down();
    await rm(this.data, { recursive: true, force: true });
  }

  get log(): string {
    return this.said;
  }

  /** A counter of the server since it was started, summed over its labels; 0 where it has not counted yet. */
  async counter(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`)).text();
    const rows = text.split("\n").filter((row) => row.startsWith(`${name} `) || row.startsWith(`${name}{`));
    return rows.reduce((sum, row) => sum + Number(row.slice(row.lastIndexOf(" ") + 1)), 0);
  }

  private async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/api/v1/health/ready`)).ok;
    } catch {
      return false;
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const running = this.process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    process.kill(-running.pid!, signal);
    const late = setTimeout(() => process.kill(-running.pid!, "SIGKILL"), END_WITHIN_MS);
    await ended;
    clearTimeout(late);
    if (signal === "SIGTERM" && running.signalCode === "SIGKILL") throw new Error(`the server did not end:\n${this.said}`);
    this.process = undefined;
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
