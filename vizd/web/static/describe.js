/**
 * An event in a few words: whose it is, what happened, the number that matters, and what makes two the same row.
 */
import { formatBytes, formatMs, formatPercent, formatRatio } from "./numbers.js";

export const SHORT_TYPES = { Raft: "Raft", Swim: "Swim", Shard: "Shard", Lsm: "Lsm", Compaction: "Comp", Wal: "Wal", Cache: "Cache", SlotHeat: "Heat" };
const SWIM = { Alive: "alive", Suspect: "suspect", Confirm: "confirmed dead", Leave: "left" };
const SHARD = { Plan: "move planned", SnapshotStart: "snapshot started", SnapshotDone: "snapshot done", Cutover: "cut over" };
const REASONS = { MemtableSize: "memtable full", WalAge: "WAL old", Manual: "by hand" };

/**
 * @param {object} event as the daemon tells it.
 * @param {(node: number) => string} short a node's short name.
 * @returns {{type: string, subject: string, text: string, value: string, key: string, from?: string}}
 */
export function describe(event, short) {
  const { type, data } = event.event;
  const kind = data.kind?.kind ?? data.kind ?? "";
  const isOfShard = type === "Raft" || type === "Shard";
  const node = data.node ?? event.node;
  const said = (WORDS[type] ?? unknown)(data, event, short);
  const [text, value = ""] = said;
  return {
    type: SHORT_TYPES[type] ?? type,
    subject: isOfShard ? `s${data.shard}` : short(node),
    text,
    value,
    key: isOfShard ? `${type}/${kind}/${data.shard}/${data.term ?? ""}/${event.node}/${said[2] ?? ""}` : `${type}/${kind}/${node}/${data.level ?? data.name ?? ""}`,
    node: isOfShard ? undefined : node,
    shard: isOfShard ? data.shard : undefined,
  };
}

const WORDS = {
  Raft({ kind, term }, { node }, short) {
    const said = {
      VoteReq: () => [`${short(kind.from)} asks for votes`, "", kind.from],
      VoteGranted: () => [`${short(kind.from)} grants ${short(node)}`],
      LeaderElected: () => [`${short(kind.node)} elected`],
      StepDown: () => [`${short(node)} steps down`],
    }[kind.kind]?.() ?? [kind.kind];
    return [said[0], `term ${term}`, said[2]];
  },
  Swim: ({ kind }) => [SWIM[kind] ?? kind],
  Shard: ({ kind }) => [SHARD[kind] ?? kind],
  Lsm({ kind }) {
    return (
      {
        FlushTriggered: () => ["flush asked for", REASONS[kind.reason] ?? ""],
        FlushStart: () => ["flush started"],
        FlushComplete: () => ["flush done", formatBytes(kind.bytes)],
        L0Stall: () => [`L0 stall, ${kind.file_count} files`],
        L0AdmissionStart: () => ["L0 file enters"],
        L0AdmissionComplete: () => [`L0 file in slot ${kind.target_slot}`],
        GuardAdjustment: () => [`L${kind.level} has ${kind.new_guard_count} guards`],
        WritePressureUpdate: () => [`pressure ${formatRatio(kind.ratio)}`],
      }[kind.kind]?.() ?? [kind.kind]
    );
  },
  Compaction({ level, kind }) {
    const way = `L${level}→L${level + 1}`;
    return (
      {
        Scheduled: () => [`${way} queued`],
        Start: () => [`${way} started`],
        Progress: () => [`${way} ${formatPercent(kind.pct)}`],
        Finish: () => [`${way} done`, fromTo(kind.in_bytes, kind.out_bytes)],
        BanditSelection: () => [`L${level} picks slot ${kind.slot_id}`],
        BanditReward: () => [`L${level} slot ${kind.slot_id} reward`, formatRatio(kind.reward)],
        GuardRebalance: () => [`L${level} guards`, `${kind.old_guard_count}→${kind.new_guard_count}`],
      }[kind.kind]?.() ?? [kind.kind]
    );
  },
  Wal({ kind }) {
    return (
      {
        SegmentRoll: () => ["segment rolled", formatBytes(kind.bytes)],
        Fsync: () => ["fsync", formatMs(kind.ms)],
        CorruptionTruncated: () => ["corrupt tail cut"],
        SegmentGc: () => ["segment removed"],
      }[kind.kind]?.() ?? [kind.kind]
    );
  },
  Cache: ({ name, hit_ratio }) => [`${name} cache`, `${formatRatio(hit_ratio)} hit`],
  SlotHeat: ({ level, slot, heat }) => [`L${level} slot ${slot} heat`, formatRatio(heat)],
};

function unknown(data) {
  return [String(data.kind?.kind ?? data.kind ?? "")];
}

/** `212→198 MB` where both have one unit. */
function fromTo(inBytes, outBytes) {
  const [before, after] = [formatBytes(inBytes), formatBytes(outBytes)];
  const unit = after.slice(after.lastIndexOf(" "));
  return before.endsWith(unit) ? `${before.slice(0, -unit.length)}→${after}` : `${before}→${after}`;
}
