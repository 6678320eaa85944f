// What the tests in the browser share: Debian's Chromium, driven by playwright-core from web/node_modules.
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

export const folder = mkdtempSync(join(tmpdir(), "unstuck-web-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

export function run(program, ...args) {
  const p = spawnSync(program, args, { cwd: folder, encoding: "utf8", maxBuffer: 1 << 28 });
  if (p.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${p.status}\n${p.stdout}${p.stderr}`);
  return p.stdout;
}

/** Starts the program; `until` resolves with the output once it has a whole JSON object. */
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

export const browser = await require("playwright-core").chromium.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu"],
});
export const axe = require("axe-core").source;

/** A page that notes what goes wrong on it: errors, messages of the console, dialogs, requests to elsewhere. */
export async function open(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-US", ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (e) => wrong.push(`error: ${e.message}`));
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && !/WebGL|GPU stall/.test(m.text()) && wrong.push(`console: ${m.text()}`));
  page.on("dialog", (d) => (wrong.push(`dialog: ${d.message()}`), d.dismiss()));
  page.on("request", (r) => !/^(file|data|blob):|^http:\/\/127\.0\.0\.1:/.test(r.url()) && wrong.push(`request: ${r.url()}`));
  await page.goto(url);
  return { page, wrong, close: () => context.close() };
}

/** Scrolls through, so that every picture is drawn, and waits for them. */
export async function draw(page) {
  await page.evaluate(async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 500) {
      scrollTo(0, y);
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    }
    scrollTo(0, 0);
  });
  await page.waitForFunction(() => [...document.querySelectorAll(".picture")].every((p) => p.dataset.drawn || !p.offsetParent));
}
