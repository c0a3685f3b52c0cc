// What the page shows of real runs is what the log of the same run says. MKCLEAN is the program (scripts/check-page sets it).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildDir, closeBrowser, lanesOf, open } from "./browser.mjs";

const program = process.env.MKCLEAN;
const root = fileURLToPath(new URL("../../", import.meta.url));
const options = { skip: program ? false : "MKCLEAN is not set" };
const file = name => `${buildDir}real-${name}`;
const mkclean = (...words) => execFileSync(program, words, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

before(() => {
  if (!program) return;
  mkdirSync(buildDir, { recursive: true });
  const run = ["run", "configs/rtorrent-2006.cfg", "--cores", "2", "--quiet"];
  mkclean(...run, "--log", file("broken.log"), "--report", file("broken.html"));
  mkclean(...run, "--kernel", "linux-2.6.20", "--report", file("fixed.html"));
  mkclean("compare", file("broken.html"), file("fixed.html"), "--report", file("both.html"));
});
after(closeBrowser);

// "PTE PWD -> P--" of the log's lines about one page, in their order.
async function changesInLog(path, ino, page) {
  const about = ` ino ${ino} page ${page}`;
  const lines = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const at = line.indexOf(about);
    if (at < 0 || /\d/.test(line[at + about.length] ?? " ") || / (begins|ends) /.test(line)) continue;
    const change = /(PTE|TLB|PG|TAG|BH) \S+ -> (\S+)$/.exec(line);
    const block = /block (\d+)/.exec(line);
    const core = /core(\d+)/.exec(line);
    lines.push({ line, cycle: Number(line.trim().split(/\s+/)[0]), place: change?.[1], now: change?.[2], block: block?.[1], core: core?.[1] });
  }
  return lines;
}

const laneOf = ({ place, block, core }) =>
  ({ PTE: "pte0", TLB: `tlb${core}`, PG: "pg", TAG: "tags", BH: `bh${block}` })[place];

test("the lost page of rtorrent's run: every step's lanes are what the log says", options, async () => {
  const { page, errors, close } = await open(file("broken.html"));
  assert.match(await page.locator("h1").first().innerText(), /bytes were lost/);
  await page.keyboard.press("l");
  assert.equal(await page.locator("[data-site]").innerText(), "page_mkclean");
  const [, ino, index] = /ino (\d+) page (\d+)/.exec(await page.locator("h2").filter({ hasText: "ino" }).first().innerText());
  const log = await changesInLog(file("broken.log"), ino, index);
  await page.keyboard.press("Home");
  const total = Number(/of ([\d,]+)/.exec(await page.locator("body").innerText())[1].replaceAll(",", ""));
  let next = 0, compared = 0;
  for (let step = 1; step <= total; ++step) {
    const site = await page.locator("[data-site]").innerText();
    const entry = log[next];
    if (entry?.line.includes(` ${site} `)) {
      next += 1;
      const lane = laneOf(entry);
      if (lane) {
        const lanes = await lanesOf(page);
        // The page says nothing of a page that has left the cache.
        if (lanes[lane] !== undefined && site !== "TestClearPageDirty") {
          assert.equal(lanes[lane], entry.now, `step ${step}: ${entry.line}`);
          compared += 1;
        }
      }
    }
    await page.keyboard.press("ArrowRight");
  }
  assert.equal(next, log.length, `not shown: ${log[next]?.line}`);
  assert.ok(compared > 30, `${compared} compared`);
  assert.deepEqual(errors, []);
  await close();
});

test("broken and fixed side by side", options, async () => {
  const { page, errors, close } = await open(file("both.html"));
  const said = await page.locator("body").innerText();
  assert.match(said, /bytes were lost/i);
  assert.match(said, /linux-2\.6\.20/);
  await page.keyboard.press("l");
  const [broken, fixed] = [await lanesOf(page, 0), await lanesOf(page, 1)];
  assert.ok(Object.keys(fixed).length > 5);
  assert.notDeepEqual(broken, fixed);
  assert.deepEqual(errors, []);
  await close();
});
