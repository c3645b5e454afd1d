/**
 * The verdict: one sentence about the whole cluster that a person could say aloud. Pure.
 *
 * It judges a model, `modelAt` of `model.js` with what else the page knows. Times are ms of the daemon's clock; what is
 * not known is undefined (a number may also be NaN):
 *
 *     at          the instant that is judged; when the page is stale, the last moment that it knows
 *     now         the daemon's time now
 *     isLive      whether `at` is the head of the stream; else the sentence is of the past
 *     staleSince  when the daemon was last heard, if it does not answer
 *     link        "open"; "connecting" before the first state; "token" where the daemon asks for one
 *     nodes       {id, name, short (of names.js), status: alive | connected | suspect | dead | left | nodata,
 *                 since, isAtLeast (it may have been so before `since`),
 *                 pressure, limit, moving (1: rising), stall: {from}, p99, slowSince (p99 over 100 ms since then),
 *                 cutAt (its WAL was cut), losses: [{from_ms, to_ms, events}]}
 *     shards      {id, leader (null: none, undefined: never heard), since, isAtLeast, before (who led it before)}
 *     hasSwim     whether anything ever reported membership
 *     findings    open ones of /api/insight that hold at `at`: {id, rule, subject}
 *     lastChange  the newest change of `story.js` at `at`: {at, type, ...}
 *     oldest      when the buffer begins; undefined: it is empty
 *     holes       [{node, from, to (Infinity: still open)}] where data is missing in the buffer
 *     daemon      {reasons: why /health is degraded, upMs, grpc: "host:port", events, address: "host:port",
 *                 tries: reconnects so far, nextTryMs: until the next}
 *
 * What it says: {glyph (a symbol's name), kind and subject of the worst, first (in bold), rest, text (both), title,
 * clauses (all of them, worst first), more (how many of them are not said), second: [class, text] pairs}.
 */
import { clausesOf } from "./clauses.js";
import { secondLine } from "./secondline.js";
import { formatAge, formatClock, formatCount, formatDuration, formatExactDuration } from "./numbers.js";

/** Behind the worst; what more there is, the attention list says. */
const MOST_FOLLOWING = 2;
const SECOND_MS = 1_000;

/** @param {object} model see above @param {object[]} clauses of `clauses.js`, perhaps held by `hold.js` */
export function verdict(model, clauses = clausesOf(model)) {
  const said = sentence(model, clauses);
  const text = said.first + said.rest;
  const more = Math.max(0, clauses.length - MOST_FOLLOWING - 1);
  return { ...said, text, title: `${said.first.replace(/\.$/, "")} - NoriKV`, clauses, more, second: secondLine(model, clauses) };
}

function sentence(model, clauses) {
  if (model.link === "token") return plain("nodata", "token", "This daemon asks for a token.");
  if (model.link === "connecting") return plain("nodata", "connecting", "Connecting to the daemon.");
  const before = model.isLive ? "" : `At ${formatClock(model.at)} `;
  if (model.staleSince !== undefined) {
    const asOf = before || "Before that, ";
    const { first, rest } = ofCluster(model, clauses, asOf);
    return plain("nodata", "stale", `This page has had no data for ${formatDuration(model.now - model.staleSince)}.`, ` ${first}${rest}`);
  }
  return ofCluster(model, clauses, before);
}

const plain = (glyph, kind, first, rest = "") => ({ glyph, kind, subject: "page", first, rest });

