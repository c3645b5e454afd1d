import assert from "node:assert/strict";
import { test } from "node:test";

// Before the first Date is made: clocks are local, and these sentences are of one place.
process.env.TZ = "Europe/Berlin";

const numbers = await import("../../../vizd/web/static/numbers.js");

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A sentence a row: what a function writes for what it is given. */
function table(name, format, rows) {
  for (const [given, written] of rows) test(`${name} of ${given} is ${written}`, () => assert.equal(format(given), written));
}

table("the duration", numbers.formatDuration, [
  [0, "0 s"],
  [999, "0 s"],
  [4 * SECOND, "4 s"],
  [4_999, "4 s"],
  [59_999, "59 s"],
  [MINUTE, "1 min"],
  [85 * SECOND, "1 min 25 s"],
  [8 * MINUTE + 40 * SECOND, "8 min 40 s"],
  [HOUR - 1, "59 min 59 s"],
  [HOUR, "1 h"],
  [2 * HOUR + 5 * MINUTE + 59 * SECOND, "2 h 5 min"],
  [24 * HOUR, "1 d"],
  [76 * HOUR, "3 d 4 h"],
  [-1, "0 s"],
]);

table("the duration in details", numbers.formatExactDuration, [
  [5_107, "5.1 s"],
  [400, "0.4 s"],
  [5_000, "5.0 s"],
  [9_999, "9.9 s"],
  [10_000, "10 s"],
  [85_000, "1 min 25 s"],
  [-1, "0.0 s"],
]);

table("the age", numbers.formatAge, [
  [41 * SECOND, "41 s"],
  [42 * MINUTE + 11 * SECOND, "42 min"],
  [HOUR + 59 * SECOND, "1 h"],
  [2 * HOUR + 5 * MINUTE, "2 h 5 min"],
]);

table("the clock", numbers.formatClock, [
  [Date.UTC(2026, 10, 23, 11, 7, 11, 204), "12:07:11"],
  [Date.UTC(2026, 10, 23, 22, 59, 59, 999), "23:59:59"],
  [Date.UTC(2026, 10, 23, 23, 0, 0), "00:00:00"],
  [Date.UTC(2026, 6, 1, 10, 0, 0), "12:00:00"],
]);

table("the clock of an event", numbers.formatEventClock, [
  [Date.UTC(2026, 10, 23, 11, 7, 11, 204), "12:07:11.204"],
  [Date.UTC(2026, 10, 23, 11, 7, 11, 4), "12:07:11.004"],
]);

table("the minute", numbers.formatMinute, [[Date.UTC(2026, 10, 23, 11, 7, 11), "12:07"]]);

test("the zone has its name and its place, in summer and in winter", () => {
  assert.equal(numbers.formatZone(Date.UTC(2026, 10, 23)), "Central European Standard Time, Europe/Berlin");
  assert.equal(numbers.formatZone(Date.UTC(2026, 6, 1)), "Central European Summer Time, Europe/Berlin");
});

table("the latency", numbers.formatMs, [
  [328, "328 ms"],
  [0, "0 ms"],
  [2.6, "3 ms"],
  [1_240, "1,240 ms"],
  [12_000, "12 s"],
]);

table("the ratio", numbers.formatRatio, [
  [0.83, "0.83"],
  [0, "0.00"],
  [1, "1.00"],
  [0.8999999761581421, "0.90"],
]);

table("the percentage", numbers.formatPercent, [
  [62, "62 %"],
  [0, "0 %"],
  [99.6, "100 %"],
]);

table("the size", numbers.formatBytes, [
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1 kB"],
  [64_000_000, "64 MB"],
  [63_600_000, "64 MB"],
  [1_240_000_000, "1.2 GB"],
  [9_960_000, "10 MB"],
  [999_600, "1 MB"],
  [2_000_000_000_000_000_000, "2,000 PB"],
]);

table("the count", numbers.formatCount, [
  [0, "0"],
  [1_240, "1,240"],
  [9_999, "9,999"],
  [10_000, "10k"],
  [218_400, "218k"],
  [999_600, "1M"],
  [1_200_000, "1.2M"],
  [12_345_678, "12M"],
  [1_200_000_000, "1.2G"],
]);

test("what is not known is a dash, whatever it is, and never 0", () => {
  const formats = Object.entries(numbers).filter(([name, each]) => typeof each === "function" && !["formatLowerBound", "formatZone"].includes(name));
  assert.equal(formats.length, 11);
  for (const [name, format] of formats) for (const unknown of [null, undefined, NaN, Infinity]) assert.equal(format(unknown), "–", `${name} of ${unknown}`);
});

test("a lower bound says so, and one of the unknown is unknown", () => {
  assert.equal(numbers.formatLowerBound(numbers.formatDuration(44 * SECOND)), "≥ 44 s");
  assert.equal(numbers.formatLowerBound(numbers.formatDuration(undefined)), "–");
});
