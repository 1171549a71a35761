// The course of a run in a bounded number of points, as src/page/series.rs keeps it.

const MOST = 1200;
const SHORT = 0.5;
const MEANS = ["offered", "acknowledged", "bytes", "retried", "throttled", "failed"];
const HIGHEST = ["p50", "p90", "p99"];

/** One point for both, of which `b` is the later. */
function together(a, b) {
  const seconds = a.seconds + b.seconds;
  const mean = (name) => (a[name] * a.seconds + b[name] * b.seconds) / seconds;
  const point = { at: b.at, seconds, capacity: b.capacity ?? a.capacity };
  point.scheduled = a.scheduled === null || b.scheduled === null ? null : mean("scheduled");
  for (const name of MEANS) point[name] = mean(name);
  for (const name of HIGHEST) point[name] = a[name] === null || b[name] === null ? (a[name] ?? b[name]) : Math.max(a[name], b[name]);
  return point;
}

export class Series {
  constructor(points = []) {
    this.points = points;
  }

  push(point) {
    const last = this.points.length - 1;
    if (last >= 0 && point.seconds < SHORT) this.points[last] = together(this.points[last], point);
    else this.points.push(point);
    if (this.points.length <= MOST) return;
    const pairs = [];
    for (let n = 0; n < this.points.length; n += 2) {
      pairs.push(n + 1 < this.points.length ? together(this.points[n], this.points[n + 1]) : this.points[n]);
    }
    this.points = pairs;
  }
}
