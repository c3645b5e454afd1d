/**
 * One node's row: status band, leadership, fsync, pressure, stalls, and hatches where nothing is known.
 */
import { dotted, faintly, hatch, teeth, triangle } from "./draw.js";
import { theme } from "./theme.js";

/** By row height: [top, bottom] of each band. 40 is the phone's plot. */
export const BANDS = {
  66: { status: [2, 8], triangles: 8, fsync: [13, 40], pressure: [42, 61], teeth: 62 },
  44: { status: [2, 8], triangles: 8, fsync: [12, 27], pressure: [28, 39], teeth: 40 },
  40: { status: [0, 6], triangles: 6, fsync: [9, 24], pressure: [25, 36], teeth: 36 },
  34: { status: [1, 7], triangles: 7, fsync: [9, 19], pressure: [20, 29], teeth: 30 },
};
const FSYNC_LIMIT_MS = 100;
/** Curves go on over a second or two in which nothing was measured. */
const JOIN_MS = 6_000;
/** Triangles nearer than this are one, with a count. */
const CLUSTER_PX = 24;
/** Of their middle, where one is lost and one won at the same time: side by side. */
const ASIDE_PX = 5;
const STALL_OVER_MS = 2_000;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, width: number, height: number, from: number, to: number, until: number}} place `until`:
 *   what is known ends there (ms).
 * @param {object} node of the model. @param {{store: object, strain: object, changes: object[]}} of what is drawn.
 */
export function paintRow(context, place, node, { store, strain, changes }) {
  const bands = BANDS[place.height] ?? BANDS[66];
  const scale = (at) => place.x + ((at - place.from) / (place.to - place.from)) * place.width;
  const spans = livenessSpans(store.story, node.id, place);
  context.save();
  context.beginPath();
  context.rect(place.x, place.y, place.width, place.height);
  context.clip();
  paintStatus(context, place, bands, scale, spans, node);
  const silent = spans.filter((each) => each.status === "dead" || each.status === "left");
  const isSilent = (at) => silent.some((each) => at >= each.from && at < each.to);
  paintFsync(context, place, bands, scale, store.series, node.id, isSilent);
  paintPressure(context, place, bands, scale, store.series, node, isSilent);
  for (const run of strain.runs) {
    if (run.node !== node.id || run.to + STALL_OVER_MS < place.from || run.from > place.to) continue;
    teeth(context, Math.max(scale(run.from), place.x), Math.min(scale(run.to), scale(place.until)), place.y + bands.teeth, theme.amber);
  }
  for (const [from, to] of store.coverage.holes(node.id, place.from, place.until)) {
    if (isSilent(from + 1) || isSilent((from + to) / 2)) continue;
    const [x, end] = [Math.floor(scale(from)), Math.ceil(scale(to))];
    const width = Math.max(3, end - x);
    context.fillStyle = theme.bg;
    context.fillRect(x, place.y, width, place.height - 1);
    hatch(context, x, place.y, width, place.height - 1, theme.hatch);
    for (const each of spans) if (each.status === "suspect") paintSuspectBand(context, Math.max(scale(each.from), x), Math.min(scale(each.to), x + width), place.y + bands.status[0]);
  }
  context.restore();
  paintTriangles(context, place, bands, scale, node, changes);
}

function livenessSpans(story, id, { from, until }) {
  const spans = [];
  story.nodes.get(id)?.between(from, until, (begin, end, status) => spans.push({ from: begin, to: end, status }));
  return spans;
}

function paintStatus(context, place, bands, scale, spans, node) {
  const [top] = bands.status;
  const middle = place.y + top + 2;
  const known = spans.length ? scale(spans[0].from) : scale(place.until);
  if (node.firstAt === undefined || !spans.length) line(context, place.x, known, middle, !spans.length);
  for (const each of spans) {
    const [x, end] = [scale(each.from), scale(each.to)];
    const width = Math.max(3, end - x);
    if (each.status === "suspect") {
      faintly(context, 0.2, () => fill(context, theme.amber, x, place.y, width, place.height));
      paintSuspectBand(context, x, x + width, place.y + top);
    } else if (each.status === "dead") {
      faintly(context, 0.16, () => fill(context, theme.red, x, place.y, width, place.height));
      fill(context, theme.red, x, place.y + top, width, 6);
      fill(context, theme.red, x, place.y + Math.round(place.height / 2) + 4, width, 1);
    } else if (each.status === "left") {
      dotted(context, x, end, middle, theme.faint);
    } else line(context, x, end, middle, false);
  }
  for (const { from_ms, to_ms } of node.losses ?? []) {
    const [x, end] = [Math.floor(scale(from_ms)), Math.max(scale(to_ms), scale(from_ms) + 3)];
    fill(context, theme.bg, x, place.y + top, end - x, 4);
    for (let dot = x; dot < end; dot += 4) fill(context, theme.mark, dot, place.y + top, 2, 4);
  }
}

function paintSuspectBand(context, x, end, y) {
  if (end <= x) return;
  fill(context, theme.bg, x, y, end - x, 6);
  faintly(context, 0.35, () => fill(context, theme.amber, x, y, end - x, 6));
  hatch(context, x, y, end - x, 6, theme.amber, 4, 2);
}

function line(context, x, end, y, isDashed) {
  context.fillStyle = theme.base;
  if (!isDashed) context.fillRect(x, y, end - x, 2);
  else for (let dash = Math.ceil(x / 10) * 10; dash < end; dash += 10) context.fillRect(dash, y, Math.min(6, end - dash), 2);
}

