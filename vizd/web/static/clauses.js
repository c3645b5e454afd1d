/**
 * What is wrong with a cluster, as clauses of the verdict, worst first. Pure; `verdict.js` says what a model is.
 *
 * A clause is `{kind, subject, rank, glyph, first, short}`: `first` as the sentence begins with it, with how long;
 * `short` as it follows another; `rank` grows as it gets less bad. Things of one kind are one clause, whose subject is then `several`. A node is in one clause only,
 * that of the worst that it has: a suspect node's slow disk is in its row. A cut WAL is something that happened, not
 * how the node is now, and stands beside.
 */
import { spokenName } from "./names.js";
import { formatAge, formatCount, formatDuration, formatMs, formatRatio } from "./numbers.js";

/** It stands in front of what is wrong now, so not for long; the tape and the events have it after that. */
const CUT_SAID_MS = 3 * 60_000;
const FSYNC_LIMIT_MS = 100;
/** A shorter time over the limit is one slow flush. */
const FSYNC_SLOW_MS = 10_000;
const SECOND_MS = 1_000;

/** Rules of the daemon whose findings are worse than a shard without a leader, in words. */
const RULES = {
  "two-leaders": ({ shard }, { has }) => `shard ${shard} ${has} two leaders in one term`,
  "term-back": ({ shard }, { past }) => `shard ${shard}'s term ${past ? "had gone" : "went"} back`,
  "two-processes": ({ node }, { past }, speak) => `two processes ${past ? "published" : "publish"} as ${speak(node)}`,
  "cutover-without-snapshot": ({ shard }, { past }) => `shard ${shard} ${past ? "had " : ""}cut over without a snapshot`,
};

/** Kinds of trouble, worst first; each finds its items and says one of them, or several. */
const KINDS = [
  {
    kind: "degraded",
    glyph: "suspect",
    find: ({ daemon }) => (daemon?.reasons?.length ? [{ id: "daemon", reasons: daemon.reasons }] : []),
    one: ({ reasons }, { is }) => [`the daemon ${is} degraded: ${reasons.map(unstopped).join(" and ")}`, `the daemon ${is} degraded`],
  },
  ...Object.entries(RULES).map(([rule, words]) => ({
    kind: rule,
    glyph: "noleader",
    find: ({ findings = [] }) => findings.filter((each) => each.rule === rule).map((each) => ({ id: each.id, subject: each.subject })),
    one: ({ subject }, tense, speak) => twice(words(subject, tense, speak)),
    many: (items, tense, speak) => twice(`${words(items[0].subject, tense, speak)}, with ${formatCount(items.length - 1)} more such`),
  })),
  {
    kind: "noleader",
    glyph: "noleader",
    find: ({ shards }) => shards.filter((each) => each.leader === null).map(timed),
    one: ({ id }, { has, lasting }) => lasting(`shard ${id} ${has} had no leader`, `shard ${id} ${has} no leader`),
    many: ({ length }, { have, lasting }) => lasting(`${formatCount(length)} shards ${have} had no leader`, `${formatCount(length)} shards ${have} no leader`),
  },
  {
    kind: "cut",
    glyph: "noleader",
    find: ({ nodes, at }) => nodes.filter((each) => at - each.cutAt >= 0 && at - each.cutAt < CUT_SAID_MS).map((each) => ({ id: each.id, label: each.short, since: each.cutAt })),
    one: ({ label }, { past, ago }) => withTail(`${spokenName(label)} ${past ? "had " : ""}cut a corrupt WAL tail`, ` ${ago}`),
    many: ({ length }, { past, ago }) => withTail(`${formatCount(length)} nodes ${past ? "had " : ""}cut corrupt WAL tails`, `, the last one ${ago}`),
  },
  ...["dead", "suspect"].map((status) => ({
    kind: status,
    glyph: status,
    find: ({ nodes }) => nodes.filter((each) => each.status === status).map(timed),
    one: ({ label }, { has, is, lasting }) => lasting(`${spokenName(label)} ${has} been ${status}`, `${spokenName(label)} ${is} ${status}`),
    many: ({ length }, { have, are, lasting }) => lasting(`${formatCount(length)} nodes ${have} been ${status}`, `${formatCount(length)} nodes ${are} ${status}`),
  })),
  {
    kind: "nodata",
    glyph: "nodata",
    find: ({ nodes }) => nodes.filter((each) => each.status === "nodata").map(timed),
    one: ({ label }, { past, has, lasting }) => lasting(`${spokenName(label)} ${has} sent no data`, `${spokenName(label)} ${past ? "sent" : "sends"} no data`),
    many: ({ length }, { past, have, lasting }) => lasting(`${formatCount(length)} nodes ${have} sent no data`, `${formatCount(length)} nodes ${past ? "sent" : "send"} no data`),
  },
  {
    kind: "pressure",
    glyph: "limit",
    find: ({ nodes }) => nodes.filter((each) => isUp(each) && each.pressure > each.limit).map((each) => ({ id: each.id, label: each.short, value: each.pressure, moving: each.moving })),
    one: ({ label, value, moving }, { is }) => twice(`${spokenName(label)}'s write pressure ${is} ${formatRatio(value)}${rising(moving)}`),
    many: (items, { is }) => twice(`the write pressure of ${formatCount(items.length)} nodes ${is} up to ${formatRatio(highest(items).value)}${rising(highest(items).moving)}`),
  },
  {
    kind: "stall",
    glyph: "limit",
    find: ({ nodes }) => nodes.filter((each) => isUp(each) && each.stall).map((each) => ({ id: each.id, label: each.short, since: each.stall.from })),
    one: ({ label }, { has, lasting }) => lasting(`${spokenName(label)} ${has} had an L0 stall`, `${spokenName(label)} ${has} an L0 stall`),
    many: ({ length }, { have, lasting }) => lasting(`${formatCount(length)} nodes ${have} had L0 stalls`, `${formatCount(length)} nodes ${have} L0 stalls`),
  },
  {
    kind: "fsync",
    glyph: "limit",
    find: ({ nodes, at }) => nodes.filter((each) => isUp(each) && each.p99 >= FSYNC_LIMIT_MS && at - each.slowSince >= FSYNC_SLOW_MS).map((each) => ({ id: each.id, label: each.short, value: each.p99 })),
    one: ({ label, value }, { is }) => twice(`${spokenName(label)}'s fsync p99 ${is} ${formatMs(value)}`),
    many: (items, { is }) => twice(`the fsync p99 of ${formatCount(items.length)} nodes ${is} up to ${formatMs(highest(items).value)}`),
  },
];
const NODE_KINDS = new Set(["dead", "suspect", "nodata", "pressure", "stall", "fsync"]);

