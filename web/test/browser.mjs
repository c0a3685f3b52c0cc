// Opens a report as a reader would: from a file, with no network; and writes down whatever goes wrong.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { reportOf } from "./encode.mjs";

const ARGS = [
  "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

export const buildDir = fileURLToPath(new URL("../build/", import.meta.url));

let browser;
const launch = async () => browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });

export async function closeBrowser() {
  await browser?.close();
  browser = undefined;
}

export async function open(path, { width = 1440, height = 900, colorScheme = "light", bypassCSP = false, wait = true } = {}) {
  const context = await (await launch()).newContext({ viewport: { width, height }, colorScheme, bypassCSP, reducedMotion: "reduce" });
  const page = await context.newPage();
  const url = pathToFileURL(path).href;
  const errors = [];
  page.on("pageerror", error => errors.push(`pageerror: ${error.stack ?? error}`));
  page.on("console", message => { if (message.type() === "error" || message.type() === "warning") errors.push(`console: ${message.text()}`); });
  page.on("request", request => {
    if (request.url().split("#")[0] !== url && request.url() !== "data:,") errors.push(`request: ${request.url()}`);
  });
  await context.setOffline(true);
  await page.goto(url);
  if (wait) await page.waitForFunction(() => document.documentElement.dataset.ready, null, { timeout: 30000 });
  return { page, errors, close: () => context.close() };
}

export function writeReport(name, runs) {
  mkdirSync(buildDir, { recursive: true });
  const path = `${buildDir}${name}.html`;
  writeFileSync(path, reportOf(runs));
  return path;
}

// What the table says each lane holds now: {pte0: "PWD", ...}.
export const lanesOf = (page, run = 0) => page.$$eval(`[data-lane][data-run="${run}"]`, cells =>
  Object.fromEntries(cells.map(cell => [cell.dataset.lane, cell.dataset.value])));
