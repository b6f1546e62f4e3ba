import AxeBuilder from "@axe-core/playwright";
import { type Page, expect, test } from "@playwright/test";

import { type Files, film, sidecar, writeBelow, zipped } from "../exports.ts";
import { Gate } from "../gate.ts";
import { Person } from "../person.ts";
import { photographs } from "../photographs.ts";
import { Server } from "../server.ts";
import { picture } from "../specimens.ts";

const MINUTE_MS = 60_000;
const FILM_BYTES = 3_000_000;

type Photo = {
  fileName: string;
  takenAt: string;
  isFavorite: boolean;
  hidden: boolean;
  status: string;
  location: { latitude: number; longitude: number } | null;
};

let server: Server;
let gate: Gate;

test.beforeEach(async () => {
  server = await Server.start();
  gate = await Gate.before(server);
});

test.afterEach(async () => {
  await gate.cut();
  await server.stop();
});

const dialog = (page: Page) => page.getByRole("dialog", { name: "Import photos" });
const fact = (page: Page, name: string) =>
  dialog(page).locator(".fact").filter({ has: page.getByText(name, { exact: true }) });

/** The library's photos by name, once the server has looked at each. */
async function library(page: Page, query = ""): Promise<Record<string, Photo>> {
  const read = async () =>
    page.evaluate(async (query) => {
      const answer = await fetch(`/api/v1/photos?limit=1000${query}`);
      return (await answer.json()).photos as Photo[];
    }, query);
  await expect.poll(async () => (await read()).filter(({ status }) => status === "processing").length).toBe(0);
  return Object.fromEntries((await read()).map((photo) => [photo.fileName, photo]));
}

const evening = (hue: number) =>
  picture(320, 200, [[hue, 150, 90], [60, 50, 120]], [[40, 70, 60], [20, 40, 40]]);

/** A Takeout in two parts, with what they are known for. */
async function takeout(page: Page): Promise<[Buffer, Buffer]> {
  const [dated, lake] = await photographs(page, 2);
  const year = "Takeout/Google Photos/Photos from 2019";
  const album = "Takeout/Google Photos/Lake 2019";
  const first: Files = {
    "Takeout/archive_browser.html": "<!doctype html>",
    [`${year}/IMG_0000.jpg`]: dated!.buffer,
    [`${year}/IMG_0000.jpg.supplemental-metadata.json`]: sidecar("IMG_0000.jpg", {
      at: "2019-05-04T10:15:00Z",
      favorited: true,
      place: [48.1, 11.5],
    }),
    [`${year}/IMG_0001.jpg`]: lake!.buffer,
    [`${year}/IMG_0001.jpg.json`]: sidecar("IMG_0001.jpg", { at: "2024-05-20T09:00:00Z" }),
    [`${year}/evening.png`]: evening(250),
    [`${year}/evening-bearbeitet.png`]: evening(200),
    [`${year}/evening.png.supplemental-me.json`]: sidecar("evening.png", { at: "2019-06-07T20:30:00Z" }),
    [`${year}/gone.png`]: evening(100),
    [`${year}/gone.png.json`]: sidecar("gone.png", { at: "2019-06-07T20:30:00Z", trashed: true }),
  };
  const second: Files = {
    [`${album}/Metadaten.json`]: JSON.stringify({ title: "Lake / 2019" }),
    [`${album}/IMG_0001.jpg`]: lake!.buffer,
    [`${year}/VID_1.mp4`]: film(FILM_BYTES, 1),
    [`${year}/VID_1.mp4.json`]: sidecar("VID_1.mp4", { at: "2019-08-09T08:00:00Z" }),
    [`${year}/broken.png`]: film(5_000, 2),
    [`${year}/elsewhere.jpg.json`]: sidecar("elsewhere.jpg", { at: "2019-08-09T08:00:00Z" }),
  };
  const damaged = zipped(second);
  // In the middle of what only its checksum can prove.
  const at = damaged.indexOf(Buffer.from(film(5_000, 2)).subarray(1_000, 1_100));
  damaged[at] = damaged[at]! ^ 0xff;
  return [zipped(first), damaged];
}

