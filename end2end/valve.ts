// Chunks on their way up: so many get through, the others wait until a test lets them go.

import type { Page, Route } from "@playwright/test";

export class Valve {
  private readonly held: Route[] = [];
  /** Chunks that the server answered. */
  arrived = 0;

  private constructor(private left: number) {}

  static async on(page: Page, chunks: number): Promise<Valve> {
    const valve = new Valve(chunks);
    await page.route("**/upload/*/chunk/*", (route) => valve.take(route));
    page.on("requestfinished", (request) => {
      if (request.url().includes("/chunk/")) valve.arrived++;
    });
    return valve;
  }

  /** Lets so many more through, those first that wait. */
  async opens(chunks = Number.POSITIVE_INFINITY): Promise<void> {
    this.left += chunks;
    for (const route of this.held.splice(0, chunks)) await this.take(route);
  }

  /** Lets no more through. */
  shuts(): void {
    this.left = 0;
  }

  private async take(route: Route): Promise<void> {
    if (this.left === 0) {
      this.held.push(route);
      return;
    }
    this.left--;
    // One whose page went away meanwhile is no longer there to go on.
    await route.continue().catch(() => undefined);
  }
}
