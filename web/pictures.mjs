// node pictures.mjs DIRECTORY OUT: what a reader sees of DIRECTORY/broken.html and both.html, at the loss.
import { mkdirSync } from "node:fs";
import { closeBrowser, open } from "./test/browser.mjs";

const [directory, out] = process.argv.slice(2);
const pictures = [
  ["report-light", "broken", { width: 1440, height: 900, colorScheme: "light" }],
  ["report-dark", "broken", { width: 1440, height: 900, colorScheme: "dark" }],
  ["report-narrow", "broken", { width: 390, height: 844, colorScheme: "light" }],
  ["compare", "both", { width: 1440, height: 1100, colorScheme: "light" }],
];

mkdirSync(out, { recursive: true });
for (const [name, report, view] of pictures) {
  const { page, errors, close } = await open(`${directory}/${report}.html`, view);
  await page.keyboard.press("l");
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${out}/${name}.png` });
  await close();
  if (errors.length > 0) throw new Error(`${name}: ${errors.join("; ")}`);
}
await closeBrowser();
