// The pipeline as boxes and arrows: what is offered, acknowledged, delivered and found by SQL, and what lies between.

import { byId, bytes, grouped, make, millis, say } from "./text.js";

/** A box: its name, a number, what it counts, and lines below. */
function box(name) {
  const item = make("li");
  const [arrow, body] = [make("p", "arrow"), make("div", "box")];
  const [title, number, unit, more] = [make("h3", "", name), make("p", "number"), make("p", "soft"), make("p", "more")];
  body.append(title, number, unit, more);
  item.append(arrow, body);
  return { item, arrow, number, unit, more };
}

let boxes = null;

function build(destinations) {
  const names = destinations.join();
  if (boxes?.names === names) return boxes;
  const title = (name) => (name === "stream" ? "Read back from the stream" : name);
  boxes = { names, offered: box("Documents"), stream: box("Kinesis stream"), destinations: destinations.map((name) => box(title(name))) };
  const all = [boxes.offered, boxes.stream, ...boxes.destinations];
  boxes.destinations.forEach(({ item }) => item.classList.add("destination"));
  byId("pipeline").replaceChildren(...all.map(({ item }) => item));
  return boxes;
}

function fill({ arrow, number, unit, more }, texts) {
  say(arrow, texts.arrow ?? "");
  say(number, texts.number);
  say(unit, texts.unit);
  say(more, texts.more ?? "");
}

export function drawPipeline(run) {
  const { latest, outcome } = run;
  const { totals, point } = latest;
  const { offered, stream, destinations } = build(run.about?.destinations ?? []);
  const rate = (value) => (point ? `${grouped(value)}/s` : "");
  fill(offered, { number: grouped(totals.offered), unit: "offered", more: point ? rate(point.offered) : "" });
  const mean = outcome && !point ? `${bytes(outcome.bytes_per_second)}/s on average` : "";
  const shards = run.shards?.open ? `${grouped(run.shards.open)} shards` : "";
  fill(stream, {
    arrow: latest.in_flight ? `${grouped(latest.in_flight)} in flight` : "",
    number: grouped(totals.acknowledged),
    unit: "acknowledged",
    more: [point ? rate(point.acknowledged) : "", point ? `${bytes(point.bytes)}/s` : mean, shards].filter(Boolean).join(" · "),
  });
  (run.about?.destinations ?? []).forEach((name, n) => fill(destinations[n], destination(run, name)));
}

/** What is known of a destination: while the load goes on, what somebody has seen there; then what was found. */
function destination(run, name) {
  const now = run.latest.destinations.find((destination) => destination.name === name);
  const found = run.outcome?.landed.find((landed) => landed.destination === name);
  const fresh = now?.freshness_ms ?? null;
  const more = fresh === null ? [] : [`readable after ${millis(fresh)}`];
  if (found) {
    if (found.by_sql !== null) more.push(`${grouped(found.by_sql)} by SQL`);
    return { number: grouped(found.documents), unit: "delivered, every key searched", more: more.join(" · ") };
  }
  const { landed = null, behind = null, objects = null, tracked = null } = now ?? {};
  if (objects) more.unshift(inObjects(objects));
  const arrow = behind ? `${grouped(behind)} behind` : "";
  if (landed !== null) return { arrow, number: grouped(landed), unit: counted(run, name, objects), more: more.join(" · ") };
  if (objects) return { number: grouped(objects.count), unit: "objects delivered", more: more.join(" · ") };
  if (tracked) return { number: millis(fresh), unit: "until a document can be read", more: `${grouped(tracked)} tracked documents read` };
  return { number: "–", unit: "counted after the load" };
}

/** How the documents of a destination were counted. */
function counted(run, name, objects) {
  if (run.latest.phase !== "load") return "found";
  if (objects) return "documents found in the objects";
  return name === "stream" ? "read back" : "rows by SQL";
}

function inObjects({ count, bytes: size, unread }) {
  const objects = `${grouped(count)} ${count === 1 ? "object" : "objects"}`;
  return `${objects}, ${bytes(size)}${unread ? `, ${grouped(unread)} not read yet` : ""}`;
}
