// Scenes on the live page, in headless Chromium: node page.mjs SCENE VIEWER PRESENTER PICTURES
// Prints the figures that the page shows at the end, as JSON.

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [scene, viewer, presenter, pictures] = process.argv.slice(2);
const require = createRequire(path.join(modules(), "any"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = 90_000;

/** Where npm put its packages: beside the folder of their programs, which is on PATH. */
function modules() {
  const folders = process.env.PATH.split(path.delimiter).map((folder) => path.dirname(folder));
  const found = folders.find((folder) => fs.existsSync(path.join(folder, "playwright-core")));
  assert(found, "playwright-core is not installed: npm install playwright-core axe-core, and its .bin on PATH");
  return found;
}

/** Stands between a browser and the page, to cut their connection. */
class Cutter {
  constructor(to) {
    this.to = new URL(to);
    this.sockets = new Set();
    this.isCut = false;
    this.server = net.createServer((socket) => this.join(socket));
  }

  async open() {
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    const address = new URL(this.to);
    address.port = this.server.address().port;
    return address.href;
  }

  join(socket) {
    socket.on("error", () => {});
    if (this.isCut) return socket.destroy();
    const other = net.connect(this.to.port, "127.0.0.1");
    other.on("error", () => {});
    for (const one of [socket, other]) {
      this.sockets.add(one);
      one.on("close", () => [socket, other].forEach((end) => end.destroy()));
    }
    socket.pipe(other).pipe(socket);
  }

  close() {
    this.cut();
    this.server.close();
  }

  cut() {
    this.isCut = true;
    this.sockets.forEach((socket) => socket.destroy());
    this.sockets.clear();
  }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

async function open(address, options, prepare = async () => {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  await context.addInitScript({ content: axe });
  const page = await context.newPage();
  await prepare(page);
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => assert.fail(`on the page: ${error}`));
  page.on("console", (message) => {
    const isRefused = /Content Security Policy/.test(message.text());
    if (isRefused) assert.fail(message.text());
  });
  await page.goto(address);
  return page;
}

const count = (text) => Number(text.replace(/[^\d.]/g, "") || "0");

/** A figure of the ledger. */
async function figure(page, name) {
  const row = page.locator("#ledger tr", { has: page.locator("th", { hasText: new RegExp(`^${name}$`) }) });
  return count(await row.locator("td").textContent());
}

/** Waits until a text of the page is as it should be. */
async function until(page, selector, holds) {
  const begun = Date.now();
  for (;;) {
    const text = await page.locator(selector).textContent();
    if (holds(text)) return;
    assert(Date.now() - begun < PATIENCE, `waited in vain for ${selector}, ${holds}: ${text}`);
    await sleep(50);
  }
}

/** Waits until more documents are acknowledged than so many. */
const more = (page, than) => until(page, "#ledger tr:nth-child(2) td", (text) => count(text) > than);

async function figures(page) {
  return page.evaluate(() => Object.fromEntries([...document.querySelectorAll("#ledger tr, #speed tr")].map((row) => [...row.children].map((cell) => cell.textContent))));
}

/** What the page shows is named, can be reached, and has contrast, in light and dark. */
async function accessible(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
    const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`);
    assert.deepEqual(told, [], `${name}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
}

async function picture(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: path.join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
  const { width } = page.viewportSize();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert(wide <= width, `${name}: ${wide} is wider than ${width}`);
}

/** Presses a button with the keyboard alone. */
async function press(page, selector) {
  await page.locator(selector).focus();
  await page.keyboard.press("Enter");
}

async function run() {
  const cutter = new Cutter(presenter);
  try {
    return await steer(cutter);
  } finally {
    cutter.close();
  }
}

async function steer(cutter) {
  const [page, looker, phone] = await Promise.all([
    open(await cutter.open()),
    open(viewer, { viewport: { width: 1920, height: 1080 } }),
    open(viewer, { viewport: { width: 390, height: 844 } }),
  ]);
  assert.equal(new URL(page.url()).hash, "", "the secret is not on the screen");

  // Numbers move, on every browser.
  for (const one of [page, looker, phone]) {
    await until(one, "#ledger", (text) => /acknowledged[1-9]/.test(text));
    const before = await figure(one, "acknowledged");
    await more(one, before);
  }
  await until(page, "#events", (text) => /reshard to 5 shards \(to come\)/.test(text));

  // Who only looks on can do nothing.
  assert.equal(await looker.locator("#presenter").isVisible(), false);
  assert.equal(await looker.locator("#sql").isVisible(), false);
  const status = await looker.evaluate(async () => (await fetch("act", { method: "POST", headers: { "Content-Type": "application/json" }, body: '"stop"' })).status);
  assert.equal(status, 401);

  // By the keyboard: pause and resume.
  await page.locator("#pause:enabled").waitFor();
  await press(page, "#pause");
  await until(looker, "#status", (text) => text === "Paused by hand");
  await until(looker, "#rate", (text) => text === "0");
  await page.locator("#resume:enabled").waitFor();
  await press(page, "#resume");
  await until(looker, "#status", (text) => text === "The load is under way");
  await accessible(page, "the presenter's page");

  // What has landed is seen meanwhile.
  await until(looker, "#pipeline .destination .number", (text) => count(text) > 0);
  await until(looker, "#pipeline .destination", (text) => /documents found in the objects.*object.*readable after/.test(text));

  // The rate is changed, and the load follows.
  await page.fill("#new-rate", "300");
  await page.click("#rate-form button");
  await until(page, "#acted", (text) => /rate 300\/s/.test(text));
  await until(looker, "#rate", (text) => count(text) > 250);

  // The shards double.
  await until(page, "#double", (text) => /4 → 8/.test(text));
  await page.click("#double");
  await until(page, "#acted", (text) => /reshard to 8 shards/.test(text));
  await until(looker, "#hottest", (text) => /^8 shards/.test(text));
  assert.equal(await looker.locator("#shards .cell:visible").count(), 8, "those that are closed are gone");

  // A shard is throttled.
  await page.fill("#throttle-seconds", "4");
  await page.click("#throttle-form button");
  await looker.locator("#shards .cell.throttled").first().waitFor();

  // A key is hot, and what looks like markup in it is text.
  const key = '<b id="markup">hot</b>';
  await page.fill("#hot-key", key);
  await page.fill("#hot-share", "80");
  await page.fill("#hot-seconds", "12");
  await page.click("#hot-form button");
  await until(looker, "#hottest", (text) => text.includes(`hot key ${key}`));
  assert.equal(await looker.locator("#markup").count(), 0);
  await looker.locator("#shards .cell.h10").first().waitFor();
  await picture(looker, "load-projector");
  await picture(page, "load-presenter");
  await picture(phone, "load-phone");

  // A question in SQL.
  await page.click("#sql-form button");
  await page.locator("#sql-rows td").first().waitFor();
  await page.fill("#sql-text", "SELECT nothing FROM nowhere");
  await page.keyboard.press("Control+Enter");
  await until(page, "#sql-said", (text) => /nowhere/.test(text));
  await page.fill("#sql-text", "SELECT '<i id=\"cell\">x</i>' AS markup, count(*) AS documents FROM store_sales");
  await page.click("#sql-form button");
  await until(page, "#sql-rows", (text) => text.includes('<i id="cell">x</i>'));
  assert.equal(await page.locator("#cell").count(), 0);

  // The connection is cut, and comes back with all that was missed.
  cutter.cut();
  await until(page, "#status", (text) => /connection is cut/.test(text));
  const missed = await figure(looker, "acknowledged");
  cutter.isCut = false;
  await until(page, "#status", (text) => text === "The load is under way");
  await more(page, missed);

  // The load is stopped, and the page says what it came to.
  await page.click("#stop");
  await until(page, "#stop", (text) => /press again/.test(text));
  await page.click("#stop");
  for (const one of [page, looker, phone]) {
    await until(one, "#status", (text) => text === "The run is over");
    await until(one, "#sentence", (text) => text.startsWith("Verified: "));
  }
  await accessible(looker, "the page of a run that is over");
  await picture(looker, "over-projector");
  await picture(phone, "over-phone");
  return figures(looker);
}

async function playback() {
  const page = await open(viewer);
  await until(page, "#status", (text) => text === "The run is over");
  const whole = await figures(page);
  await page.selectOption("#playback-speed", "20");
  await page.click("#playback-form button:not([type=button])");
  await until(page, "#status", (text) => text.startsWith("Playback: "));
  await until(page, "#rate", (text) => count(text) > 50);
  await picture(page, "playback");
  await until(page, "#status", (text) => text === "The run is over");
  assert.deepEqual(await figures(page), whole);
  await page.click("#playback-whole");
  await until(page, "#sentence", (text) => text.startsWith("Verified: "));
  await accessible(page, "a run played back");
  await overnight();
  return figures(page);
}

/** A page that is left open from the evening to the morning, a row for each second and an event for each ten, takes no more room than after an hour. */
async function overnight() {
  const state = await firstState();
  const frame = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  const point = { ...state.series.at(-1), seconds: 1, acknowledged: 1 };
  const begin = { ...state, series: [], moments: [], outcome: null, latest: { ...state.latest, at: 0, phase: "load" } };
  const row = (at) => frame("row", { ...begin.latest, at, point: { ...point, at }, shards: { ...begin.latest.shards, first_seen: [] } });
  const moment = (at) => (at % 10 ? "" : frame("moment", { at, kind: "action", text: `rate ${at}/s` }));
  const after = async (hours) => {
    const seconds = [...Array(hours * 3600).keys()].map((at) => at + 1);
    const body = [frame("state", begin), ...seconds.map((at) => row(at) + moment(at))].join("");
    let isTold = false;
    const page = await open(viewer, {}, (page) =>
      page.route("**/events", (route) => {
        if (isTold) return route.abort();
        isTold = true;
        return route.fulfill({ contentType: "text/event-stream", body });
      }),
    );
    await until(page, "#time", (text) => text.startsWith(`${hours} h 0 min`));
    const elements = await page.evaluate(() => document.querySelectorAll("*").length);
    const longest = await page.evaluate(() => Math.max(...[...document.querySelectorAll("path")].map((path) => path.getAttribute("d").length)));
    const browser = await page.context().newCDPSession(page);
    await browser.send("HeapProfiler.collectGarbage");
    const { usedSize } = await browser.send("Runtime.getHeapUsage");
    await page.context().close();
    return { elements, longest, heap: usedSize };
  };
  const [hour, night] = [await after(1), await after(12)];
  const said = JSON.stringify({ hour, night });
  assert(night.elements <= hour.elements + 50, said);
  assert(night.longest < 1200 * 16, said);
  assert(night.heap < hour.heap + 2e6, said);
}

/** What the server tells a browser that connects. */
async function firstState() {
  const { body } = await fetch(new URL("events", viewer));
  let text = "";
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n\n")) break;
  }
  return JSON.parse(text.match(/^data: (.*)$/m)[1]);
}

/** What the pages show when a scene fails. */
async function tell(page, n) {
  const said = await page.locator("[role=status]").allTextContents();
  console.error(`page ${n} says ${JSON.stringify(said)}`);
  await page.screenshot({ path: path.join(pictures, `failed-${n}.png`), fullPage: true });
}

try {
  console.log(JSON.stringify(await { run, playback }[scene]()));
} catch (error) {
  await Promise.all(browser.contexts().flatMap((context) => context.pages()).map(tell));
  throw error;
} finally {
  await browser.close();
}
