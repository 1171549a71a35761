// A run on a page: takes its events from the server, keeps what is known, and draws it.

import { drawPipeline } from "./pipeline.js";
import { drawPlots } from "./plots.js";
import { begin, drawPresenter } from "./presenter.js";
import { Series } from "./series.js";
import { drawShards } from "./shards.js";
import { drawCost, drawEvents, drawLedger } from "./tables.js";
import { byId, bytes, grouped, lasting, say } from "./text.js";

/** Of what happened, the latest so many are kept. */
const MOMENTS = 200;
/** A server that refuses is asked again after so long. */
const AGAIN = 2000;

const run = {
  about: null,
  plan: null,
  series: new Series(),
  moments: [],
  latest: { at: 0, phase: "preparing", point: null, totals: { offered: 0, acknowledged: 0, failed: 0, retried: 0, throttled: 0 }, destinations: [] },
  outcome: null,
  /** The shards as the load left them. */
  shards: null,
  ids: [],
  isPlayback: false,
  isCut: false,

  /** What happened and what is still to come, by time. */
  events() {
    const happened = this.moments.map(({ at, text, kind }) => ({ at, text, kind, isPlanned: false }));
    const isToCome = ({ at }) => ["preparing", "load"].includes(this.latest.phase) && at > this.latest.at;
    const planned = (this.plan?.events ?? []).filter(isToCome).map(({ at, text }) => ({ at, text, isPlanned: true }));
    return [...happened, ...planned].sort((a, b) => a.at - b.at);
  },
};

function takeState(state) {
  Object.assign(run, { about: state.run, plan: state.plan, moments: state.moments, latest: state.latest, outcome: state.outcome });
  run.series = new Series(state.series);
  run.ids = [];
  takeShards(state.latest.shards);
  if (!state.latest.shards) run.shards = null;
}

function takeRow(row) {
  run.latest = row;
  if (row.point) run.series.push(row.point);
  takeShards(row.shards);
}

function takeShards(shards) {
  if (!shards) return;
  run.ids.push(...shards.first_seen);
  run.shards = shards;
}

function takeMoment(moment) {
  run.moments.push(moment);
  if (run.moments.length > MOMENTS) run.moments.shift();
}

const PHASES = {
  preparing: "The stack is being created",
  load: "The load is under way",
  verification: "Searching for every document",
  closing: "The result is known; ending",
  over: "The run is over",
};

function status() {
  if (run.isCut) return "The connection is cut; trying again";
  const { phase, is_paused: isPaused } = run.latest;
  const now = phase === "load" && isPaused ? "Paused by hand" : PHASES[phase];
  return run.isPlayback && phase !== "over" ? `Playback: ${now.toLowerCase()}` : now;
}

function drawHeadline() {
  const { latest, outcome, plan, about } = run;
  const { point, totals } = latest;
  document.title = about ? `${about.stack}: ${PHASES[latest.phase].toLowerCase()}` : "demo";
  say(byId("stack"), about?.stack ?? "demo");
  const worker = about?.worker ? `, worker ${about.worker}` : "";
  say(byId("run"), about ? `Run ${about.run}${worker} on ${about.target}, ${about.started}` : "");
  byId("status").className = `status ${run.isCut ? "cut" : latest.phase}`;
  say(byId("status"), status());
  say(byId("rate"), point ? grouped(point.acknowledged) : outcome ? grouped(outcome.documents_per_second) : latest.phase === "verification" ? grouped(totals.acknowledged) : "–");
  say(byId("rate-unit"), point ? "documents/s" : outcome ? "documents/s on average" : latest.phase === "verification" ? "documents acknowledged" : "documents/s");
  const asked = point && point.scheduled !== null ? `of ${grouped(point.scheduled)}/s asked for` : "";
  const speed = point ? `${bytes(point.bytes)}/s` : outcome ? `${bytes(outcome.bytes_per_second)}/s` : "";
  const whole = plan?.documents ? ` of ${grouped(plan.documents)}` : "";
  say(byId("rate-more"), [asked, speed, `${grouped(totals.acknowledged)}${whole} acknowledged`].filter(Boolean).join(" · "));
  const share = plan?.documents ? totals.acknowledged / plan.documents : plan?.ends ? latest.at / plan.ends : 0;
  byId("progress").value = latest.phase === "over" ? 1 : Math.min(1, share);
  const left = plan?.ends && latest.phase === "load" ? `, ${lasting(plan.ends - latest.at)} left` : "";
  say(byId("time"), `${lasting(latest.at)}${left}`);
  byId("sentence").hidden = !outcome?.is_over;
  byId("sentence").className = `sentence${outcome?.is_good ? " good" : ""}`;
  say(byId("sentence"), outcome?.is_over ? outcome.sentence : "");
}

function drawPlayback() {
  const isOver = run.outcome?.is_over ?? false;
  if (isOver) byId("playback").hidden = false;
  if (isOver) byId("playback-at").max = Math.max(1, Math.floor(run.latest.at));
  if (run.isPlayback && !isOver) {
    byId("playback-at").value = run.latest.at;
    say(byId("playback-place"), lasting(run.latest.at));
  }
}

let isDrawn = true;

/** Once for all that comes together, and only while somebody can see it. */
function draw() {
  if (!isDrawn) return;
  isDrawn = false;
  requestAnimationFrame(() => {
    isDrawn = true;
    drawHeadline();
    drawPipeline(run);
    drawPlots(run);
    if (run.shards) drawShards(run.ids, run.shards);
    drawLedger(run);
    drawCost(run);
    drawEvents(run);
    drawPresenter(run);
    drawPlayback();
  });
}

let source = null;

/** A browser that connects again gets the whole state, or goes on with the playback where it was. */
function connect(path) {
  source?.close();
  source = new EventSource(path);
  const own = source;
  const on = (name, take) =>
    own.addEventListener(name, (event) => {
      run.isCut = false;
      take(JSON.parse(event.data));
      // Nothing more comes.
      if (run.outcome?.is_over) own.close();
      draw();
    });
  on("state", takeState);
  on("row", takeRow);
  on("moment", takeMoment);
  own.onerror = () => {
    if (own !== source || run.outcome?.is_over) return;
    run.isCut = true;
    draw();
    if (own.readyState === EventSource.CLOSED) setTimeout(() => own === source && connect(path), AGAIN);
  };
}

function show(path, playsBack) {
  run.isPlayback = playsBack;
  run.outcome = null;
  say(byId("playback-trouble"), "");
  connect(path);
}

async function isServed() {
  try {
    return (await fetch("page.css", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

async function showIfServed(path, playsBack) {
  if (await isServed()) return show(path, playsBack);
  say(byId("playback-trouble"), `The page ended with its run. Show it again: demo dashboard ${run.about?.run ?? ""}`);
}

byId("playback-at").addEventListener("input", () => say(byId("playback-place"), lasting(Number(byId("playback-at").value))));
byId("playback-form").addEventListener("submit", (event) => {
  event.preventDefault();
  showIfServed(`events/${byId("playback-at").value}/${byId("playback-speed").value}`, true);
});
byId("playback-whole").addEventListener("click", () => showIfServed("events", false));
addEventListener("resize", draw);
// The presenter's address in a tab that only looked on.
addEventListener("hashchange", () => location.reload());
begin(run);
connect("events");
