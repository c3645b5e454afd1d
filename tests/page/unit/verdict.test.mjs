import assert from "node:assert/strict";
import { test } from "node:test";

// Before the first Date is made: sentences of the past name the hour.
process.env.TZ = "UTC";

const { verdict } = await import("../../../vizd/web/static/verdict.js");

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const NOW = Date.UTC(2026, 10, 23, 12, 7, 11);
const OLDEST = Date.UTC(2026, 10, 23, 11, 7, 0);
const ago = (seconds, at = NOW) => at - seconds * SECOND;

/** Nodes 1 to `count`, all alive, except as `others` says by id. */
const nodes = (count, others = {}) =>
  Array.from({ length: count }, (_, index) => ({ id: index + 1, name: `node-${index + 1}`, short: `N${index + 1}`, status: "alive", since: OLDEST, pressure: 0.3, limit: 0.7, moving: 0, p99: 3, losses: [], ...others[index + 1] }));

/** Shards 0 to `count` - 1, all led, except as `others` says by id. */
const shards = (count, others = {}) => Array.from({ length: count }, (_, id) => ({ id, leader: 1, since: OLDEST, ...others[id] }));

/** A live model of a cluster in which all is well, except as `others` says. */
const model = (others = {}) => ({ at: NOW, now: NOW, isLive: true, link: "open", nodes: nodes(5), shards: shards(24), hasSwim: true, findings: [], oldest: OLDEST, holes: [], daemon: {}, ...others });

/** The same of an instant that is gone. */
const past = (others = {}) => model({ isLive: false, now: NOW + 40 * MINUTE, ...others });

const leaderless = (seconds) => ({ leader: null, since: ago(seconds) });
const suspect = (seconds = 12) => ({ status: "suspect", since: ago(seconds) });
const dead = (seconds = 20) => ({ status: "dead", since: ago(seconds) });
const nodata = (seconds = 41) => ({ status: "nodata", since: ago(seconds) });
const pressed = (pressure = 0.83, moving = 1) => ({ pressure, moving });
const stalled = (seconds = 12) => ({ stall: { from: ago(seconds) } });
const slow = (p99 = 328, seconds = 12) => ({ p99, slowSince: ago(seconds) });
const connected = (count) => nodes(count, Object.fromEntries(Array.from({ length: count }, (_, index) => [index + 1, { status: "connected" }])));
const AT = Date.UTC(2026, 10, 23, 11, 26, 31);

/** The sentences of the design, word for word. */
const DESIGN = [
  [
    model({ nodes: nodes(5, { 2: { ...suspect(), ...slow() }, 3: { ...pressed(), ...stalled() } }), shards: shards(24, { 7: leaderless(4) }) }),
    "Shard 7 has had no leader for 4 s, node 2 is suspect, and node 3's write pressure is 0.83 and rising.",
  ],
  [
    model({ nodes: nodes(100, { 17: suspect(), 30: nodata(700), 41: pressed(), 72: dead(520) }), shards: shards(1024, { 7: leaderless(11), 390: leaderless(2), 771: leaderless(9) }) }),
    "3 shards have had no leader for up to 11 s, node 72 is dead, node 17 is suspect, and 2 more.",
  ],
  [model({ nodes: nodes(5, { 4: nodata() }) }), "Node 4 has sent no data for 41 s."],
  [model({ nodes: nodes(5, { 1: { cutAt: ago(130) } }) }), "Node 1 cut a corrupt WAL tail 2 min ago."],
  [model({ lastChange: { at: Date.UTC(2026, 10, 23, 11, 25), type: "Raft", shard: 9, leader: 3, before: 1 } }), "All 5 nodes are up and all 24 shards have a leader, for 42 min."],
  [model({ nodes: connected(5), hasSwim: false }), "All 5 nodes are connected and 24 shards have elected a leader. Nothing reports membership."],
  [
    past({
      at: AT,
      nodes: nodes(5, { 5: { status: "dead", since: AT - 20 * SECOND } }),
      shards: shards(24, { 7: { leader: 2, before: 5, since: AT - 14_893 }, 13: { leader: 3, before: 5, since: AT - 13_788 } }),
    }),
    "At 11:26:31 node 5 had been dead for 20 s; its 2 shards had new leaders after 6 s.",
  ],
  [
    model({ now: NOW + 41 * SECOND, staleSince: NOW, nodes: nodes(5, { 3: pressed(0.79) }) }),
    "This page has had no data for 41 s. Before that, node 3's write pressure was 0.79 and rising.",
  ],
];

