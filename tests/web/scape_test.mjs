// The pages of `unstuck landscape` and `unstuck lecture` in a real browser: every picture is drawn, the switches work.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { at, browser, check, draw, everywhere, file, open, run, unstuck } from "./support.mjs";

after(() => browser.close());

const name = "<img src=x onerror=alert(1)>&%{x}"; // hostile: it must be shown as it is
const rows = Array.from({ length: 80 }, (_, i) => `${Math.sin(i)},${Math.cos(2.3 * i)},${Math.sin(2 * Math.sin(i)) * Math.cos(2.3 * i)}`);
writeFileSync(at("d.csv"), `a,b,y\n${rows.join("\n")}\n`);
run(unstuck, "train", "d.csv", "--model", "mlp:8:tanh", "--steps", "200", "--run", name, "--quiet");
const landscape = (page, ...words) => run(unstuck, "landscape", ...words, "-o", page, "--quiet");

test("the landscape of a run, everywhere", async () => {
  landscape("eigen.html", name, "--directions", "eigen", "--points", "21");
  await everywhere("eigen.html", async (page, what) => assert.equal(await page.locator(".picture[data-drawn]").count(), 2, what));
});

test("the name of a run is shown as it is", async () => {
  landscape("path.html", name, "--directions", "path", "--points", "21");
  const opened = await open(file("path.html"));
  assert.equal(await draw(opened.page), 2);
  assert.ok((await opened.page.locator("main").innerText()).includes(name));
  await check(opened, "path.html");
  await opened.close();
});

test("the landscape of a formula, and its switches", async () => {
  landscape("formula.html", "x^4-2*x^2+y^2", "--box", "x=-2:2,y=-1:1", "--start", "x=0.1,y=0.9", "--optimizer", "sgd:lr=0.02,adam:lr=0.1,trust-region", "--points", "41");
  const opened = await open(file("formula.html")), { page } = opened;
  assert.equal(await draw(page), 2);
  const text = await page.locator("#numbers").innerText();
  for (const word of ["saddle", "minimum", "sgd lr=0.02", "adam lr=0.1", "trust-region"]) assert.ok(text.includes(word), word);
  const heights = () => page.evaluate(() => document.querySelector(".picture").data[0].z.flat());
  const before = await heights();
  await page.locator(".switch input").click();
  await page.waitForFunction((z) => document.querySelector(".picture").data[0].z[0][0] !== z, before[0]);
  assert.ok((await heights()).every(Number.isFinite));
  await page.locator("#language").click();
  assert.ok((await page.locator("#numbers").innerText()).includes("鞍点"));
  await page.locator("#theme").click();
  assert.equal(await draw(page), 2);
  await check(opened, "formula.html after its switches");
  await opened.close();
});

test("a formula of one variable", async () => {
  landscape("line.html", "x^4-2*x^2", "--box", "x=-2:2");
  const opened = await open(file("line.html"));
  assert.equal(await draw(opened.page), 1);
  await check(opened, "line.html");
  await opened.close();
});

test("the lecture", async () => {
  run(unstuck, "lecture", "-o", "lecture.html", "--quiet");
  const opened = await open(file("lecture.html"), { locale: "zh-CN" }), { page } = opened;
  assert.ok((await draw(page)) > 25);
  assert.equal(await page.locator(".picture:not([data-drawn])").count(), 0);
  assert.equal(await page.locator("main section").count(), 10);
  assert.ok((await page.locator(".command").count()) > 10);
  assert.match(await page.locator("h1").innerText(), /训练/);
  await check(opened, "lecture.html");
  await page.locator("#language").click();
  assert.match(await page.locator("h1").innerText(), /lecture/);
  assert.equal(await page.locator("main section").count(), 10);
  // The same page, narrow and wide.
  for (const width of [400, 3840]) {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
    await check(opened, `lecture.html at ${width} px`);
  }
  await opened.close();
});
