/**
 * The line under the verdict: what it rests on. Counts, or the last change where all is well; then what is missing in
 * the data. Pure; `verdict.js` says what a model is.
 */
import { formatClock, formatCount, formatDuration, formatMinute } from "./numbers.js";

/** More holes than this are told by whose they are, without when. */
const MOST_TIMED = 1;
const MOST_NAMED = 3;
/** En spaces: a browser would make one of two plain ones. */
const SEPARATOR = "\u2002·\u2002";
const TROUBLE = [["suspect", "suspect"], ["dead", "dead"], ["nodata", "without data"]];

/** @returns {[string, string][]} pieces of text, each with a class: `text` for what must be seen, else none */
export function secondLine(model, clauses) {
  const parts = partsOf(model, clauses).filter((each) => each.length);
  return parts.flatMap((each, index) => (index ? [["", SEPARATOR], ...each] : each));
}

function partsOf(model, clauses) {
  const { daemon = {}, link, staleSince, isLive, nodes } = model;
  if (link === "token" || link === "connecting") return [said(daemon.address && `the daemon at ${daemon.address}`)];
  if (staleSince !== undefined) return stale(model, daemon);
  if (!nodes.length) return isLive ? empty(daemon) : [];
  const isFine = !clauses.length;
  const counts = isFine && isLive ? [said(model.lastChange && lastChange(model))] : [said(nodeCounts(model)), said(shardCounts(model))];
  return [...counts, isLive ? coverage(model) : moment(model)];
}

const said = (text) => (text ? [["", text]] : []);

function stale({ staleSince }, { address, tries, nextTryMs }) {
  const next = Number.isFinite(nextTryMs) && tries ? `${ordinal(tries)} try in ${formatDuration(nextTryMs)}` : "";
  return [said(`last event ${formatClock(staleSince)}`), said(`the daemon${address ? ` at ${address}` : ""} doesn't answer`), said(next)];
}

function empty({ upMs, grpc, events }) {
  return [said(Number.isFinite(upMs) && `up for ${formatDuration(upMs)}`), said(grpc && `gRPC ${grpc}`), said(`${formatCount(events ?? 0)} events`)];
}

function nodeCounts({ nodes, hasSwim, isLive }) {
  const present = nodes.filter((each) => each.status !== "left");
  const count = (status) => present.filter((each) => each.status === status).length;
  const total = `${formatCount(present.length)} node${present.length === 1 ? "" : "s"}`;
  const [up, word] = hasSwim ? [count("alive"), "alive"] : [count("connected"), "connected"];
  const trouble = TROUBLE.map(([status, name]) => [count(status), name]).filter(([some]) => some);
  if (!isLive && trouble.length < 2) return `${formatCount(up)} of ${total} ${word}`;
  const shown = trouble.length > 1 || !hasSwim ? [[up, word], ...trouble] : trouble;
  return [total, ...shown.map(([some, name]) => `${formatCount(some)} ${name}`)].join(", ");
}

function shardCounts({ nodes, shards, isLive }) {
  if (!shards.length) return "";
  const led = shards.filter((each) => each.leader !== undefined && each.leader !== null).length;
  const dead = new Map(nodes.filter((each) => each.status === "dead").map((each) => [each.id, each.since]));
  const again = !isLive && led === shards.length ? shards.filter((each) => each.since >= dead.get(each.before)).map((each) => each.since) : [];
  return `${formatCount(led)} of ${formatCount(shards.length)} shards led${again.length ? ` again at ${formatClock(Math.max(...again))}` : ""}`;
}

function lastChange({ lastChange: change, nodes }) {
  const who = (node) => nodes.find((each) => each.id === node)?.short ?? `N${node}`;
  return `last change ${formatClock(change.at)}, ${whatChanged(change, who)}`;
}

function whatChanged({ type, node, status, shard, leader, before, kind }, who) {
  if (type === "Swim") return `${who(node)} ${status}`;
  if (type === "Shard") return `shard ${shard} ${kind === "Cutover" ? "moved" : "moves"}`;
  if (leader === null) return `shard ${shard} lost its leader`;
  if (before === undefined || before === null || before === leader) return `shard ${shard} led by ${who(leader)}`;
  return `shard ${shard} from ${who(before)} to ${who(leader)}`;
}

/** `complete since 11:07 except N4 12:03:20–12:04:01, and 312 events lost at N1 12:02:49`. */
function coverage({ nodes, holes = [], oldest }) {
  if (!Number.isFinite(oldest)) return [];
  const missing = [missingOf(holes, shortOf(nodes)), lostOf(nodes, (each) => each.to_ms > oldest)].filter(Boolean);
  const whole = ["", `complete since ${formatMinute(oldest)}`];
  return missing.length ? [whole, ["text", ` except ${missing.join(", and ")}`]] : [whole];
}

function missingOf(holes, short) {
  if (holes.length !== MOST_TIMED) return namesOf(holes, short);
  const [{ from, to }] = holes;
  return `${namesOf(holes, short)} ${Number.isFinite(to) ? `${formatClock(from)}–${formatClock(to)}` : `since ${formatClock(from)}`}`;
}

function namesOf(holes, short) {
  const who = [...new Set(holes.map((each) => short.get(each.node) ?? `N${each.node}`))];
  const named = who.slice(0, MOST_NAMED).join(", ");
  return who.length > MOST_NAMED ? `${named} and ${formatCount(who.length - MOST_NAMED)} more` : named;
}

/** Of the losses that `isMeant`. */
function lostOf(nodes, isMeant) {
  const lossy = nodes.filter((each) => each.losses?.some(isMeant));
  if (!lossy.length) return "";
  const losses = lossy.flatMap((each) => each.losses.filter(isMeant));
  const events = losses.reduce((sum, each) => sum + each.events, 0);
  const lost = `${formatCount(events)} ${events === 1 ? "event" : "events"} lost at `;
  if (lossy.length > 1) return `${lost}${formatCount(lossy.length)} nodes`;
  return `${lost}${lossy[0].short}${losses.length === 1 ? ` ${formatClock(losses[0].from_ms)}` : ""}`;
}

function moment({ at, holes = [], nodes }) {
  const open = holes.filter((each) => each.from <= at && at < each.to);
  const missing = [namesOf(open, shortOf(nodes)), lostOf(nodes, (each) => each.from_ms <= at && at < each.to_ms)].filter(Boolean);
  return missing.length ? [["text", `data of this moment is complete except ${missing.join(", and ")}`]] : [["", "data of this moment is complete"]];
}

const shortOf = (nodes) => new Map(nodes.map((each) => [each.id, each.short]));

function ordinal(count) {
  const tens = count % 100;
  const ending = tens > 10 && tens < 14 ? "th" : ["th", "st", "nd", "rd"][count % 10] ?? "th";
  return `${count}${ending}`;
}
