/**
 * Round moments on a time axis, in local time.
 */
import { formatClock } from "./numbers.js";

const STEPS_MS = [10, 15, 30, 60, 120, 300, 600, 900, 1_800].map((seconds) => seconds * 1_000);

/** At most about `count` moments in [from, to], `{at, text}`: hours and minutes, with seconds where steps are shorter. */
export function ticks(from, to, count) {
  const step = STEPS_MS.find((each) => (to - from) / each <= count) ?? STEPS_MS[STEPS_MS.length - 1];
  // Zones are whole quarters of an hour off, so only the steps above need the local midnight; none here does.
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    found.push({ at, text: step % 60_000 ? formatClock(at) : formatClock(at).slice(0, 5) });
  }
  return found;
}
