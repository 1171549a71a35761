// The heat map: a cell for each open shard, the fuller the darker.

import { byId, grouped, make, say } from "./text.js";

/** Cells have room for a number up to so many. */
const FEW = 60;
const MANY = 240;

function size(count) {
  return count <= FEW ? "few" : count <= MANY ? "many" : "most";
}

/** `shardId-000000000012` as `12`. */
const numberOf = (id) => id.replace(/^.*?0*(\d+)$/, "$1");

function paint(cell, id, used, refused, isClosed) {
  const heat = `h${Math.min(10, Math.ceil(used / 100))}`;
  const className = `cell ${heat}${refused ? " throttled" : ""}`;
  if (cell.className !== className) cell.className = className;
  cell.hidden = isClosed;
  say(cell, numberOf(id));
}

/** The cell of each shard. */
const cells = new Map();

/** Cells are in the order of the shards' ids, which is that in which they were opened. */
function build(map, ids) {
  if (cells.size === ids.length && cells.has(ids.at(-1))) return;
  const known = new Set(ids);
  for (const id of cells.keys()) if (!known.has(id)) cells.delete(id);
  for (const id of ids.filter((id) => !cells.has(id))) {
    const cell = make("span", "cell");
    cell.title = id;
    cells.set(id, cell);
  }
  map.replaceChildren(...[...ids].sort().map((id) => cells.get(id)));
}

export function drawShards(ids, shards) {
  const [map, closed] = [byId("shards"), new Set(shards.closed)];
  build(map, ids);
  ids.forEach((id, place) => {
    paint(cells.get(id), id, shards.used[place] ?? 0, (shards.throttled[place] ?? 0) > 0, closed.has(place));
  });
  const open = shards.open || ids.length - closed.size;
  map.dataset.size = size(ids.length - closed.size);
  const fullest = shards.used.reduce((a, b) => Math.max(a, b), 0) / 10;
  const refusing = shards.throttled.filter((times) => times > 0).length;
  map.setAttribute("aria-label", `${open} shards, the fullest at ${Math.round(fullest)} % of what it takes, ${refusing} refuse records`);
  say(byId("hottest"), hottest(open, fullest, shards));
}

function hottest(open, fullest, shards) {
  const count = `${grouped(open)} ${open === 1 ? "shard" : "shards"}, the fullest at ${Math.round(fullest)} %`;
  const hot = shards.hottest;
  if (hot) {
    const key = hot.key === null ? "" : `, hot key ${hot.key}`;
    return `${count}. Hottest: ${hot.shard}, ${grouped(hot.documents_per_second)}/s, ${hot.over_mean.toFixed(1)}× the mean${key}`;
  }
  const keys = shards.hot_keys.map((hot) => hot.partition_key).join(", ");
  return keys ? `${count}. Hot keys: ${keys}` : count;
}
