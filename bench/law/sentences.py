"""The law, sentence by sentence: each has a validator, which says where a client's transcript breaks it.

A validator is a pure function from a walk to texts. They overlap: one fault may break several sentences. Those on gaps
and on histories are in modules of their own.
"""

from collections.abc import Callable, Iterator

from bench.law.gaps import gaps_are_true, reasons_are_where_they_may_be
from bench.law.histories import histories_are_the_log
from bench.law.transcript import Batch
from bench.law.walk import Step, Walk

__all__ = ["SENTENCES", "violations"]

MAX_PER_SENTENCE = 3
"""Of one client; the others are counted."""
SILENT_MS = 10_000
"""A client that is sent nothing for 5 s is sent a ``position``; as much again for a busy machine."""
MAX_EVENTS = 10_000
"""A message ends at the window that brings it to so many."""


def _at(step: Step) -> str:
    record = step.record
    if isinstance(record, Batch):
        return f"batch {record.start_ms}..{record.end_ms}"
    return f"{record.word} {record.fields}"


def ordered(walk: Walk) -> Iterator[str]:
    """Windows come in the order of the log, and events in the order within."""
    last_ms = 0
    reached = 0
    for step in walk.live:
        batch, located = step.batch, step.located
        if batch is None or located is None:
            continue
        if batch.start_ms <= last_ms:
            yield f"{_at(step)}: it comes behind one that starts at {last_ms}"
        if batch.end_ms <= batch.start_ms:
            yield f"{_at(step)}: it ends before it has begun"
        last_ms = batch.start_ms
        if "order" in located.stray:
            yield f"{_at(step)}: {located.stray['order']}"
        begins = step.under.index(located.first)
        if begins < reached:
            yield f"{_at(step)}: it begins at event {begins} of the log, and the reader had come to {reached}"
        reached = max(reached, begins)


def each_once(walk: Walk) -> Iterator[str]:
    """No event is delivered twice, or delivered and declared missing."""
    for step in walk.live:
        located = step.located
        if step.batch is None or located is None:
            continue
        again = step.under.first_at(step.due.first) - located.first
        if again > 0:
            yield f"{_at(step)}: it begins {again} events in front of where the reader stood"
        if "twice" in located.stray:
            yield f"{_at(step)}: {located.stray['twice']}"


def complete_or_declared_incomplete(walk: Walk) -> Iterator[str]:
    """Every event that passes the filter is delivered, or lies in a declared gap."""
    for step in walk.steps:
        under, located = step.under, step.located
        due = under.first_at(step.due.last)
        if step.batch is not None and located is not None:
            if located.first > due:
                yield f"{_at(step)}: {located.first - due} events in front of it were not delivered"
            for word in ("missing", "unknown"):
                if word in located.stray:
                    yield f"{_at(step)}: {located.stray[word]}"
        elif step.hole is not None:
            missing = under.first_at(step.hole[0].first) - due
            if missing > 0:
                yield f"{_at(step)}: {missing} events in front of the hole were not delivered"
        elif (fields := step.note("position")) is not None:
            place = walk.log.place_of(fields.get("position"))
            if place is not None and under.first_at(place.first) > due:
                yield f"{_at(step)}: {under.first_at(place.first) - due} events in front of it were not delivered"
        elif step.note("finished") is not None and due < len(under):
            yield f"{len(under) - due} events at the end of the log were not delivered"
        elif step.note("unfinished") is not None:
            yield "it did not come to the end of the log in time"


def under_its_filter(walk: Walk) -> Iterator[str]:
    """What is delivered passes the filter in force."""
    for step in walk.steps:
        if step.located and "filter" in step.located.stray:
            yield f"{_at(step)}: {step.located.stray['filter']} ({step.asked.described})"


def resumable(walk: Walk) -> Iterator[str]:
    """A reader that comes back with its position goes on behind it, with no seam."""
    asked: str | None = None
    given: str | None = None
    is_first = False
    for step in walk.steps:
        if (fields := step.note("connect")) is not None:
            asked, given, is_first = fields.get("position"), None, False
        elif (fields := step.note("connected")) is not None:
            given, is_first = fields.get("position"), True
            if asked is not None and given not in (None, asked):
                yield f"it came with {asked}, and connected.position is {given}"
            if asked is None and given is None:
                yield f"connected has no position: {fields}"
        elif is_first and (step.batch is not None or step.gap is not None or step.note("position") is not None):
            is_first = False
            gap = step.gap
            if asked is None:
                continue
            if given is None and gap is None:
                yield f"it came with {asked}, connected has no position, and no gap follows: {_at(step)}"
            if given is not None and gap is not None and gap["reason"] == "restart":
                yield f"connected.position is {given}, and a gap of another life follows"
            if step.located is not None:
                again = step.under.first_at(step.due.first) - step.located.first
                missing = step.located.first - step.under.first_at(step.due.last)
                if again > 0 or missing > 0:
                    text = f"{again} events come again" if again > 0 else f"{missing} events are missing"
                    yield f"{_at(step)}: at the seam {text}"


