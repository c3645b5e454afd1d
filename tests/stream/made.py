"""Events and windows as a daemon makes them, for tests of what comes behind the log."""

from collections.abc import Sequence
from typing import Any

from tests.events.build import event_of
from vizd.events.catalogue import KINDS, OWNER, Kind
from vizd.events.decode import Decoder
from vizd.events.facet import Facet, Facets
from vizd.insight.insight import Insight
from vizd.log.memory import MemoryLog
from vizd.log.window import Draft, Window
from vizd.state.coverage import Coverage
from vizd.state.projection import Projection
from vizd.state.timeline import Timeline

Made = tuple[Facet, bytes]
"""An event as a window holds it."""

_FACETS = Facets()
_DEFAULTS: dict[str, Any] = {"bool": False, "string": "", "reason": "Manual"}
_KINDS = {str(kind): kind for kind in KINDS}


def said(name: str, /, publisher: int = 1, owner: int | None = None, ts: int = 1, **values: Any) -> dict[str, Any]:
    """What a dashboard receives of an event such as ``Wal.Fsync``; fields that are not given are zero.

    :param owner: its owner shard.
    """
    kind: Kind = _KINDS[name]
    zero = {each.name: _DEFAULTS.get(each.width, 0) for each in (*kind.type.fields, *kind.fields)} | values
    data = {each.name: zero[each.name] for each in kind.type.fields}
    inside = {each.name: zero[each.name] for each in kind.fields}
    if kind.type.bare:
        data["kind"] = kind.name
    elif kind.name:
        data["kind"] = {"kind": kind.name, **inside}
    else:
        data |= inside
    event = {"ts": ts, "node": publisher, "event": {"type": kind.type.name, "data": data}}
    if owner is not None:
        assert kind.type.shard == OWNER
        event["shard"] = owner
    return event


def made(name: str, /, publisher: int = 1, owner: int | None = None, ts: int = 1, **values: Any) -> Made:
    """``said``, decoded from what a node sends."""
    decoded = Decoder(publisher, _FACETS).decode([event_of(said(name, publisher, owner, ts, **values))], now_ms=1)
    assert not decoded.rejections
    return decoded.facets[0], decoded.fragments[0]


def fsyncs(count: int, node: int = 1, first: int = 0) -> list[Made]:
    """Events that can be told apart, by their ``ms``."""
    facet, _ = made("Wal.Fsync", node=node)
    text = '{"ts":1,"node":%d,"event":{"type":"Wal","data":{"node":%d,"seg":0,"kind":{"kind":"Fsync","ms":%d}}}}'
    return [(facet, (text % (node, node, number)).encode()) for number in range(first, first + count)]


def draft(opened_ms: int, events: Sequence[Made] = (), length_ms: int = 50) -> Draft:
    """A window to be."""
    return Draft(opened_ms, length_ms, [facet for facet, _ in events], [text for _, text in events], ())


def window(events: Sequence[Made], opened_ms: int = 1_000, seq: int = 1) -> Window:
    """A window without a log."""
    return Window(seq, opened_ms, "test", draft(opened_ms, events), 0)


def followed(log: MemoryLog) -> Projection:
    """The state of ``log``, whatever is appended from now on."""
    projection = Projection(3_600_000)
    log.listen(projection.fold)
    return projection


def insight_of(log: MemoryLog) -> Insight:
    """What is found in ``log``, whatever is appended from now on."""
    coverage = Coverage()
    timeline = Timeline(coverage)
    insight = Insight(coverage, timeline)
    for each in (coverage, timeline, insight):
        log.listen(each.fold)
    return insight


def memory_log(max_age_ms: int = 3_600_000, max_bytes: int = 1 << 30, epoch: bytes = b"an epoch") -> MemoryLog:
    """An empty one."""
    return MemoryLog("test", max_age_ms, max_bytes, epoch)
