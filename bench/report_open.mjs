// How long Chromium takes to open pages, by turns: report_open.mjs ROUNDS PAGE... prints a JSON object for each page, medians in
// seconds: "open", processor time of the page's main thread until what is in the window is drawn; "curves", until the pictures of
// the losses are drawn, too, to which it scrolls; both by the clock as well, from the start of navigation. A fresh browser each
// time, so that nothing is compiled already.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const web = resolve(fileURLToPath(import.meta.url), "../../web");
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((p) => existsSync(p));
if (!executablePath || !existsSync(`${web}/node_modules/playwright-core`)) process.exit(77);
const { chromium } = createRequire(`${web}/package.json`)("playwright-core");
const [rounds, ...pages] = process.argv.slice(2);

async function once(path) {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const look = async () => {
    const clock = await page.waitForFunction(() => {
      const inside = [...document.querySelectorAll(".picture")].filter((p) => p.getBoundingClientRect().top < innerHeight && p.offsetParent);
      return inside.every((p) => p.dataset.drawn) && performance.now() / 1000;
    });
    const { metrics } = await devtools.send("Performance.getMetrics");
    return [metrics.find((m) => m.name === "ThreadTime").value, await clock.jsonValue()];
  };
  await page.goto(`file://${resolve(path)}`, { waitUntil: "load" });
  const [open, open_clock] = await look();
  await page.evaluate(() => document.getElementById("panel-loss")?.scrollIntoView());
  const [curves, curves_clock] = await look();
  await browser.close();
  return { open, open_clock, curves, curves_clock };
}

const found = pages.map(() => []);
for (let round = 0; round < Number(rounds); round++) for (const [i, path] of pages.entries()) found[i].push(await once(path));
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
for (const of of found) console.log(JSON.stringify(Object.fromEntries(Object.keys(of[0]).map((k) => [k, median(of.map((f) => f[k]))]))));
