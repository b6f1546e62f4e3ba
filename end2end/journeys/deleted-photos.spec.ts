import { expect, test } from "@playwright/test";

import { MINUTE_MS, fill, flaws, gallery, listed, photo, world } from "../library.ts";
import { Person } from "../person.ts";
import { photographs } from "../photographs.ts";

const here = world();

test("what was deleted is seen for as long as it is there, comes back or goes for good, offline too", async ({ browser }) => {
  test.setTimeout(4 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  await fill(ann, 6);
  await ann.isReadyForOffline();
  const deleted = page.getByRole("grid", { name: "Recently deleted" });

  await test.step("deleted photos have a page among the photos, with the days that are left", async () => {
    await gallery(page).focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("x");
    for (let more = 0; more < 3; more++) await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("Delete");
    await expect(gallery(page).getByRole("gridcell")).toHaveCount(2);
    await ann.seesStatus("Up to date");
    await page.getByRole("link", { name: "Recently deleted" }).click();
    await expect(page).toHaveURL(/\/photos\/deleted$/);
    await expect(deleted.getByRole("gridcell")).toHaveCount(4);
    await expect(photo(page, "IMG_0000.*, 30 days left")).toBeVisible();
    await expect(page.locator("[data-place].is-loaded").first()).toBeVisible();
    expect(await flaws(page)).toEqual([]);
  });

  await test.step("selected, they are put back", async () => {
    await deleted.focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("x");
    // Of what is deleted, nothing else is said or asked.
    await page.keyboard.press("f");
    await page.getByRole("button", { name: "Put back" }).click();
    await expect(deleted.getByRole("gridcell")).toHaveCount(3);
    await ann.seesStatus("Up to date");
    expect((await listed(page)).map(({ fileName }) => fileName)).toContain("IMG_0000.jpg");
  });

  await test.step("one that is open goes for good after a question, and the next one is shown", async () => {
    await photo(page, "IMG_0001").click();
    const viewer = page.getByRole("dialog", { name: /IMG_0001/ });
    await expect(viewer.getByRole("button", { name: "Favorite" })).toHaveCount(0);
    await viewer.getByRole("button", { name: "Delete for good" }).click();
    const question = page.getByRole("dialog", { name: /^Delete/ });
    await question.getByRole("button", { name: "Delete for good" }).click();
    await expect(question).toBeHidden();
    await expect(page.getByRole("dialog", { name: /IMG_0002/ })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await expect(deleted.getByRole("gridcell")).toHaveCount(2);
    await ann.seesStatus("Up to date");
  });

  await test.step("without the server it is the same", async () => {
    await here.gate.cut();
    await page.reload();
    await ann.seesStatus(/Offline/);
    await expect(deleted.getByRole("gridcell")).toHaveCount(2);
    await deleted.focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("x");
    await page.getByRole("button", { name: "Put back" }).click();
    await expect(deleted.getByRole("gridcell")).toHaveCount(1);
    await deleted.focus();
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    await page.getByRole("dialog").getByRole("button", { name: "Delete for good" }).click();
    await expect(page.getByRole("heading", { name: "Nothing was deleted lately" })).toBeVisible();
    expect(await flaws(page)).toEqual([]);
    await here.gate.restore();
    await ann.seesStatus("Up to date");
    expect((await listed(page)).map(({ fileName }) => fileName).sort()).toEqual(
      ["IMG_0000.jpg", "IMG_0002.jpg", "IMG_0004.jpg", "IMG_0005.jpg"],
    );
  });
});

test("a photo without a preview is looked at again, and one that is here already is not sent", async ({ browser }) => {
  test.setTimeout(3 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  const [one] = await photographs(page, 1);
  const damaged = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(4_000, 7)]);
  await page.goto("/photos");
  await page.locator("#pick-files").setInputFiles([one!, { name: "Damaged.png", mimeType: "image/png", buffer: damaged }]);
  const statuses = async () => (await listed(page)).map(({ status }) => status).sort();
  await expect.poll(statuses, { timeout: MINUTE_MS }).toEqual(["failed", "ready"]);

  await test.step("the server is asked, and says how it went", async () => {
    await photo(page, "Damaged.png").click();
    const viewer = page.getByRole("dialog", { name: /Damaged.png/ });
    await expect(viewer.getByText(/^There is no preview: /)).toBeVisible();
    expect(await flaws(page)).toEqual([]);
    await viewer.getByRole("button", { name: "Try again" }).click();
    await expect(viewer.getByText("There is still no preview.")).toBeVisible();
    await here.gate.cut();
    await viewer.getByRole("button", { name: "Try again" }).click();
    await expect(viewer.getByText("Only the server can look at it again")).toBeVisible();
    await here.gate.restore();
    await ann.seesStatus("Up to date");
    // Once the server can, the picture is there.
    const ready = (await listed(page)).find(({ status }) => status === "ready")!;
    const id = (await listed(page)).find(({ status }) => status === "failed")!.id;
    await page.route("**/retry", (route) => route.fulfill({ json: { ...ready, id, fileName: "Damaged.png" } }));
    await page.keyboard.press("i");
    await viewer.getByRole("complementary").getByRole("button", { name: "Try again" }).click();
    await expect(viewer.getByText(/^There is no preview: /)).toHaveCount(0);
    await expect(viewer.getByRole("img", { name: "Damaged.png" })).toHaveJSProperty("complete", true);
    await page.unroute("**/retry");
    await page.keyboard.press("Escape");
  });

  await test.step("what the library has by content is said, and stays where it is", async () => {
    const pushed: string[] = [];
    page.on("request", (request) => pushed.push(request.postData() ?? ""));
    await page.locator("#pick-files").setInputFiles([{ ...one!, name: "Again.jpg" }]);
    await expect(page.locator(".toast", { hasText: "1 photo is in your library already" })).toBeVisible();
    await ann.seesStatus("Up to date");
    await expect(gallery(page).getByRole("gridcell")).toHaveCount(2);
    expect(pushed.some((body) => body.includes('"data"'))).toBe(false);
  });

  await test.step("what is deleted comes anew", async () => {
    await gallery(page).focus();
    await photo(page, "IMG_0000").hover();
    await page.locator("[data-place]:hover .photo-tick").click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await ann.seesStatus("Up to date");
    await page.locator("#pick-files").setInputFiles([{ ...one!, name: "Anew.jpg" }]);
    await expect(photo(page, "Anew.jpg")).toBeVisible();
    await expect.poll(async () => (await listed(page)).map(({ fileName }) => fileName)).toContain("Anew.jpg");
  });
});
