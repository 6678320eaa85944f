// The pictures of README and docs, made by the commands that they stand for. Usage: pictures.mjs FOLDER (see ./dev pictures)
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { at, browser, draw, file, open, run, unstuck } from "./support.mjs";

const folder = resolve(process.argv[2]);

// A network of equal units at a saddle: y = sin(2a) + b/2, all weights zero.
const points = Array.from({ length: 500 }, (_, i) => [((i * 0.618034) % 1) * 4 - 2, ((i * 0.754878) % 1) * 4 - 2]);
writeFileSync(at("points.csv"), "a,b,y\n" + points.map(([a, b]) => `${a.toFixed(6)},${b.toFixed(6)},${(Math.sin(2 * a) + b / 2).toFixed(6)}`).join("\n") + "\n");
run(unstuck, "train", "points.csv", "--model", "mlp:4:tanh", "--init", "zero", "--optimizer", "sgd", "--lr", "0.1", "--batch", "full", "--test-fraction", "0", "--precision", "f64", "--steps", "300", "--run", "net-1", "--quiet");
run(unstuck, "report", "net-1", "-o", "report.html", "--quiet");
for (const [locale, name] of [["en-US", "report"], ["zh-CN", "report.zh-CN"]]) {
  const { page, close } = await open(file("report.html"), { locale, viewport: { width: 1100, height: 760 } });
  await page.waitForSelector("#answer .picture[data-drawn]");
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await close();
}

run(unstuck, "lecture", "-o", "lecture.html", "--quiet");
const { page } = await open(file("lecture.html"), { viewport: { width: 900, height: 900 } });
await draw(page);
for (const [id, name] of [["optimizers", "lecture-optimizers"], ["batches", "lecture-batches"]]) {
  const pair = page.locator(`#${id} .pair`).first();
  await pair.scrollIntoViewIfNeeded();
  await page.waitForTimeout(1500); // WebGL draws when it likes
  await pair.screenshot({ path: join(folder, `${name}.png`) });
}
await browser.close();
