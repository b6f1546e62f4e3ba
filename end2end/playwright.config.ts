import { defineConfig, devices } from "@playwright/test";

// `cargo xtask test` sets these and calls Playwright; by hand they can be given as well.
const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";

export default defineConfig({
  outputDir: "test-results",
  // Each test starts a server and browsers of its own; two at a time would only share two cores.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  retries: 0,
  // A slow machine is no failure.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  use: {
    ...devices["Desktop Chrome"],
    // What hangs fails by itself, and says where.
    actionTimeout: 30_000,
    navigationTimeout: 60_000,
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: chromium,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "journeys", testDir: "journeys" },
    { name: "looks", testDir: "looks", use: { trace: "off" } },
    { name: "release", testDir: "release" },
    { name: "durability", testDir: "durability" },
    { name: "benchmarks", testDir: "benchmarks", use: { trace: "off" } },
    { name: "conformance", testDir: "conformance" },
  ],
});
