// The pages of `unstuck landscape` and `unstuck lecture` in a real browser: every picture is drawn, the switches work, nothing
// is wider than the window, no error is told, axe-core finds nothing serious. Usage: node scape_test.mjs UNSTUCK [PICTURES]
// With a folder for pictures, those of the docs are taken anew; with SHOTS=folder every section at three widths.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(fileURLToPath(import.meta.url), "../../..");
const modules = join(root, "web/node_modules");
const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
if (!existsSync(join(modules, "playwright-core")) || !chromium) {
  console.log("skipped: chromium or web/node_modules is not here");
  process.exit(77);
}
const { chromium: browsers } = await import(join(modules, "playwright-core/index.mjs"));
const axe = readFileSync(join(modules, "axe-core/axe.min.js"), "utf8");
const unstuck = resolve(process.argv[2]);
const pictures = process.argv[3];
const folder = mkdtempSync(join(tmpdir(), "unstuck-web-"));
const run = (...words) => execFileSync(unstuck, words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });

let browser;
async function open(file, { width = 1280, language = "en-US", theme = "light" } = {}) {
  const context = await browser.newContext({ viewport: { width, height: width > 2000 ? 2160 : 900 }, locale: language, colorScheme: theme });
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (m) => m.type() === "error" && page.problems.push(m.text()));
  page.on("pageerror", (e) => page.problems.push(e.message));
  await page.goto(`file://${join(folder, file)}`);
  return page;
}

/** Scrolls every picture into view, until it is drawn. */
async function drawAll(page) {
  const all = page.locator(".picture");
  for (let i = 0; i < (await all.count()); i++) {
    if (!(await all.nth(i).isVisible())) continue;
    await all.nth(i).scrollIntoViewIfNeeded();
    await page.waitForFunction((k) => document.querySelectorAll(".picture")[k].dataset.drawn === "yes", i, { timeout: 60000 });
  }
  return all.count();
}

async function check(page, what) {
  const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(width[0] <= width[1], `${what}: ${width[0]} px in a window of ${width[1]}`);
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}`), [], what);
  assert.deepEqual(page.problems, [], what);
}

async function shots(page, name, width) {
  if (!process.env.SHOTS) return;
  for (const section of await page.locator("section").all())
    await section.screenshot({ path: join(process.env.SHOTS, `${name}-${await section.getAttribute("id")}-${width}.png`) });
}

/** A page at three widths, in both languages and themes. */
async function everywhere(file, count) {
  for (const [width, language, theme] of [[1280, "en-US", "light"], [400, "zh-CN", "dark"], [3840, "en-US", "light"]]) {
    const what = `${file} at ${width} px in ${language}, ${theme}`;
    const page = await open(file, { width, language, theme });
    assert.equal(await drawAll(page), count, what);
    await check(page, what);
    await shots(page, file.replace(".html", ""), width);
    await page.context().close();
  }
}

async function landscapes() {
  // A hostile name: it must be shown as it is.
  const rows = Array.from({ length: 80 }, (_, i) => `${Math.sin(i)},${Math.cos(2.3 * i)},${Math.sin(2 * Math.sin(i)) * Math.cos(2.3 * i)}`);
  writeFileSync(join(folder, "d.csv"), `a,b,y\n${rows.join("\n")}\n`);
  const name = "<img src=x onerror=alert(1)>&%{x}";
  run("train", "d.csv", "--model", "mlp:8:tanh", "--steps", "200", "--run", name, "--quiet");
  for (const kind of ["eigen", "path"]) run("landscape", name, "--directions", kind, "--points", "21", "-o", `${kind}.html`, "--quiet");
  run("landscape", "x^4-2*x^2+y^2", "--box", "x=-2:2,y=-1:1", "--start", "x=0.1,y=0.9", "--optimizer", "sgd:lr=0.02,adam:lr=0.1", "--points", "41", "-o", "formula.html", "--quiet");
  run("landscape", "x^4-2*x^2", "--box", "x=-2:2", "-o", "line.html", "--quiet");
  await everywhere("eigen.html", 2);
  for (const [file, count] of [["path.html", 2], ["formula.html", 2], ["line.html", 1]]) {
    const page = await open(file);
    assert.equal(await drawAll(page), count);
    await check(page, file);
    if (file === "path.html") assert.ok((await page.locator("main").innerText()).includes(name), "the name is shown as it is");
    if (file === "formula.html") {
      const text = await page.locator("#numbers").innerText();
      for (const word of ["saddle", "minimum", "sgd lr=0.02", "adam lr=0.1"]) assert.ok(text.includes(word), word);
      // Heights: the switch draws other ones.
      const heights = () => page.evaluate(() => document.querySelector(".picture").data[0].z.flat());
      const before = await heights();
      await page.locator(".switch input").click();
      await page.waitForFunction((z) => document.querySelector(".picture").data[0].z[0][0] !== z, before[0]);
      assert.ok((await heights()).every(Number.isFinite));
      await page.locator("#language").click();
      assert.ok((await page.locator("#numbers").innerText()).includes("鞍点"));
      await page.locator("#theme").click();
      assert.equal(await drawAll(page), count);
      await check(page, "formula.html after its switches");
    }
    await page.context().close();
  }
}

async function lecture() {
  run("lecture", "-o", "lecture.html", "--quiet");
  const page = await open("lecture.html");
  const count = await drawAll(page);
  assert.ok(count > 25, `${count} pictures`);
  await check(page, "lecture.html");
  assert.equal(await page.locator("main section").count(), 10);
  assert.ok((await page.locator(".command").count()) > 10);
  await page.locator("#language").click();
  assert.ok((await page.locator("h1").innerText()).includes("训练"));
  assert.equal(await page.locator("main section").count(), 10);
  await page.locator("#language").click();
  if (pictures) {
    await drawAll(page);
    await page.waitForTimeout(1500);
    await page.setViewportSize({ width: 900, height: 900 });
    await page.waitForTimeout(1500);
    for (const [id, file] of [["optimizers", "lecture-optimizers"], ["batches", "lecture-batches"]]) {
      const pair = page.locator(`#${id} .pair`).first();
      await pair.scrollIntoViewIfNeeded();
      await page.waitForTimeout(1500);
      await pair.screenshot({ path: join(pictures, `${file}.png`) });
    }
  }
  // The same page, narrow and wide: nothing sticks out, whether drawn or not.
  for (const width of [400, 3840]) {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForTimeout(500);
    await shots(page, "lecture", width);
    await check(page, `lecture.html at ${width} px`);
  }
  await page.context().close();
}

try {
  browser = await browsers.launch({ executablePath: chromium, args: ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"] });
  await landscapes();
  await lecture();
  console.log("ok");
} finally {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
}