function fill(context, colour, x, y, width, height) {
  context.fillStyle = colour;
  context.fillRect(x, y, width, height);
}

/** Points of a curve, in runs that hang together. */
function runs(series, id, field, place, scale, toY, isSilent) {
  const found = [];
  const step = series.stepMs;
  let run;
  let before = -Infinity;
  for (let index = Math.max(series.first, Math.floor(place.from / step) - 1); index <= series.newest(place.until); index++) {
    const value = series.value(id, field, index);
    const at = index * step;
    if (Number.isNaN(value) || isSilent(at)) continue;
    if (!run || at - before > Math.max(JOIN_MS, step)) found.push((run = []));
    run.push([scale(at + step / 2), toY(value), value]);
    before = at;
  }
  return found;
}

function trace(context, points, stepPx) {
  context.beginPath();
  context.moveTo(points[0][0] - stepPx / 2, points[0][1]);
  for (const [x, y] of points) context.lineTo(x, y);
  context.lineTo(points[points.length - 1][0] + stepPx / 2, points[points.length - 1][1]);
}

function paintFsync(context, place, bands, scale, series, id, isSilent) {
  const [top, bottom] = bands.fsync.map((each) => each + place.y);
  const toY = (ms) => bottom - (Math.min(3, Math.log10(Math.max(1, ms))) / 3) * (bottom - top);
  const limit = Math.round(toY(FSYNC_LIMIT_MS)) + 0.5;
  dotted(context, place.x, place.x + place.width, Math.floor(limit), theme.line2);
  const stepPx = (series.stepMs / (place.to - place.from)) * place.width;
  context.lineJoin = "round";
  for (const points of runs(series, id, "p99", place, scale, toY, isSilent)) {
    trace(context, points, stepPx);
    context.strokeStyle = theme.mark;
    context.lineWidth = 1.2;
    context.stroke();
    if (!points.some(([, , ms]) => ms >= FSYNC_LIMIT_MS)) continue;
    context.save();
    context.beginPath();
    context.rect(place.x, place.y, place.width, limit - place.y + 0.5);
    context.clip();
    trace(context, points, stepPx);
    context.strokeStyle = theme.amber;
    context.lineWidth = 1.8;
    context.stroke();
    context.restore();
  }
}

function paintPressure(context, place, bands, scale, series, node, isSilent) {
  const [top, bottom] = bands.pressure.map((each) => each + place.y);
  const toY = (ratio) => bottom - Math.min(1, Math.max(0, ratio)) * (bottom - top);
  const stepPx = (series.stepMs / (place.to - place.from)) * place.width;
  if (node.limit !== undefined) dotted(context, place.x, place.x + place.width, Math.round(toY(node.limit)), theme.line2);
  for (const points of runs(series, node.id, "pressure", place, scale, toY, isSilent)) {
    trace(context, points, stepPx);
    context.strokeStyle = theme.base;
    context.lineWidth = 1;
    context.stroke();
    context.lineTo(points[points.length - 1][0] + stepPx / 2, bottom);
    context.lineTo(points[0][0] - stepPx / 2, bottom);
    context.fillStyle = theme.fill;
    context.fill();
    if (node.limit === undefined) continue;
    for (const [index, [x, y, ratio]] of points.entries()) {
      if (ratio <= node.limit) continue;
      const end = Math.min((points[index + 1]?.[0] ?? x + stepPx) - stepPx / 2, x + stepPx * 6);
      const width = Math.max(3, end - (x - stepPx / 2));
      faintly(context, 0.38, () => fill(context, theme.amber, x - stepPx / 2, y, width, bottom - y));
      fill(context, theme.amber, x - stepPx / 2, y - 0.5, width, 1.5);
    }
  }
}

function paintTriangles(context, place, bands, scale, node, changes) {
  const y = place.y + bands.triangles;
  const own = changes.filter((each) => each.type === "Raft");
  const lost = clustered(own.filter((each) => (each.leader === null ? each.before : each.lost) === node.id), scale);
  const won = clustered(own.filter((each) => each.leader === node.id), scale);
  const colour = node.colour === undefined ? theme.text : theme.node[node.colour];
  for (const each of won) {
    const near = lost.find((other) => Math.abs(other.x - each.x) < 2 * ASIDE_PX);
    if (!near) continue;
    const middle = (near.x + each.x) / 2;
    const sign = near.x <= each.x ? 1 : -1;
    [near.x, each.x] = [middle - sign * ASIDE_PX, middle + sign * ASIDE_PX];
  }
  for (const { x } of lost) triangle(context, x, y, false, theme.text);
  for (const { x } of won) triangle(context, x, y, true, colour);
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = theme.mute;
  for (const [marks, others] of [[lost, won], [won, lost]]) {
    for (const { x, count } of marks) {
      // A count that another mark would cut in two is left out.
      if (count > 1 && !others.some((each) => each.x > x - 2 && each.x < x + CLUSTER_PX)) context.fillText(String(count), x + 6, y + 8);
    }
  }
}

/** `{x, count}` of changes; those near the one before count with it. */
function clustered(changes, scale) {
  const marks = [];
  for (const each of changes) {
    const x = scale(each.at);
    const newest = marks[marks.length - 1];
    if (newest && x - newest.x < CLUSTER_PX) newest.count += 1;
    else marks.push({ x, count: 1 });
  }
  return marks;
}
