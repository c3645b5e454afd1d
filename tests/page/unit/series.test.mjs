import assert from "node:assert/strict";
import { test } from "node:test";

import { Series } from "../../../vizd/web/static/series.js";
import { timeline } from "./said.mjs";

const BASE = 1_765_000_000_000;

test("what an answer said can be read by step, and what it did not is not a number", () => {
  const series = new Series();
  series.take(timeline(BASE, 1_000, [10, null, 30], { 3: { p99: [4, null, 6] } }));
  const step = BASE / 1_000;
  assert.deepEqual([0, 1, 2, 3].map((by) => series.value(3, "p99", step + by)), [4, NaN, 6, NaN]);
  assert.deepEqual([0, 1, 2].map((by) => series.count(step + by)), [10, NaN, 30]);
  assert.equal(series.value(9, "p99", step), NaN);
});

test("the newest steps are written again, and nothing else changes", () => {
  const series = new Series();
  series.take(timeline(BASE, 1_000, [1, 2, 3]));
  series.take(timeline(BASE + 2_000, 1_000, [30, 4]));
  assert.deepEqual([0, 1, 2, 3].map((by) => series.count(BASE / 1_000 + by)), [1, 2, 30, 4]);
  assert.deepEqual(series.range, [BASE, BASE + 4_000]);
});

test("an answer of other steps, or of another time, replaces all", () => {
  const series = new Series();
  series.take(timeline(BASE, 1_000, [1, 2, 3]));
  series.take(timeline(BASE + 50_000, 1_000, [5]));
  assert.deepEqual(series.range, [BASE + 50_000, BASE + 51_000]);
  series.take(timeline(BASE, 5_000, [7]));
  assert.equal(series.stepMs, 5_000);
  assert.equal(series.count(BASE / 5_000), 7);
});

test("what slides out of the ring is forgotten, not read as something newer", () => {
  const series = new Series();
  for (let second = 0; second < 1_200; second += 10) series.take(timeline(BASE + second * 1_000, 1_000, Array(10).fill(second)));
  const step = BASE / 1_000;
  assert.equal(series.count(step + 1_195), 1_190);
  assert.equal(series.count(step + 100), NaN);
  assert.ok(series.range[1] - series.range[0] <= 512_000);
});

test("the last value holds for a while, then it is not known", () => {
  const series = new Series();
  series.take(timeline(BASE, 1_000, Array(60).fill(1), { 1: { pressure: [0.5, ...Array(59).fill(null)] } }));
  assert.equal(series.lastValue(1, "pressure", BASE + 10_000), 0.5);
  assert.equal(series.lastValue(1, "pressure", BASE + 40_000), NaN);
});

test("an empty answer changes nothing, and nothing is found in what is empty", () => {
  const series = new Series();
  series.take(timeline(null, 1_000, []));
  assert.equal(series.newest(BASE), -1);
  assert.equal(series.lastValue(1, "p99", BASE), NaN);
  assert.deepEqual(series.values(1, "p99", 0, BASE), []);
});
