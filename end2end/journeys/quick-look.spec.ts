// Quick look at every kind of file: each shows what is in it, and says so where nothing can be shown.

import { type Locator, expect, test } from "@playwright/test";

import { Client, createChange } from "../client.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";
import { SPECIMENS, film } from "../specimens.ts";

// A picture in one colour is smaller, whatever its size on the screen.
const BLANK_PICTURE_BYTES_MAX = 8_000;
const LONG_TEXT_LINES = 30_000;
const MINUTE_MS = 60_000;

test("quick look shows what is in a file of every kind", async ({ browser }) => {
  test.setTimeout(4 * MINUTE_MS);
  const server = await Server.start();
  try {
    await Client.register(server, "ann");
    const witness = await Client.signIn(server, "ann");
    const studio = await browser.newPage();
    const clip = await film(studio);
    await studio.close();
    const broken = { name: "broken.png", mimeType: "image/png", bytes: Buffer.from("no picture at all") };
    const files = [...SPECIMENS, clip, broken];
    for (const { name, mimeType, bytes } of files) await witness.done(createChange(witness.rootId, name, bytes, { mimeType }));
    const ann = await Person.on(browser, server.url);
    await ann.signIn("ann");
    const long = Array.from({ length: LONG_TEXT_LINES }, (_, line) => `line ${line} of a long report`).join("\n");
    await ann.page.locator("#pick-files").setInputFiles([{ name: "report.log", mimeType: "text/plain", buffer: Buffer.from(long) }]);
    await ann.seesUploadsFinished(30_000);
    await ann.uploadPanel.getByRole("button", { name: "Clear finished" }).click();
    await expect(ann.rows).toHaveCount(files.length + 1);
    const { page } = ann;
    const sheet = page.getByRole("dialog", { name: /^Quick look/ });
    const looks = async (name: string, facts: string, sees: () => Promise<void>) =>
      test.step(name, async () => {
        await ann.looksAt(name);
        await expect(page.getByRole("dialog", { name: `Quick look: ${name}` })).toContainText(facts);
        await sees();
        await page.keyboard.press("Escape");
        await expect(sheet).toBeHidden();
      });
    const media = (element: Locator) =>
      element.evaluate((it: HTMLMediaElement) => ({ length: Math.round(it.duration), isThere: it.readyState >= 2, failed: it.error !== null }));

    await looks("Lake in the evening.png", "Image", async () => {
      const picture = sheet.getByRole("img", { name: "Lake in the evening.png" });
      await expect.poll(() => picture.evaluate((it: HTMLImageElement) => it.naturalWidth)).toBe(960);
    });
    await looks("Letter to Ben.txt", "Text", () => expect(sheet.locator("pre")).toContainText("Dear Ben,\n\nthe photographs from the lake"));
    await looks("tides.rs", "Code", () => expect(sheet.locator("pre")).toContainText("    last + PERIOD\n}"));
    await looks("Packing list.md", "Markdown", async () => {
      await expect(sheet.getByRole("heading", { name: "On the way" })).toBeVisible();
      await expect(sheet.getByRole("link", { name: "map" })).toHaveAttribute("href", "https://example.org/map");
      await expect(sheet.locator("li")).toContainText(["Boots", "Rain jacket", "Camera", "Head torch", "Bread and cheese", "Water"]);
    });
    await looks("Household.csv", "Spreadsheet", async () => {
      await expect(sheet.getByRole("columnheader")).toHaveText(["month", "rent", "food"]);
      await expect(sheet.getByRole("row").nth(2)).toHaveText(/February\s*900\s*388/);
      await expect(sheet.getByRole("row")).toHaveCount(4);
    });
    await looks("Contract.pdf", "PDF", () =>
      expect.poll(async () => (await sheet.locator("iframe").screenshot()).length, { timeout: 30_000 }).toBeGreaterThan(BLANK_PICTURE_BYTES_MAX),
    );
    await looks("Voice memo.wav", "Audio", () =>
      expect.poll(() => media(sheet.locator("audio"))).toEqual({ length: 1, isThere: true, failed: false }),
    );
    await looks("Sunrise.webm", "Video", async () => {
      await expect.poll(async () => (await media(sheet.locator("video"))).isThere).toBe(true);
      expect(await sheet.locator("video").evaluate((it: HTMLVideoElement) => it.videoWidth)).toBe(640);
    });
    await looks("Old letters.zip", "Archive · 182 kB", () => expect(sheet).toContainText("No preview for this kind of file"));
    await looks("broken.png", "Image", () => expect(sheet).toContainText("No preview for this kind of file"));
    await looks("report.log", "Text", async () => {
      await expect(sheet).toContainText("Showing the first part of a long file");
      await expect(sheet.locator("pre")).toContainText("line 10000 of");
      await expect(sheet.locator("pre")).not.toContainText(`line ${LONG_TEXT_LINES - 1} of`);
    });

    await test.step("its address opens it again, back closes it, and it deletes what it shows", async () => {
      await ann.looksAt("tides.rs");
      await expect(sheet).toContainText("PERIOD");
      await page.goBack();
      await expect(sheet).toBeHidden();
      await page.goForward();
      await expect(sheet).toContainText("PERIOD");
      await page.reload();
      await expect(sheet).toContainText("PERIOD");
      await sheet.getByRole("button", { name: "Delete" }).click();
      await expect(sheet).toBeHidden();
      await ann.isTold("Moved “tides.rs” to the trash");
      await expect(ann.item("tides.rs")).toBeHidden();
    });
  } finally {
    await server.stop();
  }
});
