// The report and the live page in a real browser, made of real runs.
import assert from "node:assert/strict";
import { cpSync, existsSync, statSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { at, browser, check, draw, everywhere, file, open, run, start, unstuck } from "./support.mjs";

after(() => browser.close());

// y = 1.5ab: no linear part, so that equal units rest at a saddle.
let seed = 1;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const rows = Array.from({ length: 120 }, () => [2 * random() - 1, 2 * random() - 1]);
writeFileSync(at("xor.csv"), "a,b,y\n" + rows.map(([a, b]) => `${a},${b},${1.5 * a * b}`).join("\n") + "\n");
const train = (name, ...more) =>
  run(unstuck, "train", "xor.csv", "--target", "y", "--model", "mlp:4:gelu", "--batch", "full", "--run", name, "--quiet", ...more);
train("stuck", "--init", "zero", "--optimizer", "sgd", "--lr", "0.1", "--steps", "200");
train("timid", "--optimizer", "sgd", "--lr", "1e-6", "--steps", "300", "--watch", "full");
run("sh", "-c", `"$0" train xor.csv --target y --model mlp:16:relu --batch full --optimizer momentum --lr 50 --steps 300 --run wild --quiet || [ $? = 4 ]`, unstuck);
train("adam", "--optimizer", "adam", "--steps", "300");
run(unstuck, "report", "stuck", "-o", "stuck.html", "--quiet");

test("the answer comes first, and every section is drawn", async () => {
  const { page, wrong, close } = await open(file("stuck.html"));
  const first = page.locator("main > section").first();
  assert.equal(await first.getAttribute("id"), "answer");
  assert.match(await first.locator(".headline").innerText(), /saddle/i);
  assert.match(await first.locator(".todo").innerText(), /unstuck unstick stuck --remedy \w+/);
  // all of that is seen without scrolling
  const box = await first.locator(".todo code").boundingBox();
  assert.ok(box.y + box.height < 900, `the remedy is ${box.y} px down`);
  await draw(page);
  for (const id of ["answer", "curves", "spectrum", "layers", "numbers"]) assert.equal(await page.locator(`section#${id}`).count(), 1, id);
  for (const id of ["panel-loss", "panel-gradient", "panel-rate"]) assert.ok((await page.locator(`#${id} .trace`).count()) > 0, id);
  assert.ok((await page.locator("#spectrum .point").count()) > 3);
  for (const drawer of await page.locator("summary").all()) await drawer.click();
  assert.ok((await page.locator("#curves tbody tr").count()) > 5);
  const data = await page.evaluate(() => JSON.parse(document.getElementById("unstuck-data").textContent));
  assert.equal(data.runs[0].name, "stuck");
  assert.deepEqual(wrong, []);
  await close();
});

test("zoom is linked, and the switches work by keyboard", async () => {
  const { page, wrong, close } = await open(file("stuck.html"));
  await draw(page);
  const axis = (panel, name) => page.evaluate(([p, n]) => document.querySelector(`#${p} .picture`)._fullLayout[n], [panel, name]).then((a) => ({ type: a.type, range: a.range }));
  await page.locator("#panel-loss").scrollIntoViewIfNeeded();
  const box = await page.locator("#panel-loss .nsewdrag").boundingBox();
  await page.mouse.move(box.x + 0.3 * box.width, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 0.6 * box.width, box.y + box.height - 20, { steps: 4 });
  await page.mouse.up();
  await page.waitForFunction(() => {
    const range = (id) => document.querySelector(`#${id} .picture`)._fullLayout.xaxis.range;
    return range("panel-loss")[0] > 20 && Math.abs(range("panel-loss")[0] - range("panel-gradient")[0]) < 1e-6;
  });
  await page.locator("#whole").press("Enter");
  await page.waitForFunction(() => document.querySelector("#panel-gradient .picture")._fullLayout.xaxis.range[0] < 20);
  assert.equal((await axis("panel-loss", "yaxis")).type, "log");
  await page.locator("#log-y").press("Space");
  await page.waitForFunction(() => document.querySelector("#panel-loss .picture")._fullLayout.yaxis.type === "linear");
  assert.equal(await page.locator("#log-y").getAttribute("aria-pressed"), "false");
  await page.locator("#over-seconds").press("Enter");
  await page.waitForFunction(() => /second/.test(document.querySelector("#panel-loss .picture")._fullLayout.xaxis.title.text));
  await page.locator("#theme").press("Enter");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await page.locator("#language").click();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
  assert.match(await page.locator(".headline").innerText(), /鞍点/);
  await draw(page);
  assert.deepEqual(wrong, []);
  await close();
});

test("light and dark, English and Chinese pass axe at three widths, and nothing sticks out", () => everywhere("stuck.html"));

// What may stay in English: commands, files, options and their values, names of layers and of units of measure.
const NAMES = /unstuck( \S+)*|--\S+( \S+)?|\S*[\d_./:^=]\S*|\b(Hessian|Adam|JSON|CSV|English|dropout|stuck|wild|timid|sgd|momentum|inf|nan|step|s|e)\b/g;

test("no English sentence is on a Chinese page", async () => {
  for (const name of ["stuck", "wild", "timid"]) {
    run(unstuck, "report", name, "-o", `${name}.zh.html`, "--quiet");
    const { page, close } = await open(file(`${name}.zh.html`), { locale: "zh-CN" });
    await draw(page);
    await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
    await draw(page);
    await page.locator("#curves tbody tr").first().waitFor();
    const texts = await page.evaluate(() => {
      const told = [];
      const walk = document.createTreeWalker(document.querySelector("#app"), NodeFilter.SHOW_TEXT);
      for (let node; (node = walk.nextNode()); ) if (!node.parentElement.closest("code, style, defs, [hidden]")) told.push(node.data);
      for (const e of document.querySelectorAll("#app [title], #app [aria-label]")) told.push(e.title, e.getAttribute("aria-label") ?? "");
      return told;
    });
    assert.ok(texts.length > 100);
    const english = texts.filter((text) => /[A-Za-z]{2,}/.test(text.replaceAll(NAMES, "")));
    assert.deepEqual([...new Set(english)], [], name);
    await close();
  }
});

test("names and texts are shown as they are", async () => {
  const hostile = `<img src=x onerror=alert(1)>"'&`;
  cpSync(at("adam"), at(hostile), { recursive: true });
  run("python3", "-c", `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/run.db")
db.execute("INSERT INTO events(step, kind, text, time) VALUES(3, '<b>kind</b>', '</script><script>alert(2)</script>', 0)")
db.execute("INSERT INTO signs VALUES(3, 'update_ratio', '<img src=x onerror=alert(3)>', 0.5), (5, 'update_ratio', '<img src=x onerror=alert(3)>', 0.25)")
db.commit()`, at(hostile));
  run(unstuck, "report", "stuck", "adam", hostile, "-o", "hostile.html", "--no-diagnose", "--quiet");
  const { page, wrong, close } = await open(file("hostile.html"));
  await draw(page);
  assert.ok((await page.locator("#compare").innerText()).includes(hostile));
  await page.locator("#compare button", { hasText: "onerror" }).first().click();
  await draw(page);
  assert.ok((await page.locator("#answer").innerText()).includes("</script><script>alert(2)</script>"));
  assert.equal(await page.locator("img, b:has-text('kind') b").count(), 0);
  // a command that is copied must not run what a name says
  assert.ok((await page.locator("#answer .command").innerText()).includes(`unstuck diagnose '<img src=x onerror=alert(1)>"'\\''&'`));
  assert.equal(await page.locator("#which-run").inputValue(), "2");
  assert.ok((await page.locator("#compare tbody tr").count()) === 3);
  await check({ page, wrong }, "runs");
  await close();
});

test("100,000 steps of 20 runs make a small page, and only what is seen of it is drawn", async () => {
  cpSync(at("adam"), at("big0"), { recursive: true });
  run(unstuck, "diagnose", "big0", "--no-remedies", "--quiet"); // its spectrum and its units are pictures, too
  run("python3", "-c", `
import math, sqlite3, shutil, sys
name = sys.argv[1]
db = sqlite3.connect(name + "0/run.db")
db.execute("DELETE FROM metrics")
db.executemany("INSERT INTO metrics VALUES(?,?,?,?,?,?,?)", ((s, s / 100, 2 / (1 + s / 900) + 0.1 * math.sin(s * 12.9898) ** 2 + (77 if s == 54321 else 0),
               2 / (1 + s / 900), 3 / (1 + s / 99), 0.01 * 0.99997 ** s, s / 5000) for s in range(1, 100001)))
db.commit(); db.execute("PRAGMA wal_checkpoint(TRUNCATE)"); db.close()
for i in range(1, 20): shutil.copytree(name + "0", name + str(i))`, at("big"));
  run(unstuck, "report", ...Array.from({ length: 20 }, (_, i) => `big${i}`), "-o", "big.html", "--no-diagnose", "--quiet");
  const size = statSync(at("big.html")).size;
  assert.ok(size < 15e6, `${size} bytes`);
  const { page, wrong, close } = await open(file("big.html"));
  const pictures = () => page.evaluate(() => [...document.querySelectorAll(".picture")].map((p) => ({ top: p.getBoundingClientRect().top, drawn: "drawn" in p.dataset })));
  const atFirst = await pictures();
  assert.ok(atFirst.length >= 5, `${atFirst.length} pictures`);
  assert.deepEqual(atFirst.filter((p) => p.drawn && p.top > 1300), [], "what is far below is not drawn");
  await page.locator("#panel-loss").scrollIntoViewIfNeeded();
  await page.waitForSelector("#panel-loss .picture[data-drawn]");
  const data = await page.evaluate(() => JSON.parse(document.getElementById("unstuck-data").textContent));
  const loss = data.runs[7].series.find((s) => s.name === "batch_loss");
  assert.equal(loss.rows, 100000);
  assert.ok(loss.value[loss.step.indexOf(54321)] > 77, "the spike is there");
  assert.ok((await pictures()).some((p) => !p.drawn));
  await page.pdf();
  await page.waitForFunction(() => [...document.querySelectorAll(".picture")].every((p) => p.dataset.drawn)); // paper shows all
  assert.deepEqual(wrong, []);
  await close();
});

test("the live page of two runs follows a training, and outlives its end", async () => {
  const training = start("train", "xor.csv", "--target", "y", "--model", "mlp:8", "--batch", "8", "--seconds", "60", "--epochs", "1e9", "--run", "live", "--quiet");
  while (!existsSync(at("live"))) await new Promise((r) => setTimeout(r, 50));
  const server = start("watch", "live", "adam", "--port", "0", "--json", "--quiet", "--seconds", "0.3");
  const { url } = await server.object;
  const one = await open(url), two = await open(url);
  /** The steps that the table of both runs and the line of facts tell of the live one, once both are beyond `least`. */
  const beyond = async ({ page }, least) => {
    const told = await page.waitForFunction((n) => {
      const count = (text) => Number(/[\d,]+/.exec(text ?? "")?.[0].replaceAll(",", "") ?? 0);
      const row = [...document.querySelectorAll("#compare tbody tr")].find((r) => r.cells[1].innerText === "live");
      const both = Math.min(count(row?.cells[4].innerText), count(/step ([\d,]+)/.exec(document.getElementById("facts").innerText)?.[1]));
      return both > n && both;
    }, least);
    return told.jsonValue();
  };
  for (const viewer of [one, two]) {
    await viewer.page.locator("#which-run").selectOption({ label: "live" });
    await beyond(viewer, await beyond(viewer, 0));
  }
  await one.page.locator("#compare button", { hasText: "adam" }).focus();
  await beyond(one, await beyond(one, 0));
  assert.equal(await one.page.evaluate(() => document.activeElement.closest("#compare")?.id), "compare", "the keyboard stays where it is");
  await one.page.locator("#panel-loss").scrollIntoViewIfNeeded();
  await one.page.waitForSelector("#panel-loss .picture[data-drawn]");
  await one.page.waitForFunction(() => /follows/.test(document.getElementById("live").innerText));
  await two.page.locator("#language").click();
  await two.page.waitForFunction(() => /训练中/.test(document.getElementById("live")?.innerText));
  training.child.kill("SIGKILL");
  await training.ended;
  await one.page.waitForFunction(() => /interrupted/.test(document.getElementById("facts").innerText) && /interrupted/.test(document.getElementById("compare").innerText));
  server.child.kill("SIGINT");
  assert.equal(await server.ended, 0);
  await one.page.waitForFunction(() => /gone/.test(document.getElementById("live").innerText));
  assert.deepEqual(one.wrong.filter((w) => !/ERR_|Failed to load|EventSource/.test(w)), []);
  await Promise.all([one.close(), two.close()]);
});