test("a Takeout is planned, taken in with its dates, hearts, places and albums, and comes only once", async ({ browser }, { outputDir }) => {
  test.setTimeout(5 * MINUTE_MS);
  const ann = await Person.on(browser, gate.url);
  await ann.register("ann");
  const { page } = ann;
  await page.goto("/photos");
  const [first, second] = await takeout(page);
  const parts = [first, second].map((buffer, part) => {
    return { name: `takeout-20250101-00${part + 1}.zip`, mimeType: "application/zip", buffer };
  });

  await test.step("the dry run says what it would do", async () => {
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await expect(dialog(page).getByText("Google Takeout")).toBeVisible();
    await page.locator("#import-archives").setInputFiles(parts);
    await expect(dialog(page).getByText("Nothing is changed yet")).toBeVisible();
    await expect(fact(page, "Photos")).toContainText("5");
    await expect(fact(page, "Films")).toContainText("1");
    await expect(fact(page, "Copies")).toContainText("1");
    await expect(fact(page, "Dates")).toContainText("1 from the photos themselves, 4 from the export, 1 only from the files");
    await expect(fact(page, "Places")).toContainText("1 from the export");
    await dialog(page).getByText("1 file left out: in the trash there").click();
    await expect(dialog(page).getByText("Photos from 2019/gone.png")).toBeVisible();
    await dialog(page).getByText("1 description without a photo").click();
    await expect(dialog(page).getByText("elsewhere.jpg.json")).toBeVisible();
    await dialog(page).getByText("1 album", { exact: true }).click();
    await expect(dialog(page).getByText("Lake   2019: 1 photo")).toBeVisible();
    await page.screenshot({ path: `${outputDir}/dry-run.png` });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: `${outputDir}/dry-run-phone.png` });
    await page.setViewportSize({ width: 1280, height: 720 });
    expect(Object.keys(await library(page))).toEqual([]);
  });

  await test.step("what is whole is taken in, what is damaged is named", async () => {
    await dialog(page).getByRole("button", { name: "Import 6 photos" }).click();
    await expect(dialog(page).getByText("Put 5 photos into your library. 1 was here already.")).toBeVisible({ timeout: MINUTE_MS });
    await dialog(page).getByText("1 file left out: damaged").click();
    await expect(dialog(page).getByText("Photos from 2019/broken.png")).toBeVisible();
    await page.screenshot({ path: `${outputDir}/done.png` });
    await dialog(page).getByRole("button", { name: "Done" }).click();
    await ann.seesStatus("Up to date");
  });

  await test.step("dates are the pictures' own, or the export's", async () => {
    const photos = await library(page);
    expect(Object.keys(photos).sort()).toEqual([
      "IMG_0000.jpg",
      "IMG_0001.jpg",
      "VID_1.mp4",
      "evening-bearbeitet.png",
      "evening.png",
    ]);
    const taken = (name: string) => photos[name]!.takenAt.slice(0, 16);
    // Corrected there: its picture says another year.
    expect(taken("IMG_0000.jpg")).toBe("2019-05-04T10:15");
    expect(taken("IMG_0001.jpg")).toBe("2024-05-20T11:00");
    expect(taken("evening.png")).toBe("2019-06-07T20:30");
    expect(taken("evening-bearbeitet.png")).toBe("2019-06-07T20:30");
    expect(taken("VID_1.mp4")).toBe("2019-08-09T08:00");
    expect(photos["IMG_0000.jpg"]).toMatchObject({ isFavorite: true, location: { latitude: 48.1, longitude: 11.5 } });
    expect(photos["IMG_0001.jpg"]).toMatchObject({ isFavorite: false, location: null });
  });

  await test.step("the album has its photo", async () => {
    await page.getByRole("link", { name: "Albums" }).click();
    await page.getByRole("link", { name: /Lake\s+2019 1 photo/ }).click();
    await expect(page.getByRole("gridcell", { name: /IMG_0001/ })).toBeVisible();
    await page.goBack();
  });

  await test.step("imported again, nothing comes twice, and what a person changed stays", async () => {
    await page.getByRole("link", { name: "Library" }).click();
    await page.getByRole("gridcell", { name: /IMG_0000/ }).click();
    await page.keyboard.press("f");
    await expect(page.locator(".toast", { hasText: "removed from your favorites" })).toBeAttached();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Import photos" }).click();
    await page.locator("#import-archives").setInputFiles(parts);
    await expect(fact(page, "Probably here")).toContainText("5");
    await dialog(page).getByRole("button", { name: "Import 6 photos" }).click();
    await expect(dialog(page).getByText("Put 0 photos into your library. 6 were here already.")).toBeVisible({ timeout: MINUTE_MS });
    await dialog(page).getByRole("button", { name: "Done" }).click();
    await ann.seesStatus("Up to date");
    const photos = await library(page);
    expect(Object.keys(photos).length).toBe(5);
    expect(photos["IMG_0000.jpg"]!.isFavorite).toBe(false);
  });
});

