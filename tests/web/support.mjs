// What the tests in the browser share: Debian's Chromium, driven by playwright-core from web/node_modules.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = process.env.UNSTUCK_SOURCE_ROOT;
export const unstuck = process.env.UNSTUCK;
const require = createRequire(join(root, "web", "package.json"));

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(77);
}

const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((p) => existsSync(p));
if (!existsSync(join(root, "web", "node_modules", "playwright-core"))) skip("no playwright-core (npm ci in web/)");
if (!chromium) skip("no chromium");
if (!existsSync(join(root, "web", "dist", "index.html"))) skip("the program has no page (web/dist/index.html is not built)");

export const folder = mkdtempSync(join(tmpdir(), "unstuck-web-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

export const at = (name) => join(folder, name);
export const file = (name) => `file://${at(name)}`;

export function run(program, ...args) {
  const p = spawnSync(program, args, { cwd: folder, encoding: "utf8", maxBuffer: 1 << 28 });
  if (p.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${p.status}\n${p.stdout}${p.stderr}`);
  return p.stdout;
}

/** Starts the program; `object` resolves with the output once it is a whole JSON object. */
export function start(...args) {
  const child = spawn(unstuck, args, { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
  process.on("exit", () => child.kill("SIGKILL"));
  const object = new Promise((resolve) => {
    let text = "";
    child.stdout.on("data", (d) => {
      text += d;
      try {
        resolve(JSON.parse(text));
      } catch {
        // not all of it is there
      }
    });
  });
  const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));
  return { child, object, ended };
}

// WebGL by software: surfaces are drawn on any machine.
export const browser = await require("playwright-core").chromium.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
});
const axe = require("axe-core").source;

/** A page that notes what goes wrong on it: errors, messages of the console, dialogs, requests to elsewhere. */
export async function open(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-US", ...options });
  context.setDefaultTimeout(120000); // a busy machine is no error
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (e) => wrong.push(`error: ${e.message}`));
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && !/WebGL|GPU stall|Canvas2D/.test(m.text()) && wrong.push(`console: ${m.text()}`));
  page.on("dialog", (d) => (wrong.push(`dialog: ${d.message()}`), d.dismiss()));
  page.on("request", (r) => !/^(file|data|blob):|^http:\/\/127\.0\.0\.1:/.test(r.url()) && wrong.push(`request: ${r.url()}`));
  await page.goto(url);
  return { page, wrong, close: () => context.close() };
}

/** Brings every picture that can be seen before the eye, until it is drawn; how many there are. */
export async function draw(page) {
  const all = page.locator(".picture");
  const count = await all.count();
  for (let i = 0; i < count; i++) {
    if (!(await all.nth(i).isVisible())) continue;
    await all.nth(i).scrollIntoViewIfNeeded();
    await page.waitForFunction((k) => document.querySelectorAll(".picture")[k].dataset.drawn, i);
  }
  await page.evaluate(() => scrollTo(0, 0));
  return count;
}

/** Nothing went wrong, nothing sticks out, axe-core finds nothing serious. With SHOTS=folder each section is left there to look at. */
export async function check({ page, wrong }, what) {
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= room, `${what}: ${wide} px in a window of ${room}`);
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((v) => ["serious", "critical"].includes(v.impact));
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}`), [], what);
  assert.deepEqual(wrong, [], what);
  for (const section of process.env.SHOTS ? await page.locator("section").all() : [])
    await section.screenshot({ path: join(process.env.SHOTS, `${what} ${await section.getAttribute("id")}.png`.replaceAll(/[^\w.-]+/g, "-")) });
}

/** The page at three widths, in both languages, light and dark. */
export async function everywhere(name, look = async () => {}) {
  for (const [width, locale, colorScheme] of [[1280, "zh-CN", "light"], [400, "en-US", "dark"], [3840, "en-US", "light"]]) {
    const what = `${name} at ${width} px in ${locale}, ${colorScheme}`;
    const opened = await open(file(name), { viewport: { width, height: width > 2000 ? 2160 : 900 }, locale, colorScheme });
    await draw(opened.page);
    assert.equal(await opened.page.evaluate(() => document.documentElement.lang), locale === "zh-CN" ? "zh-CN" : "en");
    await look(opened.page, what, locale);
    await check(opened, what);
    await opened.close();
  }
}