const one = (what) => ({ nodes: nodes(5, { 3: what }) });
const three = (what, other = what, another = what) => ({ nodes: nodes(5, { 2: what, 3: other, 4: another }) });
const finding = (rule, subject, id = "f1") => ({ id, rule, subject });

/** What is given, and what is said of it live and of the past. */
const TENSES = [
  [{ daemon: { reasons: ["the log can't store: disk full."] } }, "The daemon is degraded: the log can't store: disk full.", "At 12:07:11 the daemon was degraded: the log can't store: disk full."],
  [{ daemon: { reasons: ["a", "b"] } }, "The daemon is degraded: a and b.", "At 12:07:11 the daemon was degraded: a and b."],
  [{ findings: [finding("two-leaders", { shard: 7, term: 19 })] }, "Shard 7 has two leaders in one term.", "At 12:07:11 shard 7 had two leaders in one term."],
  [{ findings: [finding("two-leaders", { shard: 7 }), finding("two-leaders", { shard: 8 }, "f2")] }, "Shard 7 has two leaders in one term, with 1 more such.", "At 12:07:11 shard 7 had two leaders in one term, with 1 more such."],
  [{ findings: [finding("term-back", { shard: 7 })] }, "Shard 7's term went back.", "At 12:07:11 shard 7's term had gone back."],
  [{ findings: [finding("two-processes", { node: 3 })] }, "Two processes publish as node 3.", "At 12:07:11 two processes published as node 3."],
  [{ findings: [finding("two-processes", { node: 4294967295 })] }, "Two processes publish as node 4294967295.", "At 12:07:11 two processes published as node 4294967295."],
  [{ findings: [finding("cutover-without-snapshot", { shard: 7 })] }, "Shard 7 cut over without a snapshot.", "At 12:07:11 shard 7 had cut over without a snapshot."],
  [{ shards: shards(24, { 7: leaderless(4) }) }, "Shard 7 has had no leader for 4 s.", "At 12:07:11 shard 7 had had no leader for 4 s."],
  [{ shards: shards(24, { 7: leaderless(0.4) }) }, "Shard 7 has no leader.", "At 12:07:11 shard 7 had no leader."],
  [{ shards: shards(24, { 7: { leader: null, since: undefined } }) }, "Shard 7 has no leader.", "At 12:07:11 shard 7 had no leader."],
  [{ shards: shards(24, { 7: { ...leaderless(44), isAtLeast: true } }) }, "Shard 7 has had no leader for at least 44 s.", "At 12:07:11 shard 7 had had no leader for at least 44 s."],
  [{ shards: shards(24, { 7: leaderless(4), 9: leaderless(4) }) }, "2 shards have had no leader for 4 s.", "At 12:07:11 2 shards had had no leader for 4 s."],
  [{ shards: shards(24, { 7: leaderless(4), 9: { ...leaderless(85), isAtLeast: true } }) }, "2 shards have had no leader, one of them for at least 1 min 25 s.", "At 12:07:11 2 shards had had no leader, one of them for at least 1 min 25 s."],
  [{ shards: shards(24, { 7: leaderless(4), 9: { leader: null, since: undefined } }) }, "2 shards have no leader.", "At 12:07:11 2 shards had no leader."],
  [one({ cutAt: ago(130) }), "Node 3 cut a corrupt WAL tail 2 min ago.", "At 12:07:11 node 3 had cut a corrupt WAL tail 2 min before."],
  [one({ cutAt: NOW }), "Node 3 cut a corrupt WAL tail just now.", "At 12:07:11 node 3 had cut a corrupt WAL tail just before."],
  [three({ cutAt: ago(130) }, { cutAt: ago(5) }), "3 nodes cut corrupt WAL tails, the last one 5 s ago.", "At 12:07:11 3 nodes had cut corrupt WAL tails, the last one 5 s before."],
  [one(dead(520)), "Node 3 has been dead for 8 min 40 s.", "At 12:07:11 node 3 had been dead for 8 min 40 s."],
  [one({ status: "dead", since: undefined }), "Node 3 is dead.", "At 12:07:11 node 3 was dead."],
  [three(dead(20), dead(520)), "3 nodes have been dead for up to 8 min 40 s.", "At 12:07:11 3 nodes had been dead for up to 8 min 40 s."],
  [one(suspect()), "Node 3 has been suspect for 12 s.", "At 12:07:11 node 3 had been suspect for 12 s."],
  [three(suspect(12), suspect(2)), "3 nodes have been suspect for up to 12 s.", "At 12:07:11 3 nodes had been suspect for up to 12 s."],
  [one(nodata()), "Node 3 has sent no data for 41 s.", "At 12:07:11 node 3 had sent no data for 41 s."],
  [one({ status: "nodata", since: undefined }), "Node 3 sends no data.", "At 12:07:11 node 3 sent no data."],
  [three(nodata(41), nodata(700)), "3 nodes have sent no data for up to 11 min 40 s.", "At 12:07:11 3 nodes had sent no data for up to 11 min 40 s."],
  [one(pressed(0.83, 0)), "Node 3's write pressure is 0.83.", "At 12:07:11 node 3's write pressure was 0.83."],
  [one(pressed(0.83, -1)), "Node 3's write pressure is 0.83.", "At 12:07:11 node 3's write pressure was 0.83."],
  [three(pressed(0.75, 1), pressed(0.91, 0)), "The write pressure of 3 nodes is up to 0.91.", "At 12:07:11 the write pressure of 3 nodes was up to 0.91."],
  [three(pressed(0.75, 0), pressed(0.91, 1)), "The write pressure of 3 nodes is up to 0.91 and rising.", "At 12:07:11 the write pressure of 3 nodes was up to 0.91 and rising."],
  [one(stalled()), "Node 3 has had an L0 stall for 12 s.", "At 12:07:11 node 3 had had an L0 stall for 12 s."],
  [one(stalled(0.2)), "Node 3 has an L0 stall.", "At 12:07:11 node 3 had an L0 stall."],
  [three(stalled(12), stalled(3)), "3 nodes have had L0 stalls for up to 12 s.", "At 12:07:11 3 nodes had had L0 stalls for up to 12 s."],
  [one(slow()), "Node 3's fsync p99 is 328 ms.", "At 12:07:11 node 3's fsync p99 was 328 ms."],
  [three(slow(120), slow(328)), "The fsync p99 of 3 nodes is up to 328 ms.", "At 12:07:11 the fsync p99 of 3 nodes was up to 328 ms."],
  [{ oldest: undefined }, "All 5 nodes are up and all 24 shards have a leader.", "At 12:07:11 all 5 nodes were up and all 24 shards had a leader."],
  [{}, "All 5 nodes are up and all 24 shards have a leader, for at least 1 h.", "At 12:07:11 all 5 nodes were up and all 24 shards had a leader, for at least 1 h."],
  [{ nodes: nodes(1), shards: shards(1), oldest: undefined }, "The only node is up and the only shard has a leader.", "At 12:07:11 the only node was up and the only shard had a leader."],
  [{ nodes: nodes(2), shards: shards(2), oldest: undefined }, "Both nodes are up and both shards have a leader.", "At 12:07:11 both nodes were up and both shards had a leader."],
  [{ shards: [], oldest: undefined }, "All 5 nodes are up.", "At 12:07:11 all 5 nodes were up."],
  [{ shards: shards(24, { 3: { leader: undefined } }), oldest: undefined }, "All 5 nodes are up and 23 of 24 shards are known to have a leader.", "At 12:07:11 all 5 nodes were up and 23 of 24 shards were known to have a leader."],
  [{ nodes: nodes(5, { 2: { status: "connected" } }), oldest: undefined }, "All 5 nodes are up and all 24 shards have a leader. Nothing reports membership of 1 of them.", "At 12:07:11 all 5 nodes were up and all 24 shards had a leader. Nothing reported membership of 1 of them."],
  [{ nodes: nodes(6, { 6: { status: "left" } }), oldest: undefined }, "All 5 nodes are up and all 24 shards have a leader.", "At 12:07:11 all 5 nodes were up and all 24 shards had a leader."],
  [{ nodes: connected(1), shards: shards(1), hasSwim: false }, "The only node is connected and 1 shard has elected a leader. Nothing reports membership.", "At 12:07:11 the only node was connected and 1 shard had elected a leader. Nothing reported membership."],
  [{ nodes: connected(3), shards: [], hasSwim: false }, "All 3 nodes are connected. Nothing reports membership.", "At 12:07:11 all 3 nodes were connected. Nothing reported membership."],
  [{ nodes: nodes(2, { 1: { status: "left" }, 2: { status: "left" } }) }, "Every node has left.", "At 12:07:11 every node had left."],
  [{ nodes: [], shards: [] }, "No node has connected yet. The daemon is ready and listening.", "At 12:07:11 no node had connected yet."],
];

