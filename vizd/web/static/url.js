/**
 * The page's state as a query: instant, window, what is selected, the filter; so a link shows another the same. Pure.
 */
import { DEFAULT_TYPES } from "./filter.js";
import { WINDOWS_MIN } from "./time.js";

/** `search` of a location as `{at, minutes, node, shard, types, text}`; what is missing or makes no sense is undefined. */
export function readUrl(search) {
  const query = new URLSearchParams(search);
  const number = (name) => (/^\d{1,15}$/.test(query.get(name) ?? "") ? Number(query.get(name)) : undefined);
  const minutes = number("window");
  return {
    at: number("at"),
    minutes: WINDOWS_MIN.includes(minutes) ? minutes : undefined,
    node: number("node"),
    shard: number("shard"),
    types: query.has("types") ? query.get("types").split(",").filter(Boolean) : undefined,
    text: query.get("filter") ?? undefined,
  };
}

/** The same the other way round; the usual is left out. */
export function writeUrl({ at, minutes, node, shard, types, text }) {
  const query = new URLSearchParams();
  if (at !== undefined) query.set("at", String(Math.round(at)));
  if (minutes !== 5) query.set("window", String(minutes));
  if (node !== undefined) query.set("node", String(node));
  if (shard !== undefined) query.set("shard", String(shard));
  if ([...types].sort().join() !== [...DEFAULT_TYPES].sort().join()) query.set("types", [...types].join());
  if (text) query.set("filter", text);
  return query.size ? `?${String(query).replaceAll("%2C", ",")}` : "";
}
