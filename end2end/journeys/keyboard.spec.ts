import { type Locator, expect, test } from "@playwright/test";

import { PASSWORD } from "../client.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

// More stops than any page has.
const STOPS_MAX = 40;

test("everything about a folder, with the keyboard alone", async ({ browser }) => {
  const server = await Server.start();
  try {
    const ann = await Person.on(browser, server.url);
    const { page } = ann;
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const tabTo = async (target: Locator) => {
      const isThere = () => target.evaluate((element) => element === document.activeElement);
      for (let stops = 0; stops < STOPS_MAX && !(await isThere()); stops++) await press("Tab");
      await expect(target).toBeFocused();
    };
    await page.goto("/register");
    await tabTo(page.getByLabel("Username"));
    await page.keyboard.type("ann");
    await tabTo(page.getByRole("textbox", { name: "Password" }));
    await page.keyboard.type(PASSWORD);
    await press("Enter");
    await ann.seesFiles();

    await test.step("the first stop skips to the content", async () => {
      await press("Tab");
      await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
      await press("Enter");
    });

    const list = page.getByRole("grid", { name: "Folder contents" });
    await test.step("make, name, rename, delete and bring back", async () => {
      await tabTo(page.getByRole("button", { name: "New", exact: true }));
      await press("Enter");
      await tabTo(page.getByRole("dialog", { name: "New" }).getByRole("button", { name: "New folder" }));
      await press("Enter");
      await expect(page.getByLabel(/^New name of/)).toBeFocused();
      await press("ControlOrMeta+a");
      await page.keyboard.type("Trips");
      await press("Enter");
      await expect(ann.item("Trips")).toBeVisible();

      await tabTo(list);
      await press("Home", "F2", "ControlOrMeta+a");
      await page.keyboard.type("Journeys");
      await press("Enter");
      await expect(ann.item("Journeys")).toBeVisible();

      await tabTo(list);
      await press("Home", "Delete");
      await expect(ann.item("Journeys")).toBeHidden();
      await press("ControlOrMeta+z");
      await expect(ann.item("Journeys")).toBeVisible();
    });

    await test.step("into the folder and back", async () => {
      await tabTo(list);
      await press("Home", "Enter");
      await expect(page).toHaveTitle(/^Journeys/);
      await page.goBack();
      await expect(ann.item("Journeys")).toBeVisible();
    });
    await ann.seesStatus("Up to date");
  } finally {
    await server.stop();
  }
});