const LIVE = [
  ["two clauses", one(suspect()), { shards: shards(24, { 7: leaderless(4) }) }, "Shard 7 has had no leader for 4 s, and node 3 is suspect."],
  ["a name that is no number", { nodes: [{ ...nodes(1)[0], short: "<b>eu</b>", ...suspect() }] }, {}, "Node <b>eu</b> has been suspect for 12 s."],
  ["one shard of a dead node", one(dead()), { shards: shards(24, { 7: { leader: 2, before: 3, since: ago(14) } }) }, "Node 3 has been dead for 20 s; its shard had a new leader after 6 s."],
  ["a very quick election", one(dead()), { shards: shards(24, { 7: { leader: 2, before: 3, since: ago(19.6) } }) }, "Node 3 has been dead for 20 s; its shard had a new leader after 0.4 s."],
  ["a dead node that led nothing then", one(dead()), { shards: shards(24, { 7: { leader: 2, before: 3, since: ago(60) } }) }, "Node 3 has been dead for 20 s."],
  ["a WAL that was cut long ago", one({ cutAt: ago(901) }), { oldest: undefined }, "All 5 nodes are up and all 24 shards have a leader."],
  ["an fsync that is slow for 9 s", one(slow(328, 9)), { oldest: undefined }, "All 5 nodes are up and all 24 shards have a leader."],
  ["a p99 of 99 ms", one(slow(99, 60)), { oldest: undefined }, "All 5 nodes are up and all 24 shards have a leader."],
  ["a pressure at its limit", one(pressed(0.7)), { oldest: undefined }, "All 5 nodes are up and all 24 shards have a leader."],
  ["a pressure without a limit", one({ pressure: 0.9, limit: undefined }), { oldest: undefined }, "All 5 nodes are up and all 24 shards have a leader."],
  ["unknown numbers", one({ pressure: NaN, p99: NaN, cutAt: undefined }), { oldest: undefined }, "All 5 nodes are up and all 24 shards have a leader."],
  ["the last readings of a dead node", one({ ...dead(), ...pressed(), ...stalled(), ...slow() }), {}, "Node 3 has been dead for 20 s."],
  ["a dead node whose WAL was cut", one({ ...dead(), cutAt: ago(130) }), {}, "Node 3 cut a corrupt WAL tail 2 min ago, and node 3 is dead."],
  ["a degraded daemon without nodes", { nodes: [], shards: [] }, { daemon: { reasons: ["x"] } }, "The daemon is degraded: x."],
  ["rules that have no place here", { findings: [finding("write-pressure", { node: 3 }), finding("of-tomorrow", {})] }, { oldest: undefined }, "All 5 nodes are up and all 24 shards have a leader."],
];

