import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { buildDir, closeBrowser, lanesOf, open, writeReport } from "./browser.mjs";
import { encodeEvents, pack, reportOf } from "./encode.mjs";
import { rtorrent } from "./story.mjs";
import { randomRun } from "./synthetic.mjs";

const built = new URL("../dist/report.html", import.meta.url);
const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const shots = `${buildDir}screenshots/`;
let story, pair;

before(() => {
  mkdirSync(shots, { recursive: true });
  story = writeReport("story", [rtorrent()]);
  pair = writeReport("pair", [rtorrent(), rtorrent({ fixed: true })]);
});
after(closeBrowser);

async function opened(path, options, use) {
  const { page, errors, close } = await open(path, options);
  try {
    await use(page);
    assert.deepEqual(errors, []);
  } finally {
    await close();
  }
}

const text = (page, selector) => page.locator(selector).first().innerText();
const stepNow = async page => Number(await page.locator("[data-jump]").inputValue());
const press = async (page, key, times = 1) => { for (let i = 0; i < times; ++i) await page.keyboard.press(key); };

test("the built page is one small file with one place for data, and asks for nothing", () => {
  const html = readFileSync(built, "utf8");
  assert.equal(html.split("<!--mkclean:data-->").length, 2);
  assert.ok(html.length < 170000, `${html.length} bytes`);
  assert.doesNotMatch(html, /(src|href)="(?!data:|#)/);
  assert.match(html, /default-src 'none'/);
  assert.match(html, /Permission is hereby granted/);
});

test("a page without data says so, and one of another format or damaged does too", async () => {
  mkdirSync(buildDir, { recursive: true });
  const empty = `${buildDir}empty.html`;
  copyFileSync(built, empty);
  const run = rtorrent();
  const cases = [
    [empty, /holds no run/],
    [writeReport("format2", [{ ...run, meta: { ...run.meta, format: 2 } }]), /format 2/],
    [writeReport("damaged", [{ meta: run.meta, packed: pack(encodeEvents(run.events)).slice(0, 400) }]), /damaged/],
  ];
  for (const [path, sentence] of cases) {
    const { page, errors, close } = await open(path, { wait: false });
    await page.waitForFunction(() => !/Reading/.test(document.body.innerText));
    assert.match(await text(page, "main"), sentence);
    assert.deepEqual(errors, []);
    await close();
  }
});

test("the loss is found by keyboard alone, and the lanes say what they held", () => opened(story, {}, async page => {
  assert.match(await text(page, "h1"), /^616,180 bytes were lost\.$/);
  assert.match(await text(page, ".finding"), /nothing knew that the page was dirty; the disk has 00\.$/);
  assert.equal(await stepNow(page), 1);
  await press(page, "l");
  const at = await stepNow(page);
  assert.equal(await text(page, "[data-site]"), "page_mkclean");
  assert.equal(await text(page, "[data-changes]"), "PTE PWD → P--");
  assert.deepEqual(await lanesOf(page), {
    tlb0: "PWD", tlb1: "---", pte0: "P--", pg: "L--", bh0: "--", tags: "D--", inode: "dirty", memory: "v2", disk: "892", media: "892",
  });
  assert.match(await text(page, '[data-bytes="lost"]'), /bytes 3204\.\.4095 \(892\)/);
  await press(page, "ArrowLeft");
  assert.equal(await stepNow(page), at - 1);
  assert.equal((await lanesOf(page)).pte0, "PWD");
  assert.equal(await page.locator('[data-bytes="lost"]').count(), 0);
  assert.match(await text(page, '[data-bytes="dirty"]'), /bytes 3204\.\.4095 \(892\)/);
  await press(page, "Home");
  assert.equal(await stepNow(page), 1);
  assert.equal((await lanesOf(page)).pte0, "---");
  await press(page, "Shift+ArrowRight");
  assert.equal(await stepNow(page), 11);
  await press(page, ".");
  assert.equal(await text(page, "[data-site]"), "TLB evict");
  await press(page, "End");
  assert.equal(await text(page, "[data-site]"), "clear TAG_WRITEBACK");
}));

test("stepping on and back shows the same", () => opened(story, {}, async page => {
  const seen = [];
  const steps = Number(await page.locator("[data-jump]").getAttribute("max"));
  const all = () => page.evaluate(() => document.querySelector(".now").innerText + document.querySelector("[data-lanes]").ariaLabel);
  for (let step = 0; step < steps; ++step, await press(page, "ArrowRight")) seen.push([await all(), await lanesOf(page)]);
  for (let step = steps - 1; step >= 0; --step, await press(page, "ArrowLeft")) assert.deepEqual([await all(), await lanesOf(page)], seen[step]);
}));

test("mouse: Show me, a click in the lanes, a cause's link, both axes, the wheel, another page", () => opened(story, {}, async page => {
  await page.getByRole("button", { name: "Show me" }).click();
  assert.equal(await text(page, "[data-site]"), "page_mkclean");
  const lanes = page.locator("[data-lanes]");
  const { width } = await lanes.boundingBox();
  await lanes.click({ position: { x: width - 12, y: 120 } });
  assert.equal(await text(page, "[data-site]"), "clear TAG_WRITEBACK");
  await page.locator("[data-jump]").fill("28");
  await page.locator("[data-jump]").press("Enter");
  assert.equal(await text(page, "[data-site]"), "flush_tlb_others");
  await page.locator("[data-cause]").click();
  assert.equal(await text(page, "[data-site]"), "page_mkclean");
  await page.locator('[data-axis="time"]').click();
  assert.equal(await page.locator('[data-axis="time"]').getAttribute("aria-pressed"), "true");
  await page.keyboard.press("z");
  await lanes.hover({ position: { x: width / 2, y: 120 } });
  await page.mouse.wheel(0, -300);
  await page.mouse.wheel(0, 500);
  assert.match(await text(page, ".tip"), /cycle/);
  await page.screenshot({ path: `${shots}time.png` });
  await page.locator('[data-page="1:7"]').click();
  assert.equal(await page.locator("[data-jump]").getAttribute("max"), "2");
  await page.getByPlaceholder("ino 1 page 7").fill("page 1");
  assert.equal(await page.locator("[data-page]").count(), 1);
}));

test("the address says where the reader is", () => opened(story, {}, async page => {
  await press(page, "l");
  await press(page, "t");
  await page.waitForFunction(() => location.hash === "#page=1:1&step=27&axis=time");
  await page.reload();
  await page.waitForFunction(() => document.documentElement.dataset.ready);
  assert.equal(await stepNow(page), 27);
  assert.equal(await page.locator('[data-axis="time"]').getAttribute("aria-pressed"), "true");
}));

test("? shows the keys, and the theme can be changed", () => opened(story, {}, async page => {
  await press(page, "?");
  assert.match(await text(page, "dialog"), /ten steps/);
  await press(page, "Escape");
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await paper();
  await page.getByRole("button", { name: "Dark" }).click();
  assert.notEqual(await paper(), before);
  await page.reload();
  await page.waitForFunction(() => document.documentElement.dataset.ready);
  assert.notEqual(await paper(), before);
}));

test("a comparison: both verdicts, one order of steps, what differs first", () => opened(pair, {}, async page => {
  assert.deepEqual(await page.locator(".verdict h2").allInnerTexts(), ["A616,180 bytes were lost.", "BNothing was lost."]);
  assert.equal(await page.locator("[data-lanes]").count(), 2);
  await press(page, "l");
  const [broken, fixed] = [await lanesOf(page, 0), await lanesOf(page, 1)];
  assert.deepEqual([broken.pte0, broken.pg], ["P--", "L--"]);
  assert.deepEqual([fixed.pte0, fixed.pg], ["P--", "LD-"]);
  assert.equal(await page.locator(".told .runLetter").count(), 2);
  await press(page, "End");
  assert.equal((await lanesOf(page, 0)).disk, "892");
  assert.equal((await lanesOf(page, 1)).disk, "0");
  await page.waitForSelector(".options");
  assert.equal(await text(page, ".options tbody th"), "kernel");
  assert.deepEqual(await page.locator(".options tbody tr").first().locator(".value").allInnerTexts(), ["linux-2.6.19", "linux-2.6.20"]);
  await page.locator('[data-axis="time"]').click();
}));

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing, ${colorScheme}`, async () => {
    for (const path of [story, pair]) {
      const { page, errors, close } = await open(path, { colorScheme, bypassCSP: true });
      await press(page, "l");
      await page.waitForSelector("#statistics");
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(node => `${node.html} ${node.failureSummary}`)]), []);
      assert.deepEqual(errors, []);
      await close();
    }
  });
}

test("nothing is wider than the window, at three sizes in two themes", async () => {
  for (const [name, path] of [["story", story], ["pair", pair]]) {
    for (const [width, height] of [[1440, 900], [1024, 768], [390, 844]]) {
      for (const colorScheme of ["light", "dark"]) {
        await opened(path, { width, height, colorScheme }, async page => {
          await press(page, "l");
          await page.waitForSelector("#statistics");
          await page.waitForTimeout(150);
          await page.screenshot({ path: `${shots}${name}-${width}-${colorScheme}.png` });
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} at ${width}`);
        });
      }
    }
  }
  await opened(story, {}, async page => {
    await press(page, "l");
    for (const part of [".lanes", ".stepper", ".places", ".bytes"]) {
      const box = await page.locator(part).boundingBox();
      assert.ok(box.y >= 0 && box.y + box.height <= 900, `${part} ends at ${box.y + box.height}`);
    }
  });
});

