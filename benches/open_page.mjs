#!/usr/bin/env node
// What an open page costs: processor time of `demo run` for a document, without a page and with one open in Chromium, in turns.
// The browser's own time is not counted. Needs Chromium, and playwright-core from npm in a folder whose .bin is on PATH.
//
//     benches/open_page.mjs target/release/demo [ROUNDS [RATE [SECONDS]]]

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [demo, rounds = "5", rate = "20000", seconds = "20"] = process.argv.slice(2);
const home = fs.mkdtempSync(path.join(os.tmpdir(), "demo-page-"));
const env = { ...process.env, KINESIS_DEMO_HOME: home };
const modules = process.env.PATH.split(path.delimiter).map((folder) => path.dirname(folder)).find((folder) => fs.existsSync(path.join(folder, "playwright-core")));
assert(modules, "playwright-core is not installed: npm install playwright-core, and its .bin on PATH");
const { chromium } = createRequire(path.join(modules, "any"))("playwright-core");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

const load = ["stream.shards=200", `load.rate=${rate}/s`, `load.duration=${seconds}s`, "load.transport=cbor", "thresholds.throughput=off"];
const command = ["run", "stacks/stream-only.yaml", "--rm", "--json", ...load.flatMap((set) => ["--set", set])];

/** One run; its microseconds of processor time for a document of the load. */
async function measure(isOpen) {
  const child = spawn(demo, isOpen ? [...command, "--dashboard"] : command, { env, stdio: ["ignore", "pipe", "pipe"] });
  let [out, said] = ["", ""];
  child.stdout.on("data", (text) => (out += text));
  child.stderr.on("data", (text) => (said += text));
  const ended = new Promise((done) => child.on("close", done));
  let page = null;
  if (isOpen) {
    while (!/present at/.test(said)) await sleep(20);
    page = await browser.newPage();
    await page.goto(said.match(/http:\S+#\S+/)[0]);
  }
  const code = await ended;
  await page?.close();
  assert.equal(code, 0, said);
  const report = JSON.parse(out);
  const rows = fs.readFileSync(path.join(home, "runs", report.stack, report.run, "seconds.jsonl"), "utf8").trim().split("\n").map(JSON.parse);
  const loaded = rows.filter((row) => row.load);
  const used = loaded.reduce((sum, row, n) => sum + row.demo.cpu * (row.at - (loaded[n - 1]?.at ?? 0)), 0);
  const documents = loaded.reduce((sum, row) => sum + row.load.acknowledged, 0);
  return { micros: (used / documents) * 1e6, rate: documents / loaded.at(-1).at };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
try {
  const [closed, open] = [[], []];
  await measure(false);
  for (let round = 0; round < Number(rounds); round += 1) {
    for (const isOpen of round % 2 ? [true, false] : [false, true]) (isOpen ? open : closed).push(await measure(isOpen));
    console.log(JSON.stringify({ closed: closed.at(-1), open: open.at(-1) }));
  }
  const [without, having] = [closed, open].map((runs) => median(runs.map((run) => run.micros)));
  const ratios = closed.map((run, n) => open[n].micros / run.micros).toSorted((a, b) => a - b);
  console.log(`without ${without.toFixed(2)} µs a document, with an open page ${having.toFixed(2)} µs: ${(having / without).toFixed(3)} (rounds ${ratios.map((ratio) => ratio.toFixed(3)).join(", ")})`);
} finally {
  await browser.close();
  spawnSync(demo, ["local", "stop"], { env });
  fs.rmSync(home, { recursive: true });
}