const STALE = [
  [{}, " Before that, all 5 nodes were up and all 24 shards had a leader, for at least 1 h."],
  [{ oldest: undefined }, " Before that, all 5 nodes were up and all 24 shards had a leader."],
  [{ nodes: [], shards: [] }, " Before that, no node had connected yet."],
  [{ nodes: connected(5), hasSwim: false }, " Before that, all 5 nodes were connected and 24 shards had elected a leader. Nothing reported membership."],
  [{ ...one(suspect()), shards: shards(24, { 7: leaderless(4) }) }, " Before that, shard 7 had had no leader for 4 s, and node 3 was suspect."],
  [{ ...one(suspect()), isLive: false }, " At 12:07:11 node 3 had been suspect for 12 s."],
];

for (const [given, text] of DESIGN) test(text, () => assert.equal(verdict(given).text, text));
for (const [given, live, gone] of TENSES) {
  test(live, () => assert.equal(verdict(model(given)).text, live));
  test(gone, () => assert.equal(verdict(past(given)).text, gone));
}
for (const [what, given, others, text] of LIVE) test(`${what}: ${text}`, () => assert.equal(verdict(model({ ...given, ...others })).text, text));
for (const [given, rest] of STALE) {
  test(`no data for 41 s.${rest}`, () => {
    const said = verdict(model({ now: NOW + 41 * SECOND, staleSince: NOW, ...given }));
    assert.deepEqual([said.glyph, said.kind, said.first, said.rest], ["nodata", "stale", "This page has had no data for 41 s.", rest]);
  });
}

