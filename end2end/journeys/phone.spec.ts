import { type Page, expect, test } from "@playwright/test";

import { MINUTE_MS, flaws, gallery, listed, photo, world } from "../library.ts";
import { Person } from "../person.ts";
import { photographs } from "../photographs.ts";

const here = world();
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** As the phone's own "Share" does: a form that its browser sends to the app. */
async function shares(page: Page, { name, buffer }: { name: string; buffer: Buffer }): Promise<void> {
  await page.evaluate(
    ([name, bytes]) => {
      const form = Object.assign(document.createElement("form"), { action: "/share", method: "post", enctype: "multipart/form-data" });
      const input = Object.assign(document.createElement("input"), { type: "file", name: "photos" });
      const files = new DataTransfer();
      files.items.add(new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], name, { type: "image/jpeg" }));
      input.files = files.files;
      form.append(input);
      document.body.append(form);
      form.submit();
    },
    [name, buffer.toString("base64")] as const,
  );
  await page.waitForURL(/\/photos$/);
}

test("a phone takes pictures, chooses them from its own, shares them into the library, and shows them one after the other", async ({ browser }) => {
  test.setTimeout(3 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url, PHONE);
  await ann.register("ann");
  const { page } = ann;
  await ann.isReadyForOffline();
  const [one, two, three] = await photographs(page, 3);

  await test.step("files come from the camera and the phone's photos, too", async () => {
    await page.getByRole("button", { name: "New", exact: true }).tap();
    const menu = page.getByRole("dialog", { name: "New" });
    await expect(menu.getByRole("button")).toHaveText(
      ["Take photo or video", "Choose photos", "Upload files", "Upload folder", "New folder", "New text file"],
    );
    expect(await flaws(page)).toEqual([]);
    const [camera] = await Promise.all([
      page.waitForEvent("filechooser"),
      menu.getByRole("button", { name: "Take photo or video" }).tap(),
    ]);
    expect(camera.isMultiple()).toBe(false);
    expect(await camera.element().getAttribute("capture")).toBe("environment");
    expect(await camera.element().getAttribute("accept")).toBe("image/*,video/*");
  });

  await test.step("so do photos", async () => {
    await page.goto("/photos");
    await page.getByRole("button", { name: "Add photos" }).tap();
    const menu = page.getByRole("dialog", { name: "Add photos" });
    await expect(menu.getByRole("button", { name: "Take photo or video" })).toBeVisible();
    const [chosen] = await Promise.all([
      page.waitForEvent("filechooser"),
      menu.getByRole("button", { name: "Choose photos" }).tap(),
    ]);
    expect(chosen.isMultiple()).toBe(true);
    await chosen.setFiles([one!, two!]);
    await expect.poll(async () => (await listed(page)).filter(({ status }) => status === "ready").length, { timeout: MINUTE_MS }).toBe(2);
    await expect(gallery(page).getByRole("gridcell")).toHaveCount(2);
  });

  await test.step("what tells of uploads covers no menu", async () => {
    await expect(page.getByText("Uploads finished")).toBeVisible();
    await page.getByRole("button", { name: "Add photos" }).tap();
    const entries = page.getByRole("dialog", { name: "Add photos" }).getByRole("button");
    for (const entry of await entries.all()) await entry.tap({ trial: true });
    await page.keyboard.press("Escape");
    await expect(page.getByText("Uploads finished")).toBeVisible();
  });

  await test.step("a slideshow begins from the viewer's menu", async () => {
    await photo(page, "IMG_0000").tap();
    const viewer = page.getByRole("dialog", { name: /IMG_0000/ });
    await viewer.getByRole("button", { name: "More" }).tap();
    await viewer.getByRole("dialog", { name: "More" }).getByRole("button", { name: "Slideshow" }).tap();
    await expect(page.getByRole("dialog", { name: /IMG_0001/ })).toBeVisible();
    await page.goBack();
  });

  await test.step("what another app shares is asked about and comes in, offline too", async () => {
    await here.gate.cut();
    await shares(page, three!);
    const question = page.getByRole("dialog", { name: "Add 1 photo to your library?" });
    await question.getByRole("button", { name: "Cancel" }).tap();
    await page.reload();
    await expect(gallery(page)).toBeVisible();
    await expect(question).toHaveCount(0);
    await shares(page, three!);
    await question.getByRole("button", { name: "Add photos" }).tap();
    await expect(photo(page, "IMG_0002")).toBeVisible();
    await expect.poll(() => page.evaluate(async () => (await (await caches.open("handed")).keys()).length)).toBe(0);
    await page.reload();
    await expect(photo(page, "IMG_0002")).toBeVisible();
    await here.gate.restore();
    await expect.poll(async () => (await listed(page)).length, { timeout: MINUTE_MS }).toBe(3);
  });
});
