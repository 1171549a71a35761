#!/usr/bin/env node
// Makes the pictures in docs/pictures from a real run on the stand-in: node ci/pictures.mjs [DEMO]
//
// Needs Chromium, `script` of util-linux, and from npm, in a folder whose .bin is on PATH (.ci/run
// installs the first of them): playwright-core and @xterm/xterm, which draws what a terminal of 90 columns shows.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const root = path.dirname(path.dirname(new URL(import.meta.url).pathname));
const demo = path.resolve(process.argv[2] ?? path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, "target"), "release/demo"));
const pictures = path.join(root, "docs/pictures");
const home = fs.mkdtempSync(path.join(os.tmpdir(), "demo-pictures-"));
const env = { ...process.env, KINESIS_DEMO_HOME: home, TERM: "xterm-256color", PATH: `${path.dirname(demo)}${path.delimiter}${process.env.PATH}` };

const modules = process.env.PATH.split(path.delimiter).map((folder) => path.dirname(folder)).find((folder) => fs.existsSync(path.join(folder, "playwright-core")));
assert(modules, "playwright-core is not installed: npm install playwright-core @xterm/xterm, and its .bin on PATH");
const require = createRequire(path.join(modules, "any"));
const { chromium } = require("playwright-core");

const [COLUMNS, ROWS] = [90, 34];
const STACK = "stacks/store-sales-everything.yaml";
const PATIENCE = 180_000;

/** A command on a terminal, and all that it has written there. */
class Terminal {
  constructor(command) {
    this.written = "";
    this.child = spawn("script", ["--quiet", "--flush", "--return", "--command", `stty cols ${COLUMNS} rows ${ROWS}; ${command}`, "/dev/null"], { cwd: root, env });
    this.child.stdout.setEncoding("utf8").on("data", (text) => (this.written += text));
    this.child.stderr.pipe(process.stderr);
    this.ended = new Promise((done) => this.child.on("close", done));
  }

  async until(pattern) {
    const begun = Date.now();
    for (;;) {
      const found = this.written.match(pattern);
      if (found) return found;
      assert(Date.now() - begun < PATIENCE, `waited in vain for ${pattern}: ${this.written}`);
      await sleep(50);
    }
  }
}

function run(...args) {
  const ended = spawnSync(demo, args, { cwd: root, env, encoding: "utf8" });
  assert.equal(ended.status, 0, `demo ${args.join(" ")}: ${ended.stderr}`);
  return ended.stdout;
}

/** A picture of what a terminal shows that has received this. */
async function drawTerminal(browser, text, name) {
  const page = await browser.newPage({ viewport: { width: 1000, height: 900 } });
  await page.setContent("<!DOCTYPE html><body style='margin:0;background:#16181d'><div id='terminal' style='padding:14px;display:inline-block'></div>");
  await page.addStyleTag({ path: path.join(modules, "@xterm/xterm/css/xterm.css") });
  await page.addScriptTag({ path: path.join(modules, "@xterm/xterm/lib/xterm.js") });
  const used = await page.evaluate(
    ({ text, columns, rows }) =>
      new Promise((done) => {
        const terminal = new Terminal({ cols: columns, rows, fontFamily: "DejaVu Sans Mono", fontSize: 13, scrollback: 0, theme: { background: "#16181d", foreground: "#e6e6e6", cursor: "#16181d" } });
        terminal.open(document.getElementById("terminal"));
        terminal.write(text, () => {
          const lines = [...Array(rows).keys()].map((row) => terminal.buffer.active.getLine(row)?.translateToString(true) ?? "");
          setTimeout(() => done(lines.findLastIndex((line) => line !== "") + 1), 300);
        });
      }),
    { text, columns: COLUMNS, rows: ROWS },
  );
  const box = await page.locator(".xterm-screen").boundingBox();
  const height = box.y * 2 + (box.height * used) / ROWS;
  await page.screenshot({ path: path.join(pictures, `${name}.png`), clip: { x: 0, y: 0, width: box.x * 2 + box.width, height } });
  await page.close();
}

async function shoot(page, name, colorScheme, height) {
  await page.emulateMedia({ colorScheme });
  await sleep(200);
  const { width } = page.viewportSize();
  await page.screenshot({ path: path.join(pictures, `${name}.png`), clip: { x: 0, y: 0, width, height }, fullPage: true });
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const terminal = new Terminal(`demo run ${STACK} --dashboard --set load.duration=5m`);
  const [address] = (await terminal.until(/http:\/\/[\d.:]+\/#[0-9a-f]{64}/));
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 }, deviceScaleFactor: 1 })).newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(address);
  await page.locator("#pause:enabled").waitFor();
  await sleep(12_000);
  await page.click("#double");
  await page.locator("#hottest", { hasText: /^8 shards/ }).waitFor();
  await sleep(12_000);
  await page.fill("#hot-share", "60");
  await page.click("#hot-form button");
  await page.locator("#hottest", { hasText: "celebrity" }).waitFor();
  await sleep(8_000);
  // Without what was created before: the rest draws over lines of its own alone.
  const live = terminal.written.slice(terminal.written.indexOf("  up in "));
  await shoot(page, "page-light", "light", 1030);
  await shoot(page, "page-dark", "dark", 1030);
  await drawTerminal(browser, live, "terminal");
  await sleep(6_000);
  await page.click("#stop");
  await page.click("#stop");
  await page.locator("#status", { hasText: "The run is over" }).waitFor();
  await terminal.ended;
  const report = path.join(home, "run.html");
  run("report", "--html", report);
  await page.goto(`file://${report}`);
  await shoot(page, "report", "light", 1180);
} finally {
  await browser.close();
  run("down", "store-sales-everything", "--yes");
  run("local", "stop");
  fs.rmSync(home, { recursive: true });
}