test("every kind of trouble has its place, and comes before the next", () => {
  const worst = { daemon: { reasons: ["x"] }, findings: [finding("two-leaders", { shard: 1 }), finding("two-processes", { node: 1 })], shards: shards(9, { 7: leaderless(4) }) };
  const said = verdict(model({ ...worst, nodes: nodes(9, { 1: { cutAt: NOW }, 2: dead(), 3: suspect(), 4: nodata(), 5: pressed(), 6: stalled(), 7: slow() }) }));
  assert.deepEqual(said.clauses.map((each) => each.kind), ["degraded", "two-leaders", "two-processes", "noleader", "cut", "dead", "suspect", "nodata", "pressure", "stall", "fsync"]);
  assert.deepEqual(said.clauses.map((each) => each.glyph), ["suspect", "noleader", "noleader", "noleader", "noleader", "dead", "suspect", "nodata", "limit", "limit", "limit"]);
  assert.equal(said.text, "The daemon is degraded: x, shard 1 has two leaders in one term, two processes publish as node 1, and 8 more.");
  assert.equal(said.more, 8);
});

test("what follows is said short, live and of the past", () => {
  const short = (make) => verdict(make({ daemon: { reasons: ["x"] }, shards: shards(9, { 7: leaderless(4), 8: leaderless(5) }), nodes: nodes(9, { 1: { cutAt: NOW }, 2: dead(), 3: suspect(), 4: nodata(), 5: pressed(), 6: stalled(), 7: slow() }) })).clauses.map((each) => each.short);
  assert.deepEqual(short(model), ["the daemon is degraded", "2 shards have no leader", "node 1 cut a corrupt WAL tail", "node 2 is dead", "node 3 is suspect", "node 4 sends no data", "node 5's write pressure is 0.83 and rising", "node 6 has an L0 stall", "node 7's fsync p99 is 328 ms"]);
  assert.deepEqual(short(past), ["the daemon was degraded", "2 shards had no leader", "node 1 had cut a corrupt WAL tail", "node 2 was dead", "node 3 was suspect", "node 4 sent no data", "node 5's write pressure was 0.83 and rising", "node 6 had an L0 stall", "node 7's fsync p99 was 328 ms"]);
});

test("a node with several troubles is in one clause", () => {
  const said = verdict(model(one({ ...suspect(), ...pressed(), ...stalled(), ...slow() })));
  assert.deepEqual(said.clauses.map((each) => [each.kind, each.subject]), [["suspect", "3"]]);
});

test("a clause that is only kept says nothing of what came after", () => {
  const kept = verdict(model({ nodes: nodes(5, { 5: dead() }) })).clauses;
  const recovered = shards(24, { 7: { leader: 2, before: 5, since: ago(1) } });
  assert.equal(verdict(model({ nodes: nodes(5, { 5: { since: ago(2) } }), shards: recovered }), kept).text, "Node 5 has been dead for 20 s.");
});