def windows_are_never_split(walk: Walk) -> Iterator[str]:
    """All that a reader is to get of a window comes in one message, whose bounds are the hull of its windows."""
    log = walk.log
    last = -1
    for step in walk.live:
        batch, located = step.batch, step.located
        if batch is None or located is None or located.behind <= located.first:
            continue
        first = step.under.index(located.first)
        piece = log.piece_of(first)
        # The piece may be several windows, and this message begin at a later one; then it starts later, too.
        if last >= 0 and log.piece_of(last) == piece and batch.start_ms <= log.starts_ms[piece]:
            yield f"{_at(step)}: a part of its first window was in the message before"
        last = step.under.index(located.behind - 1)
        ends = log.piece_of(last)
        if batch.start_ms < log.starts_ms[piece] or batch.start_ms >= log.ends_ms[piece]:
            yield f"{_at(step)}: its first event is of a window in {log.starts_ms[piece]}..{log.ends_ms[piece]}"
        if batch.end_ms > log.ends_ms[ends] or batch.end_ms <= log.starts_ms[ends]:
            yield f"{_at(step)}: its last event is of a window in {log.starts_ms[ends]}..{log.ends_ms[ends]}"
        if batch.events >= MAX_EVENTS:
            before = step.under.first_at(log.before(ends)) - located.first
            if before >= MAX_EVENTS:
                yield f"{_at(step)}: it has {batch.events} events, {before} of them before its last window"


def positions_name_one_place(walk: Walk) -> Iterator[str]:
    """Live batches, gaps and positions have one each; none comes again, and each is where its message ends."""
    seen: set[str] = set()
    latest: str | None = None
    for step in walk.live:
        batch = step.batch
        said = batch.position if batch is not None else (step.gap or step.note("position") or {}).get("position")
        if not said:
            yield f"{_at(step)}: it has no position"
            continue
        # A cursor that stands still may say so again, and one that lost its own goes on at the head, where it may be.
        may_repeat = step.note("position") is not None or (step.gap or {}).get("reason") == "restart"
        if said in seen and not (said == latest and may_repeat):
            yield f"{_at(step)}: the position {said} has come before"
        seen.add(said)
        latest = said
        place = walk.log.place_of(said)
        if batch is not None and step.located is not None and place is not None and step.located.behind:
            behind = step.under.index(step.located.behind - 1) + 1
            upto = step.under.index(step.located.behind)
            if not behind <= place.first <= upto:
                yield f"{_at(step)}: its position is behind {place.first} events of the log, and it ends at {behind}"


def summary_counts_what_is_sent(walk: Walk) -> Iterator[str]:
    """A batch has events, and its summary counts them by type."""
    counts_at = walk.log.forms.counts_at
    for step in walk.steps:
        batch = step.batch or step.past
        if batch is None:
            continue
        if not batch.events:
            yield f"{_at(step)}: it has no events"
        counts = [0] * len(batch.counts)
        for event_id in memoryview(batch.ids).cast("q"):
            slot = event_id >> 24 & ~0xFF | event_id & 0xFF
            if slot < len(counts_at):
                counts[counts_at[slot]] += 1
        if tuple(counts) != batch.counts:
            yield f"{_at(step)}: its summary says {batch.counts}, counted {tuple(counts)}"


def a_held_cursor_stands_still(walk: Walk) -> Iterator[str]:
    """Between the pong behind a ``pause`` and the ``resume`` nothing live comes."""
    held = False
    for step in walk.steps:
        fields = step.note("pong")
        if fields is not None and fields.get("behind") == "pause":
            held = True
        elif step.note("resume", "connect") is not None:
            held = False
        elif held and (step.batch is not None or step.gap is not None):
            yield f"{_at(step)}: it comes while the reader is paused"


def silence_is_broken_by_positions(walk: Walk) -> Iterator[str]:
    """A client that takes all that it is sent hears something every 5 s, whatever its filter."""
    last_us: int | None = None
    for step in walk.steps:
        if (fields := step.note("connect")) is not None:
            last_us = step.record.at_us if fields.get("takes_always") else None
        elif last_us is not None and (step.batch or step.gap is not None or step.note("position") is not None):
            if step.record.at_us - last_us > SILENT_MS * 1000:
                yield f"{_at(step)}: nothing came for {(step.record.at_us - last_us) / 1e6:.1f} s"
            last_us = step.record.at_us


def the_conversation_is_the_contract_s(walk: Walk) -> Iterator[str]:
    """Every message is one of the contract's, and the daemon closes no connection."""
    for step in walk.steps:
        if step.note("fault", "error", "closed") is not None:
            yield _at(step)


SENTENCES: tuple[tuple[str, Callable[[Walk], Iterator[str]]], ...] = (
    ("ordered", ordered),
    ("each once", each_once),
    ("complete or declared incomplete", complete_or_declared_incomplete),
    ("under its filter", under_its_filter),
    ("resumable", resumable),
    ("a window is never split", windows_are_never_split),
    ("a position names one place", positions_name_one_place),
    ("gaps are true", gaps_are_true),
    ("each reason where it may be", reasons_are_where_they_may_be),
    ("the summary counts what is sent", summary_counts_what_is_sent),
    ("a held cursor stands still", a_held_cursor_stands_still),
    ("silence is broken by positions", silence_is_broken_by_positions),
    ("histories are the log", histories_are_the_log),
    ("the conversation is the contract's", the_conversation_is_the_contract_s),
)


def violations(walk: Walk) -> list[str]:
    """All that does not hold, with the sentence and the client's name in front."""
    found = []
    for sentence, validator in SENTENCES:
        texts = list(validator(walk))
        found += [f"{sentence}: {walk.name}: {text}" for text in texts[:MAX_PER_SENTENCE]]
        if len(texts) > MAX_PER_SENTENCE:
            found.append(f"{sentence}: {walk.name}: and {len(texts) - MAX_PER_SENTENCE} more")
    return found
