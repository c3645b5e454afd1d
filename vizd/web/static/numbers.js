/**
 * Numbers, durations and moments as the page writes them. Pure; only the time zone comes from the machine.
 *
 * Every function takes a number, or null, undefined or NaN for what is not known: that is written `–`, never 0.
 * Durations are cut, not rounded: what has not lasted 5 s yet is not said to.
 */

/** What is not known. */
export const UNKNOWN = "–";

const SECOND_MS = 1_000;
const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

const isKnown = (value) => Number.isFinite(value);
const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `4 s`, `1 min 25 s`, `2 h 5 min`, `3 d 4 h`. @param {?number} ms below 0 (a clock that is off) counts as 0 */
export function formatDuration(ms) {
  if (!isKnown(ms)) return UNKNOWN;
  const seconds = Math.max(0, Math.floor(ms / SECOND_MS));
  if (seconds < MINUTE_S) return `${seconds} s`;
  if (seconds < HOUR_S) return inTwo(seconds, MINUTE_S, "min", 1, "s");
  if (seconds < DAY_S) return inTwo(seconds, HOUR_S, "h", MINUTE_S, "min");
  return inTwo(seconds, DAY_S, "d", HOUR_S, "h");
}

/** As `formatDuration`, with tenths under 10 s: `5.1 s`. For details. @param {?number} ms */
export function formatExactDuration(ms) {
  if (!isKnown(ms) || ms >= 10 * SECOND_MS) return formatDuration(ms);
  return `${(Math.max(0, Math.floor(ms / 100)) / 10).toFixed(1)} s`;
}

/** As `formatDuration`, in whole minutes from one minute on: `42 min`. For what nobody counts by the second. @param {?number} ms */
export function formatAge(ms) {
  if (!isKnown(ms) || ms < MINUTE_S * SECOND_MS) return formatDuration(ms);
  return formatDuration(Math.floor(ms / (MINUTE_S * SECOND_MS)) * MINUTE_S * SECOND_MS);
}

function inTwo(seconds, large, largeUnit, small, smallUnit) {
  const rest = Math.floor((seconds % large) / small);
  const first = `${grouped.format(Math.floor(seconds / large))} ${largeUnit}`;
  return rest ? `${first} ${rest} ${smallUnit}` : first;
}

/** `≥ 44 s`: what began before the first moment that is known. @param {string} text what one of the others wrote */
export const formatLowerBound = (text) => (text === UNKNOWN ? UNKNOWN : `≥ ${text}`);

/** `12:07:11`, local time, 24 h. @param {?number} ms since the Unix epoch */
export function formatClock(ms) {
  if (!isKnown(ms)) return UNKNOWN;
  const moment = new Date(ms);
  return [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map((each) => padded(each, 2)).join(":");
}

/** `12:07`. @param {?number} ms since the Unix epoch */
export const formatMinute = (ms) => formatClock(ms).slice(0, 5);

/** `12:07:11.204`. @param {?number} ms since the Unix epoch */
export function formatEventClock(ms) {
  return isKnown(ms) ? `${formatClock(ms)}.${padded(new Date(ms).getMilliseconds(), 3)}` : UNKNOWN;
}

/** `Central European Summer Time, Europe/Berlin`: the zone of all clocks, for a tooltip. @param {number} ms since the Unix epoch */
export function formatZone(ms) {
  const format = new Intl.DateTimeFormat("en-GB", { timeZoneName: "long" });
  const name = format.formatToParts(new Date(ms)).find((each) => each.type === "timeZoneName").value;
  return `${name}, ${format.resolvedOptions().timeZone}`;
}

const padded = (value, digits) => String(value).padStart(digits, "0");

/** `328 ms`, `1,240 ms`, and `12 s` from 10 s on. @param {?number} ms a latency */
export function formatMs(ms) {
  if (!isKnown(ms)) return UNKNOWN;
  return ms < 10 * SECOND_MS ? `${grouped.format(ms)} ms` : formatDuration(ms);
}

/** `0.83`. @param {?number} ratio */
export const formatRatio = (ratio) => (isKnown(ratio) ? ratio.toFixed(2) : UNKNOWN);

/** `62 %`. @param {?number} percent 0 to 100 */
export const formatPercent = (percent) => (isKnown(percent) ? `${Math.round(percent)} %` : UNKNOWN);

/** `64 MB`, `1.2 GB`: powers of 1000. @param {?number} bytes */
export function formatBytes(bytes) {
  if (!isKnown(bytes)) return UNKNOWN;
  const [text, unit] = scaled(bytes, ["B", "kB", "MB", "GB", "TB", "PB"]);
  return `${text} ${unit}`;
}

/** `1,240`, `218k` from 10,000 on, `1.2M`. @param {?number} count */
export function formatCount(count) {
  if (!isKnown(count)) return UNKNOWN;
  return count < 10_000 ? grouped.format(count) : scaled(count, ["", "k", "M", "G"]).join("");
}

/** Two digits that count and the unit they stand in: what rounds up to 1000 is 1 of the next. */
function scaled(value, units) {
  let unit = 0;
  for (; unit < units.length - 1 && Math.round(value) >= 1_000; unit++) value /= 1_000;
  const text = unit > 0 && value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : grouped.format(value);
  return [text, units[unit]];
}