test("the worst is in bold, the rest is not", () => {
  const said = verdict(DESIGN[0][0]);
  assert.deepEqual([said.glyph, said.first, said.more], ["noleader", "Shard 7 has had no leader for 4 s", 0]);
  assert.deepEqual([verdict(DESIGN[4][0]).first, verdict(DESIGN[4][0]).rest], ["All 5 nodes are up and all 24 shards have a leader", ", for 42 min."]);
  assert.deepEqual([verdict(DESIGN[2][0]).first, verdict(DESIGN[2][0]).rest], ["Node 4 has sent no data for 41 s.", ""]);
});

test("the title is the first clause", () => {
  assert.equal(verdict(DESIGN[0][0]).title, "Shard 7 has had no leader for 4 s - NoriKV");
  assert.equal(verdict(DESIGN[2][0]).title, "Node 4 has sent no data for 41 s - NoriKV");
});

/** The second line in one string; what must be seen stands in brackets. */
const second = (given) => verdict(given).second.map(([kind, text]) => (kind === "text" ? `[${text}]` : text)).join("").replaceAll("\u2002", "  ");
const clock = (hours, minutes, seconds = 0) => Date.UTC(2026, 10, 23, hours, minutes, seconds);
const hole = { node: 4, from: clock(12, 3, 20), to: clock(12, 4, 1) };
const loss = { from_ms: clock(12, 2, 49), to_ms: clock(12, 2, 50), events: 312 };
const many = { 17: suspect(), 30: nodata(700), 41: pressed(), 72: dead(520) };
const change = (what) => model({ lastChange: { at: clock(11, 25), ...what } });

