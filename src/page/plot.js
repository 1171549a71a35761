// Lines over time as SVG, as wide as there is room, so that its texts keep their size on a phone and on a projector.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 240;
/** Labels of marks need so much room. */
const LABEL = 18;
const EDGE = { left: 64, right: 24, top: 20, bottom: 26 };

function shape(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Round numbers from 0 to a highest value, about so many. */
function ticks(highest, count) {
  const raw = highest / (count - 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= raw);
  const all = [];
  for (let value = 0; value <= highest + step * 1e-9; value += step) all.push(value);
  return all;
}

/** A path; what is null is a gap. */
function path(points, x, y) {
  let [text, isGap] = ["", true];
  for (const [at, value] of points) {
    if (value === null || value === undefined) {
      isGap = true;
      continue;
    }
    text += `${isGap ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    isGap = false;
  }
  return text;
}

/**
 * Draws lines into an element, with a legend below.
 * lines: {name, className, points: [[seconds, value], …]}; marks: {at, label, isPlanned}; format: a value with its unit.
 */
export function plot(element, { lines, marks, ends, format, summary }) {
  const width = Math.max(280, element.clientWidth || 600);
  const values = lines.flatMap((line) => line.points.map(([, value]) => value ?? 0));
  const highest = Math.max(1, values.reduce((a, b) => Math.max(a, b), 0) * 1.08);
  const [right, bottom] = [width - EDGE.right, HEIGHT - EDGE.bottom];
  const x = (at) => EDGE.left + (right - EDGE.left) * Math.min(1, at / ends);
  const y = (value) => bottom - (bottom - EDGE.top) * (value / highest);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": summary });
  for (const value of ticks(highest, 5)) {
    svg.append(shape("line", { class: "grid", x1: EDGE.left, x2: right, y1: y(value), y2: y(value) }));
    svg.append(shape("text", { class: "axis", x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, format(value)));
  }
  for (const at of ticks(ends, Math.max(3, Math.floor((right - EDGE.left) / 80)))) {
    svg.append(shape("text", { class: "axis", x: x(at), y: HEIGHT - 8, "text-anchor": "middle" }, `${Number(at.toPrecision(4))} s`));
  }
  let lastLabel = -Infinity;
  for (const mark of marks.filter((mark) => mark.at <= ends)) {
    svg.append(shape("line", { class: mark.isPlanned ? "mark planned" : "mark", x1: x(mark.at), x2: x(mark.at), y1: EDGE.top, y2: bottom }));
    if (x(mark.at) - lastLabel < LABEL) continue;
    lastLabel = x(mark.at);
    svg.append(shape("text", { class: "axis", x: x(mark.at), y: EDGE.top - 6, "text-anchor": "middle" }, mark.label));
  }
  for (const line of lines) svg.append(shape("path", { class: `line ${line.className}`, d: path(line.points, x, y) }));
  const legend = document.createElement("p");
  legend.className = "legend";
  for (const line of lines) {
    const entry = document.createElement("span");
    entry.className = line.className;
    entry.textContent = line.name;
    legend.append(entry);
  }
  element.replaceChildren(svg, legend);
}
