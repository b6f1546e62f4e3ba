import { type Locator, type Page, expect, test } from "@playwright/test";

import { Client, PASSWORD, createChange, createFolderChange } from "../client.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

// More stops than any page has.
const STOPS_MAX = 40;

/** Keys one after the other, and as many tabs as lead to a place. */
function keysOf(page: Page) {
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const tabTo = async (target: Locator) => {
    const isThere = () => target.evaluate((element) => element === document.activeElement);
    for (let stops = 0; stops < STOPS_MAX && !(await isThere()); stops++) await press("Tab");
    await expect(target).toBeFocused();
  };
  return { press, tabTo };
}

test("everything about a folder, with the keyboard alone", async ({ browser }) => {
  const server = await Server.start();
  try {
    const ann = await Person.on(browser, server.url);
    const { page } = ann;
    const { press, tabTo } = keysOf(page);
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

test("files are looked at, renamed, moved, copied, deleted and restored with the keyboard alone", async ({ browser }) => {
  const server = await Server.start();
  try {
    await Client.register(server, "ann");
    const witness = await Client.signIn(server, "ann");
    await witness.done(
      createFolderChange(witness.rootId, "Trips"),
      createChange(witness.rootId, "plan.txt", Buffer.from("To the lake")),
      createChange(witness.rootId, "tickets.txt", Buffer.from("Two seats")),
    );
    const ann = await Person.on(browser, server.url);
    await ann.signIn("ann");
    const { page } = ann;
    const { press, tabTo } = keysOf(page);
    const list = page.getByRole("grid", { name: "Folder contents" });
    const stands = (name: string) => expect(ann.item(name)).toHaveAttribute("aria-selected", "true");
    const lies = (name: string, folder: string) => expect.poll(() => witness.folderOf(name)).toBe(folder);
    await expect(ann.rows).toHaveCount(3);
    await tabTo(list);

    await test.step("quick look, from one to the next and back to the list", async () => {
      const look = page.getByRole("dialog", { name: /^Quick look/ });
      await press("Home", "ArrowDown", "Space");
      await expect(look).toContainText("To the lake");
      await press("ArrowRight");
      await expect(look).toContainText("Two seats");
      await press("Space");
      await expect(look).toBeHidden();
      await expect(list).toBeFocused();
      await stands("tickets.txt");
    });

    await test.step("a name that is taken is refused, a free one is taken with its ending", async () => {
      const field = page.getByLabel("New name of tickets.txt");
      await press("F2");
      await expect(field).toBeFocused();
      await page.keyboard.type("plan");
      await expect(field).toHaveValue("plan.txt");
      await press("Enter");
      await expect(page.getByRole("alert")).toContainText("There is already “plan.txt” here.");
      await press("Escape");
      await expect(list).toBeFocused();
      await stands("tickets.txt");
      await press("F2");
      await page.keyboard.type("seats");
      await press("Enter");
      await expect(ann.item("seats.txt")).toBeVisible();
      await expect(list).toBeFocused();
      await lies("seats.txt", "");
    });

    await test.step("moved by the menu and its dialog", async () => {
      const entry = page.getByRole("menuitem", { name: "Move to…" });
      await press("Shift+F10");
      await expect(page.getByRole("menu", { name: "seats.txt" })).toBeVisible();
      for (let steps = 0; steps < STOPS_MAX && !(await entry.evaluate((it) => it === document.activeElement)); steps++) await press("ArrowDown");
      await press("Enter");
      const dialog = page.getByRole("dialog", { name: "Move “seats.txt”" });
      await tabTo(dialog.getByRole("button", { name: "Trips", exact: true }));
      await press("Enter");
      await tabTo(dialog.getByRole("button", { name: "Move here" }));
      await press("Enter");
      await expect(ann.item("seats.txt")).toBeHidden();
      await expect(list).toBeFocused();
      await lies("seats.txt", "Trips");
    });

    await test.step("copied into the folder, where the list has the keyboard", async () => {
      await press("Home", "ArrowDown");
      await stands("plan.txt");
      await press("ControlOrMeta+c", "Home", "Enter");
      await expect(ann.item("seats.txt")).toBeVisible();
      await expect(list).toBeFocused();
      await press("ControlOrMeta+v");
      await stands("plan.txt");
      await press("ArrowDown");
      await stands("seats.txt");
      await press("ControlOrMeta+x", "Alt+ArrowUp");
      await expect(ann.item("Trips")).toBeVisible();
      await press("ControlOrMeta+v");
      await lies("seats.txt", "");
      await expect(ann.item("seats.txt")).toBeVisible();
    });

    await test.step("deleted, and put back from the trash", async () => {
      await press("End");
      await stands("seats.txt");
      await press("Shift+ArrowUp", "Delete");
      await expect(ann.rows).toHaveCount(1);
      await tabTo(page.getByRole("link", { name: "Trash" }).first());
      await press("Enter");
      const trash = page.getByRole("grid", { name: "Deleted items" });
      await expect(ann.rows).toHaveCount(2);
      await tabTo(trash);
      await press("ControlOrMeta+a");
      await tabTo(page.getByRole("button", { name: "Put back" }));
      await press("Enter");
      await expect(page.getByText("The trash is empty")).toBeVisible();
      const names = async () => (await witness.items()).map(({ name }) => name).sort();
      await expect.poll(names).toEqual(["Trips", "plan.txt", "plan.txt", "seats.txt"]);
    });
    await ann.seesStatus("Up to date");
  } finally {
    await server.stop();
  }
});
