// Which lines the page draws of a run.

import { plot } from "./plot.js";
import { byId, grouped, millis, short } from "./text.js";

/** A long run shows at least so many seconds of what is to come. */
const AHEAD = 60;

/** How far the time axis goes: a part of what is planned beyond where the run is; of a load that is over, to its end. */
function ends(run) {
  const now = run.series.points.at(-1)?.at ?? 0;
  const isToCome = ["preparing", "load"].includes(run.latest.phase);
  const planned = isToCome ? Math.min(run.plan?.ends ?? 0, Math.max(AHEAD, now * 1.25)) : 0;
  return Math.max(planned, now, 10);
}

/** What happened and what is to come, numbered as in the list of events. */
function marks(run) {
  const numbered = run.events().map((event, n) => ({ ...event, label: String(n + 1) }));
  return numbered.filter((event) => event.isPlanned || event.kind !== "phase");
}

export function drawPlots(run) {
  const { points } = run.series;
  const last = points.at(-1);
  const of = (name) => points.map((point) => [point.at, point[name]]);
  const shared = { marks: marks(run), ends: ends(run) };
  const planned = (run.plan?.schedule ?? []).filter(([at]) => at <= shared.ends);
  const schedule = planned.length ? planned : of("scheduled");
  plot(byId("rates"), {
    ...shared,
    lines: [
      { name: "scheduled in the file", className: "scheduled", points: schedule },
      { name: "asked for", className: "asked", points: of("scheduled") },
      { name: "capacity of the shards", className: "capacity", points: of("capacity") },
      { name: "acknowledged", className: "acknowledged", points: of("acknowledged") },
    ],
    format: short,
    summary: last ? `Acknowledged ${grouped(last.acknowledged)} documents a second` : "No document yet",
  });
  plot(byId("latency"), {
    ...shared,
    lines: [
      { name: "p50", className: "p50", points: of("p50") },
      { name: "p90", className: "p90", points: of("p90") },
      { name: "p99", className: "p99", points: of("p99") },
    ],
    format: (ms) => (ms >= 1e3 ? `${short(ms / 1e3)} s` : `${short(ms)} ms`),
    summary: last && last.p99 !== null ? `99 of 100 documents acknowledged within ${millis(last.p99)}` : "No document yet",
  });
  plot(byId("retries"), {
    ...shared,
    lines: [
      { name: "retried", className: "retried", points: of("retried") },
      { name: "throttled", className: "throttled-line", points: of("throttled") },
    ],
    format: short,
    summary: last ? `${grouped(last.retried)} retried and ${grouped(last.throttled)} throttled a second` : "No document yet",
  });
}