test("a million events: less than 5 MB, ready in less than 5 s, a step in a frame or two", async t => {
  const path = writeReport("million", [randomRun(1000000)]);
  const megabytes = statSync(path).size / 1e6;
  await opened(path, {}, async page => {
    const ready = Number(await page.evaluate(() => document.documentElement.dataset.ready));
    assert.match(await text(page, ".missing"), /holds 1,000,000 of 3,000,000 events: the whole lives of 2,000 of 3,000 pages/);
    await press(page, "ArrowRight", 5);
    assert.equal(await stepNow(page), 6);
    t.diagnostic(`${megabytes.toFixed(1)} MB, ready after ${ready} ms`);
    assert.ok(megabytes < 5, `${megabytes} MB`);
    assert.ok(ready < 5000, `${ready} ms`);
  });
});

test("a page with 200,000 events is drawn in a frame", async t => {
  const path = writeReport("hot", [randomRun(250000, { pages: 20, hot: 85, seed: 3 })]);
  await opened(path, {}, async page => {
    const lanes = page.locator("[data-lanes]");
    const usual = {};
    for (const axis of ["step", "time"]) {
      await page.locator(`[data-axis="${axis}"]`).click();
      await press(page, "0");
      const times = [];
      for (const key of ["0", "+", "-", "+", "+", "-", "-", "ArrowRight", "End"]) {
        await press(page, key);
        await page.waitForTimeout(60);
        times.push(Number(await lanes.getAttribute("data-draw-ms")));
      }
      usual[axis] = times.sort((a, b) => a - b)[times.length >> 1];
    }
    await page.screenshot({ path: `${shots}hot.png` });
    t.diagnostic(`drawn in ${JSON.stringify(usual)} ms; ${await page.locator("[data-jump]").getAttribute("max")} steps`);
    assert.ok(Math.max(...Object.values(usual)) < 30, JSON.stringify(usual));
  });
});

test("what is in the data cannot end its element", async () => {
  const run = rtorrent();
  run.meta.title = "</script><script>throw 1</script> $& $1 <!--";
  const path = `${buildDir}hostile.html`;
  writeFileSync(path, reportOf([run]));
  await opened(path, {}, async page => assert.match(await text(page, ".what"), /<\/script><script>throw 1<\/script> \$& \$1 <!--/));
});
