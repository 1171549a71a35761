// What only a browser with the page's secret can do: act on the run and ask in SQL.

import { byId, bytes, grouped, make, say } from "./text.js";

const KEY = "demo-secret";
/** How long "press again" waits. */
const SURE_WITHIN = 4000;

/** Takes the secret out of the address, so that nobody reads it from the screen; a reload still has it. */
function secret() {
  const given = location.hash.slice(1);
  if (/^[0-9a-f]{64}$/.test(given)) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEY);
}

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { Authorization: `Bearer ${secret()}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.status === 204) return null;
  const text = await response.text();
  if (!response.ok) throw new Error(errorIn(text));
  return JSON.parse(text);
}

function errorIn(text) {
  try {
    return JSON.parse(text).error ?? text;
  } catch {
    return text;
  }
}

async function act(action, what) {
  say(byId("acted"), `Asked for: ${what}. Waiting for an answer`);
  try {
    const { done } = await post("act", action);
    say(byId("acted"), done.map(({ at, action }) => `${at.toFixed(1)} s: ${action}`).join("; "));
  } catch (error) {
    say(byId("acted"), `Not done: ${error.message}`);
  }
}

const number = (id) => Number(byId(id).value);

function onSubmit(id, submit) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
}

/** A button that ends something is pressed twice. */
function onSecondPress(button, press) {
  const text = button.textContent;
  let asked = 0;
  button.addEventListener("click", () => {
    if (Date.now() - asked < SURE_WITHIN) {
      [asked, button.textContent] = [0, text];
      press();
      return;
    }
    [asked, button.textContent] = [Date.now(), `${text}: press again`];
    setTimeout(() => (button.textContent = text), SURE_WITHIN);
  });
}

let isPresenter = false;

/** Shows what a presenter has, if this browser is one's. */
export async function begin(run) {
  if (!secret()) return;
  try {
    await post("presenter", null);
  } catch {
    sessionStorage.removeItem(KEY);
    return;
  }
  isPresenter = true;
  byId("sql").hidden = false;
  byId("pause").addEventListener("click", () => act("pause", "pause"));
  byId("resume").addEventListener("click", () => act("resume", "resume"));
  byId("double").addEventListener("click", () => act({ reshard: 2 * (run.shards?.open ?? 0) }, "more shards"));
  onSecondPress(byId("stop"), () => act("stop", "stop"));
  onSubmit("rate-form", () => act({ rate: number("new-rate") }, "another rate"));
  onSubmit("hot-form", () => act({ hot_key: { key: byId("hot-key").value, share: number("hot-share") / 100, seconds: number("hot-seconds") } }, "a hot key"));
  onSubmit("throttle-form", () => {
    const trouble = { throttle: { shards: number("throttle-shards"), share: number("throttle-share") / 100 } };
    act({ fault: { trouble, seconds: number("throttle-seconds") } }, "throttling");
  });
  onSubmit("sql-form", ask);
  byId("sql-text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask();
  });
  drawPresenter(run);
}

/** Keeps what can be pressed in step with the run. */
export function drawPresenter(run) {
  if (!isPresenter) return;
  const [isLoad, open] = [run.latest.phase === "load", run.shards?.open ?? 0];
  byId("presenter").hidden = run.isPlayback || run.latest.phase === "over";
  const controls = byId("presenter").querySelectorAll("button, input");
  controls.forEach((control) => (control.disabled = !isLoad));
  byId("pause").disabled = !isLoad || run.latest.is_paused;
  byId("resume").disabled = !isLoad || !run.latest.is_paused;
  byId("double").disabled = !isLoad || open === 0;
  say(byId("double"), open ? `Double the shards: ${grouped(open)} → ${grouped(2 * open)}` : "Double the shards");
  byId("throttle-form").hidden = run.about?.hourly?.is_billed ?? false;
}

async function ask() {
  const [said, region] = [byId("sql-said"), byId("sql-rows")];
  say(said, "asking");
  try {
    const answer = await post("query", { sql: byId("sql-text").value });
    byId("sql-text").value = answer.sql;
    const scanned = answer.scanned === null ? "" : `, ${bytes(answer.scanned)} scanned`;
    const count = `${grouped(answer.rows.length)} ${answer.rows.length === 1 ? "row" : "rows"}`;
    say(said, `${count}${answer.truncated ? ", and more" : ""} in ${answer.seconds.toFixed(1)} s${scanned}`);
    region.hidden = false;
    region.firstElementChild.replaceWith(table(answer));
  } catch (error) {
    region.hidden = true;
    say(said, error.message);
  }
}

function table({ columns, rows }) {
  const [whole, head, body] = [make("table"), make("thead"), make("tbody")];
  const cells = (name, texts) => {
    const row = make("tr");
    row.append(...texts.map((text) => make(name, text === null ? "null" : "", text ?? "NULL")));
    return row;
  };
  head.append(cells("th", columns));
  body.append(...rows.map((row) => cells("td", row)));
  whole.append(head, body);
  return whole;
}