function ofCluster(model, clauses, before) {
  if (clauses.length) return ofTrouble(model, clauses, before);
  const past = before !== "";
  const nodes = present(model.nodes);
  if (!model.nodes.length) return empty(past, before, model);
  if (!nodes.length) return plain("left", "left", capital(`${before}every node ${past ? "had" : "has"} left.`));
  const fine = { glyph: "fine", kind: "fine", subject: "cluster" };
  const [are, have] = past ? ["were", "had"] : ["are", "have"];
  if (!model.hasSwim) {
    const first = `${before}${all(nodes.length, "node", are, past)} connected${elected(model.shards, past)}.`;
    return { ...fine, kind: "connected", first: capital(first), rest: ` Nothing report${past ? "ed" : "s"} membership.` };
  }
  const up = `${all(nodes.length, "node", are, past)} up`;
  const first = capital(before + [up, led(model.shards, have, past)].filter(Boolean).join(" and "));
  const silent = nodes.filter((each) => each.status === "connected").length;
  const unreported = silent ? ` Nothing report${past ? "ed" : "s"} membership of ${formatCount(silent)} of them.` : "";
  return { ...fine, first, rest: `${lasting(model)}.${unreported}` };
}

function ofTrouble(model, clauses, before) {
  const [worst, ...others] = clauses;
  const following = others.slice(0, MOST_FOLLOWING).map((each) => each.short);
  const more = others.length - following.length;
  if (more > 0) following.push(`${formatCount(more)} more`);
  if (following.length) following.push(`and ${following.pop()}`);
  const said = { glyph: worst.glyph, kind: worst.kind, subject: worst.subject };
  const first = capital(before + worst.first);
  const behind = following.length ? `, ${following.join(", ")}` : recovery(model, worst);
  return behind ? { ...said, first, rest: `${behind}.` } : { ...said, first: `${first}.`, rest: "" };
}

function empty(past, before, { daemon }) {
  if (past) return plain("nodata", "empty", capital(`${before}no node had connected yet.`));
  return plain("nodata", "empty", "No node has connected yet.", daemon?.reasons?.length ? "" : " The daemon is ready and listening.");
}

/** What became of the shards that a dead node led; only where all of them have a leader again. */
function recovery(model, worst) {
  const node = worst.kind === "dead" && model.nodes.find((each) => each.status === "dead" && String(each.id) === worst.subject);
  const lost = node ? model.shards.filter((each) => each.before === node.id && each.since >= node.since) : [];
  if (!lost.length || lost.some((each) => each.leader === null)) return "";
  const after = Math.max(...lost.map((each) => each.since)) - node.since;
  const when = after < SECOND_MS ? formatExactDuration(after) : formatDuration(after);
  return lost.length === 1 ? `; its shard had a new leader after ${when}` : `; its ${formatCount(lost.length)} shards had new leaders after ${when}`;
}

/** `, for 42 min`: since the last change, or at least as long as anything is stored. */
function lasting({ at, lastChange, oldest }) {
  const since = lastChange?.at ?? oldest;
  if (!Number.isFinite(since) || at - since < SECOND_MS) return "";
  return `, for ${lastChange ? "" : "at least "}${formatAge(at - since)}`;
}

/** All that can be said of leaders where nobody tells when one is lost. */
function elected(shards, past) {
  const count = shards.filter((each) => each.leader !== undefined).length;
  if (!count) return "";
  return ` and ${formatCount(count)} ${count === 1 ? "shard" : "shards"} ${past ? "had" : count === 1 ? "has" : "have"} elected a leader`;
}

function led(shards, have, past) {
  const known = shards.filter((each) => each.leader !== undefined).length;
  if (!shards.length) return "";
  if (known === shards.length) return `${all(known, "shard", have, past)} a leader`;
  return `${formatCount(known)} of ${formatCount(shards.length)} shards ${past ? "were" : "are"} known to have a leader`;
}

function all(count, noun, verb, past) {
  const singular = { are: "is", have: "has" };
  if (count === 1) return `the only ${noun} ${past ? { were: "was", had: "had" }[verb] : singular[verb]}`;
  return `${count === 2 ? "both" : `all ${formatCount(count)}`} ${noun}s ${verb}`;
}

const present = (nodes) => nodes.filter((each) => each.status !== "left");
const capital = (text) => text[0].toUpperCase() + text.slice(1);