/** @param {object} model of `verdict.js` @returns {object[]} clauses, worst first; none: all is well, as far as is known */
export function clausesOf(model) {
  const past = !model.isLive || model.staleSince !== undefined;
  const speak = (node) => spokenName(model.nodes.find((each) => each.id === node)?.short ?? `N${node}`);
  const told = new Set();
  const clauses = [];
  for (const [rank, { kind, glyph, find, one, many }] of KINDS.entries()) {
    let items = find(model);
    if (NODE_KINDS.has(kind)) {
      items = items.filter((each) => !told.has(each.id));
      for (const { id } of items) told.add(id);
    }
    if (!items.length) continue;
    const tense = tenseOf(items, model.at, past);
    const [first, short] = items.length === 1 ? one(items[0], tense, speak) : many(items, tense, speak);
    clauses.push({ kind, subject: items.length === 1 ? String(items[0].id) : "several", rank, glyph, first, short });
  }
  return clauses;
}

/** The words that depend on when: a sentence about the past, and how long its items have lasted at `at`. */
function tenseOf(items, at, past) {
  const known = items.filter((each) => Number.isFinite(each.since));
  const lasted = known.map((each) => at - each.since);
  const longest = Math.max(...lasted);
  const isWhole = known.length === items.length && longest >= SECOND_MS;
  const isAtLeast = known.some((each) => each.isAtLeast);
  const isSame = formatDuration(longest) === formatDuration(Math.min(...lasted));
  const howLong = () => {
    if (!isAtLeast) return ` for ${isSame ? "" : "up to "}${formatDuration(longest)}`;
    return `${items.length > 1 ? ", one of them" : ""} for at least ${formatDuration(longest)}`;
  };
  const lasting = (long, short) => [isWhole ? long + howLong() : short, short];
  const newest = Math.min(...lasted);
  const ago = newest < SECOND_MS ? `just ${past ? "before" : "now"}` : `${formatAge(newest)} ${past ? "before" : "ago"}`;
  const [is, are, has, have] = past ? ["was", "were", "had", "had"] : ["is", "are", "has", "have"];
  return { past, is, are, has, have, lasting, ago };
}

const timed = ({ id, short, since, isAtLeast }) => ({ id, label: short, since, isAtLeast });
const isUp = ({ status }) => status === "alive" || status === "connected" || status === "suspect";
const highest = (items) => items.reduce((best, each) => (each.value > best.value ? each : best));
const rising = (moving) => (moving > 0 ? " and rising" : "");
const twice = (text) => [text, text];
const withTail = (text, tail) => [text + tail, text];
const unstopped = (text) => text.replace(/\.$/, "");
