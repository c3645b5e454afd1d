import assert from "node:assert/strict";
import { test } from "node:test";

import { describe } from "../../../vizd/web/static/describe.js";
import { EventList } from "../../../vizd/web/static/eventlist.js";
import { DEFAULT_TYPES, parseFilter } from "../../../vizd/web/static/filter.js";
import { Findings, titled } from "../../../vizd/web/static/findings.js";
import { Time } from "../../../vizd/web/static/time.js";
import { readUrl, writeUrl } from "../../../vizd/web/static/url.js";
import { asked, compaction, elected, granted, lsm, moved, stall, steppedDown, swim } from "./said.mjs";

const short = (node) => `N${node}`;

test("events are said in a few words", () => {
  const words = (event) => {
    const { type, subject, text, value } = describe(event, short);
    return [type, subject, text, value].filter(Boolean).join(" | ");
  };
  assert.equal(words(asked(7, 19, 5)), "Raft | s7 | N5 asks for votes | term 19");
  assert.equal(words(elected(11, 22, 1)), "Raft | s11 | N1 elected | term 22");
  assert.equal(words(steppedDown(7, 17, 2)), "Raft | s7 | N2 steps down | term 17");
  assert.equal(words(swim(5, "Confirm")), "Swim | N5 | confirmed dead");
  assert.equal(words(moved(17, "SnapshotStart")), "Shard | s17 | snapshot started");
  assert.equal(words(stall(3, 15)), "Lsm | N3 | L0 stall, 15 files");
  assert.equal(words(lsm(3, { kind: "FlushComplete", bytes: 64e6 })), "Lsm | N3 | flush done | 64 MB");
  assert.equal(words(compaction(3, 0, { kind: "Progress", pct: 62 })), "Comp | N3 | L0→L1 62 %");
  assert.equal(words(compaction(1, 2, { kind: "Finish", in_bytes: 212e6, out_bytes: 198e6 })), "Comp | N1 | L2→L3 done | 212→198 MB");
});

test("a kind that is not known yet is told by its name", () => {
  const newer = { ts: 0, node: 1, event: { type: "Lsm", data: { node: 1, kind: { kind: "Reticulated" } } } };
  assert.equal(describe(newer, short).text, "Reticulated");
  assert.equal(describe({ ts: 0, node: 1, event: { type: "Spline", data: {} } }, short).type, "Spline");
});

test("repeats of one key are one row with a count, at the newest time", () => {
  const list = new EventList(short);
  for (let at = 0; at < 1_204; at++) list.add(stall(3, 15), at);
  list.add(swim(2, "Suspect"), 600);
  assert.deepEqual(list.shown(Infinity, 9).map(({ at, count, text }) => [at, count, text]), [[1_203, 1_204, "L0 stall, 15 files"], [600, 1, "suspect"]]);
});

test("a repeat much later is a row of its own", () => {
  const list = new EventList(short);
  list.add(stall(3), 0);
  list.add(stall(3), 60_000);
  assert.equal(list.shown(Infinity, 9).length, 2);
});

test("votes for one candidate are one row that names who gave them", () => {
  const list = new EventList(short);
  list.add(granted(2, 31, 1, 2), 0);
  list.add(granted(2, 31, 3, 2), 1);
  assert.deepEqual(list.shown(Infinity, 9).map((each) => each.text), ["N1, N3 grant N2"]);
});

test("the list is bounded, and shows what was not after an instant", () => {
  const list = new EventList(short);
  for (let at = 0; at < 1_000; at++) list.add(elected(at, 1, 1), at);
  assert.ok(list.rows.length <= 300);
  assert.equal(list.shown(900, 1)[0].at, 900);
});

test("a filter's words are nodes by name, short name or number, and shards", () => {
  const nodes = [{ id: 3, name: "node-3", short: "N3" }, { id: 4_294_967_295, name: "<b>", short: "<b>" }];
  assert.deepEqual(parseFilter(" n3, s7 shard12 ", nodes), { nodes: [3], shards: [7, 12], unknown: [] });
  assert.deepEqual(parseFilter("<b> 4294967295", nodes).nodes, [4_294_967_295, 4_294_967_295]);
  assert.deepEqual(parseFilter("nobody", nodes), { nodes: [], shards: [], unknown: ["nobody"] });
});

test("an address tells the same page again", () => {
  const state = { at: 1_765_000_000_000, minutes: 15, node: 4_294_967_295, shard: 7, types: ["raft", "wal"], text: "N3 s7" };
  assert.deepEqual(readUrl(writeUrl(state)), state);
  assert.equal(writeUrl({ minutes: 5, types: DEFAULT_TYPES }), "");
  assert.deepEqual(readUrl("?at=x&window=7&node=-1"), readUrl(""));
});

const finding = (id, first_ms, more = {}) => ({ id, rule: "node-dead", severity: "critical", subject: { node: 2 }, first_ms, last_ms: first_ms, open: true, ...more });

test("open findings are worst first, and at an instant those that held then", () => {
  const findings = new Findings();
  findings.take({ findings: [finding("a", 10, { severity: "warning" }), finding("b", 20), finding("c", 5, { open: false, last_ms: 15 })], no_data: [] });
  assert.deepEqual(findings.at(30, true).open.map((each) => each.id), ["b", "a"]);
  assert.deepEqual(findings.at(30, true).ended.map((each) => each.id), ["c"]);
  assert.deepEqual(new Set(findings.at(12, false).open.map((each) => each.id)), new Set(["a", "c"]));
});

test("a newer version of a finding takes its place", () => {
  const findings = new Findings();
  findings.update(finding("a", 10));
  findings.update(finding("a", 10, { open: false, last_ms: 20 }));
  assert.equal(findings.at(30, true).open.length, 0);
});

test("a rule that the page does not know is told by its name", () => {
  assert.equal(titled(finding("a", 1), short).title, "N2 is dead");
  assert.equal(titled(finding("a", 1), short, true).title, "N2 was dead");
  assert.deepEqual(titled(finding("a", 1, { rule: "moon-too-full", severity: "warning", subject: { node: 2, shard: 7 } }), short), { glyph: "limit", title: "N2 s7: moon too full" });
});

test("an instant stands at four fifths of the window, and goes live at its head", () => {
  const time = new Time();
  time.tell(1_000_000_000, performance.now());
  assert.ok(time.isLive);
  time.goTo(time.now - 600_000);
  const [from, to] = time.range(800);
  assert.ok(Math.abs((time.instant - from) / (to - from) - 0.8) < 0.01);
  time.play(16);
  assert.ok(time.advance(1_000));
  assert.ok(!time.isLive);
  time.advance(600_000);
  assert.ok(time.isLive);
});

test("the daemon's clock counts, however far off the browser's is", () => {
  const time = new Time();
  time.tell(5_000, performance.now());
  assert.ok(Math.abs(time.now - 5_000) < 1_000);
  time.goTo(9_999_999);
  assert.ok(time.instant <= time.now);
});