test("an iCloud folder is taken in without a connection, and arrives once there is one", async ({ browser }, testInfo) => {
  test.setTimeout(5 * MINUTE_MS);
  const ann = await Person.on(browser, gate.url);
  await ann.register("ann");
  const { page } = ann;
  await page.goto("/photos");
  const folder = testInfo.outputPath("iCloud Photos");
  const row = (name: string, favorite: string, hidden: string, date: string) =>
    `${name},x,${favorite},${hidden},no,"${date}",1,"${date}"\n`;
  await writeBelow(folder, {
    "Photos/IMG_1.PNG": evening(250),
    "Photos/IMG_2.PNG": evening(150),
    "Photos/IMG_3.MOV": film(FILM_BYTES, 3),
    "Photos/Photo Details.csv":
      "imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate\n" +
      row("IMG_1.PNG", "yes", "no", "Saturday May 4,2019 10:15 AM GMT") +
      row("IMG_2.PNG", "no", "yes", "Saturday May 4,2019 12:15 PM GMT") +
      row("IMG_3.MOV", "no", "no", "Sunday May 5,2019 9:00 PM GMT"),
    "Albums/Goa.csv": "Images\nIMG_1.PNG\nIMG_3.MOV\n",
    "Recently Deleted/IMG_4.PNG": evening(50),
  });
  await ann.isReadyForOffline();
  await gate.cut();
  await ann.seesStatus(/Offline/);
  await page.getByRole("button", { name: "Import photos" }).click();
  await page.locator("#import-folder").setInputFiles(folder);
  await expect(fact(page, "Dates")).toContainText("3 from the export");
  await dialog(page).getByRole("button", { name: "Import 3 photos" }).click();
  await expect(dialog(page).getByText("3 of 3 photos")).toBeVisible();
  await expect(dialog(page).getByText("Waiting for the connection")).toBeVisible();
  await dialog(page).getByRole("button", { name: "Close" }).last().click();

  // What was taken in is on this device, whatever becomes of the tab.
  await page.reload();
  await gate.restore();
  await expect.poll(async () => Object.keys(await library(page)).length, { timeout: MINUTE_MS }).toBe(2);
  await ann.seesStatus("Up to date", MINUTE_MS);
  const photos = await library(page);
  const of = (name: string) => [photos[name]?.takenAt.slice(0, 16), photos[name]?.isFavorite];
  expect(of("IMG_1.PNG")).toEqual(["2019-05-04T10:15", true]);
  expect(of("IMG_3.MOV")).toEqual(["2019-05-05T21:00", false]);
  await page.goto("/photos/hidden");
  await expect(page.getByRole("gridcell", { name: /IMG_2/ })).toBeVisible();
  await page.goto("/photos/albums");
  await page.getByRole("link", { name: /Goa 2 photos/ }).click();
  await expect(page.getByRole("gridcell")).toHaveCount(2);
});
