// Ledger, speed, cost and events.

import { byId, dollars, grouped, lasting, make, millis, say } from "./text.js";

/** Rows of names and values; those that stay keep their elements. */
function rows(id, figures) {
  const body = byId(id);
  while (body.children.length > figures.length) body.lastElementChild.remove();
  while (body.children.length < figures.length) {
    const row = make("tr");
    const name = make("th");
    name.scope = "row";
    row.append(name, make("td"));
    body.append(row);
  }
  figures.forEach(([name, value], n) => {
    say(body.children[n].children[0], name);
    say(body.children[n].children[1], value);
  });
}

const pairs = (figures) => figures.map(({ name, value }) => [name, value]);

export function drawLedger(run) {
  const { latest, outcome } = run;
  const { totals } = latest;
  if (outcome) {
    rows("ledger", pairs(outcome.counts));
    rows("speed", [...pairs(outcome.speed), ...pairs(outcome.phases)]);
    const crossed = outcome.thresholds.map(({ name, actual, limit, met }) => `${met ? "✓" : "✗"} ${name}: ${actual}, ${limit}`);
    byId("problems").replaceChildren(...[...crossed, ...outcome.problems].map((text) => make("li", "", text)));
    return;
  }
  const landed = latest.destinations.filter(({ landed }) => landed !== null).map(({ name, landed }) => [`in ${name}`, grouped(landed)]);
  rows("ledger", [
    ["offered", grouped(totals.offered)],
    ["acknowledged", grouped(totals.acknowledged)],
    ...landed,
    ["failed", grouped(totals.failed)],
    ["retried", grouped(totals.retried)],
    ["throttled", grouped(totals.throttled)],
    ["in flight", grouped(latest.in_flight)],
  ]);
  const processes = [["demo", latest.demo], ["stand-in", latest.stand_in]].filter(([, usage]) => usage !== null);
  const latency = totals.ack_latency_ms;
  const quantiles = latency ? ["p50", "p90", "p99", "max"].map((name) => [`acknowledged in ${name}`, millis(latency[name])]) : [];
  rows("speed", [...quantiles, ...processes.map(([name, { cpu }]) => [`processors of ${name}`, cpu.toFixed(2)])]);
  byId("problems").replaceChildren();
}

export function drawCost(run) {
  const { hourly, expires } = run.about ?? {};
  const left = expires ? (Date.parse(expires) - Date.now()) / 1e3 : null;
  const life = left === null ? "no end is set" : left > 0 ? lasting(left) : "expired";
  const cost = [];
  if (hourly) {
    const least = hourly.is_least ? "at least " : "";
    if (run.latest.dollars !== null) cost.push(["so far", `${least}${dollars(run.latest.dollars)}`]);
    cost.push(["by the hour", `${least}${dollars(hourly.dollars)}`]);
    if (hourly.computing > 0) cost.push(["by the hour while Redshift computes", `${dollars(hourly.computing)} more`]);
    cost.push(["if forgotten for a day", `${least}${dollars(hourly.dollars * 24)}`]);
  }
  rows("cost", [...cost, ["time to live", life]]);
  const where = hourly?.is_billed ? "An estimate" : "The stand-in costs nothing; this is an estimate of AWS";
  say(byId("cost-note"), hourly ? `${where} by the prices of ${hourly.region} in ${hourly.as_of}, since the stack came up.` : "");
}

export function drawEvents(run) {
  const items = run.events().map(({ at, text, isPlanned, kind }) => {
    const item = make("li", isPlanned ? "planned" : kind);
    item.append(make("span", "at", `${at.toFixed(1)} s`), make("span", "", isPlanned ? `${text} (to come)` : text));
    return item;
  });
  const list = byId("events");
  const text = items.map((item) => item.textContent).join("\n");
  if (list.dataset.shown === text) return;
  list.dataset.shown = text;
  list.replaceChildren(...items);
}