const SECOND_LINES = [
  [
    model({ nodes: nodes(5, { 1: { losses: [loss] }, 2: suspect(), 3: pressed() }), shards: shards(24, { 7: leaderless(4) }), holes: [hole] }),
    "5 nodes, 1 suspect  ·  23 of 24 shards led  ·  complete since 11:07[ except N4 12:03:20–12:04:01, and 312 events lost at N1 12:02:49]",
  ],
  [
    model({ nodes: nodes(100, many), shards: shards(1024, { 7: leaderless(11), 390: leaderless(2), 771: leaderless(9) }), holes: [{ node: 30, from: 0, to: Infinity }, { node: 31, from: 0, to: 1 }] }),
    "100 nodes, 97 alive, 1 suspect, 1 dead, 1 without data  ·  1,021 of 1,024 shards led  ·  complete since 11:07[ except N30, N31]",
  ],
  [change({ type: "Raft", shard: 9, leader: 3, before: 1 }), "last change 11:25:00, shard 9 from N1 to N3  ·  complete since 11:07"],
  [change({ type: "Raft", shard: 9, leader: 3, before: undefined }), "last change 11:25:00, shard 9 led by N3  ·  complete since 11:07"],
  [change({ type: "Raft", shard: 9, leader: 77, before: 3 }), "last change 11:25:00, shard 9 from N3 to N77  ·  complete since 11:07"],
  [change({ type: "Raft", shard: 9, leader: null, before: 3 }), "last change 11:25:00, shard 9 lost its leader  ·  complete since 11:07"],
  [change({ type: "Swim", node: 5, status: "alive", before: "dead" }), "last change 11:25:00, N5 alive  ·  complete since 11:07"],
  [change({ type: "Shard", shard: 9, kind: "Plan" }), "last change 11:25:00, shard 9 moves  ·  complete since 11:07"],
  [change({ type: "Shard", shard: 9, kind: "Cutover" }), "last change 11:25:00, shard 9 moved  ·  complete since 11:07"],
  [model(), "complete since 11:07"],
  [model({ oldest: undefined }), ""],
  [DESIGN[6][0], "4 of 5 nodes alive  ·  24 of 24 shards led again at 11:26:17  ·  data of this moment is complete"],
  [past({ holes: [hole] }), "5 of 5 nodes alive  ·  24 of 24 shards led  ·  data of this moment is complete"],
  [past({ at: hole.from, holes: [hole] }), "5 of 5 nodes alive  ·  24 of 24 shards led  ·  [data of this moment is complete except N4]"],
  [past({ at: loss.from_ms, nodes: nodes(5, { 1: { losses: [loss] } }) }), "5 of 5 nodes alive  ·  24 of 24 shards led  ·  [data of this moment is complete except 312 events lost at N1 12:02:49]"],
  [past({ at: loss.to_ms, nodes: nodes(5, { 1: { losses: [loss] } }) }), "5 of 5 nodes alive  ·  24 of 24 shards led  ·  data of this moment is complete"],
  [model({ nodes: nodes(5, { 1: { losses: [{ from_ms: OLDEST - 2, to_ms: OLDEST - 1, events: 9 }] } }) }), "complete since 11:07"],
  [past({ nodes: nodes(5, { 2: suspect(), 3: dead() }) }), "5 nodes, 3 alive, 1 suspect, 1 dead  ·  24 of 24 shards led  ·  data of this moment is complete"],
  [past({ nodes: connected(1), hasSwim: false, shards: [] }), "1 of 1 node connected  ·  data of this moment is complete"],
  [model({ nodes: [...connected(4), { ...nodes(5)[4], ...nodata() }], hasSwim: false, shards: [] }), "5 nodes, 4 connected, 1 without data  ·  complete since 11:07"],
  [model({ nodes: nodes(6, { 3: suspect(), 6: { status: "left" } }), shards: [] }), "5 nodes, 1 suspect  ·  complete since 11:07"],
  [model({ holes: [{ ...hole, to: Infinity }] }), "complete since 11:07[ except N4 since 12:03:20]"],
  [model({ holes: [1, 2, 3, 4, 5].map((node) => ({ ...hole, node })) }), "complete since 11:07[ except N1, N2, N3 and 2 more]"],
  [model({ nodes: nodes(5, { 1: { losses: [{ ...loss, events: 1 }] } }) }), "complete since 11:07[ except 1 event lost at N1 12:02:49]"],
  [model({ nodes: nodes(5, { 1: { losses: [loss, loss] } }) }), "complete since 11:07[ except 624 events lost at N1]"],
  [model({ nodes: nodes(5, { 1: { losses: [loss] }, 2: { losses: [loss] } }) }), "complete since 11:07[ except 624 events lost at 2 nodes]"],
  [
    model({ staleSince: clock(12, 6, 30), daemon: { address: "127.0.0.1:9090", tries: 4, nextTryMs: 3_000 } }),
    "last event 12:06:30  ·  the daemon at 127.0.0.1:9090 doesn't answer  ·  4th try in 3 s",
  ],
  [model({ staleSince: clock(12, 6, 30) }), "last event 12:06:30  ·  the daemon doesn't answer"],
  [model({ nodes: [], shards: [], daemon: { upMs: 134_000, grpc: "127.0.0.1:9091", events: 0 } }), "up for 2 min 14 s  ·  gRPC 127.0.0.1:9091  ·  0 events"],
  [past({ nodes: [], shards: [] }), ""],
  [model({ link: "token", daemon: { address: "127.0.0.1:9090" } }), "the daemon at 127.0.0.1:9090"],
];
for (const [given, line] of SECOND_LINES) test(`second line: ${line || "nothing"}`, () => assert.equal(second(given), line));

test("the tries are counted as people do", () => {
  const tries = (count) => second(model({ staleSince: NOW, daemon: { tries: count, nextTryMs: 3_000 } })).split("  ·  ").pop();
  assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map((count) => tries(count).split(" ")[0]), ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]);
});

test("before there is a state, and where a token is asked for, the page says so", () => {
  assert.equal(verdict(model({ link: "connecting", nodes: [] })).text, "Connecting to the daemon.");
  assert.equal(verdict(model({ link: "token", nodes: [] })).text, "This daemon asks for a token.");
});

test("a sentence never holds undefined, NaN or two stops", () => {
  const all = [...DESIGN.map(([given]) => given), ...TENSES.flatMap(([given]) => [model(given), past(given), model({ ...given, staleSince: NOW, now: NOW + 2_000 })])];
  for (const given of all) {
    const { text, second } = verdict(given);
    const whole = text + second.map(([, piece]) => piece).join("");
    assert.doesNotMatch(whole, /undefined|NaN|null|Infinity|\.\./);
    assert.match(text, /^[A-Z0-9].*[a-z0-9]\.$/);
  }
});
