"""What ``Insight`` knows as bytes, and back: the cluster, the findings, and of each rule its cases and its memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import msgspec

from vizd.insight.case import Case
from vizd.insight.cluster import Cluster
from vizd.insight.finding import Finding
from vizd.insight.ledger import Ledger
from vizd.insight.rule import Rule
from vizd.log.window import Position
from vizd.state.copied import Entries
from vizd.state.nodes import Node
from vizd.state.pieces import Codec, slices

__all__ = ["VERSION", "pieces", "restore"]

VERSION = 1
"""To be raised with every change of what a rule remembers, too: what is older is begun anew."""
_ROWS = 256
"""In a piece: made in about 0.3 ms."""


class _Place(msgspec.Struct, array_like=True, tag="place"):
    """Where it has come to: see ``Cluster``, ``Ledger`` and ``Insight``."""

    now_ms: int
    start_ms: int
    position: Position
    second: int
    second_before: int
    trimmed_ms: int
    changes: int
    seen: set[str]


class _Processes(msgspec.Struct, array_like=True, tag="processes"):
    """In the order of their last change."""

    nodes: list[tuple[int, Node]]


class _Swim(msgspec.Struct, array_like=True, tag="swim"):
    words: list[tuple[int, str]]


class _Shards(msgspec.Struct, array_like=True, tag="shards"):
    mentioned_ms: list[tuple[int | None, int]]


class _Nodes(msgspec.Struct, array_like=True, tag="nodes"):
    mentioned_ms: list[tuple[int, int]]


class _Findings(msgspec.Struct, array_like=True, tag="findings"):
    """In the order of ``change``."""

    newest: list[Finding]


class _Queues(msgspec.Struct, array_like=True, tag="queues"):
    """Of a rule: see ``Cases``."""

    rule: str
    open_keys: list[str]
    waiting_keys: list[str]


class _Cases(msgspec.Struct, array_like=True, tag="cases"):
    rule: str
    cases: Entries


class _Memory(msgspec.Struct, array_like=True, tag="memory"):
    """Some of what a rule remembers under a name."""

    rule: str
    name: str
    subjects: Entries


_Content = _Place | _Processes | _Swim | _Shards | _Nodes | _Findings | _Queues | _Cases | _Memory
_codec: Codec[_Content] = Codec(VERSION, _Content)


def pieces(
    cluster: Cluster, ledger: Ledger, rules: Sequence[Rule], seen: Iterable[str], trimmed_ms: int
) -> Iterator[bytes]:
    """All that ``restore`` needs, as it is now; a piece at a step, and what they are of may change in between."""
    place = _Place(
        cluster.now_ms, cluster.start_ms, cluster.position, cluster.second, cluster.second_before, trimmed_ms,
        ledger.changes, set(seen),
    )  # fmt: skip
    contents: list[Iterable[_Content]] = [
        [place],
        map(_Processes, slices(cluster.processes.shown().items(), _ROWS)),
        map(_Swim, slices(dict(cluster.swim).items(), _ROWS)),
        map(_Shards, slices(dict(cluster.shards_ms).items(), _ROWS)),
        map(_Nodes, slices(dict(cluster.nodes_ms).items(), _ROWS)),
        map(_Findings, slices(ledger.newest, _ROWS)),
    ]
    for rule in rules:
        contents.append([_Queues(rule.name, rule.cases.open_keys, rule.cases.waiting_keys)])
        contents.append(map(partial(_Cases, rule.name), rule.cases.all.copied()))
        for name, subjects in rule.memory.items():
            contents.append(map(partial(_Memory, rule.name, name), subjects.copied()))
    return _codec.pieces(chain.from_iterable(contents))


@dataclass(slots=True)
class _Restored:
    """Of one rule, while it is being read."""

    cases: list[tuple[str, Case]] = field(default_factory=list)
    open_keys: list[str] = field(default_factory=list)
    waiting_keys: list[str] = field(default_factory=list)
    memory: dict[str, list[tuple[Any, Any]]] = field(default_factory=dict)


def restore(pieces: Iterable[bytes], cluster: Cluster, ledger: Ledger, rules: Sequence[Rule]) -> tuple[set[str], int]:
    """Make these what the keyframe was made of; returns ``seen`` and ``trimmed_ms``.

    :raises ValueError: it can't be read; nothing has changed then.
    """
    place, contents = _codec.begun_by(_Place, pieces)
    restored = {rule.name: _read(rule, contents) for rule in rules}
    findings: list[Finding] = []
    for content in contents:
        match content:
            case _Processes():
                for number, node in content.nodes:
                    cluster.processes.put(number, node)
            case _Swim():
                cluster.swim.update(content.words)
            case _Shards():
                cluster.shards_ms.update(content.mentioned_ms)
            case _Nodes():
                cluster.nodes_ms.update(content.mentioned_ms)
            case _Findings():
                findings += (each for each in content.newest if each.rule in restored)
    cluster.now_ms, cluster.start_ms, cluster.position = place.now_ms, place.start_ms, place.position
    cluster.second, cluster.second_before = place.second, place.second_before
    ledger.restore(place.changes, findings)
    for rule in rules:
        of_rule = restored[rule.name]
        rule.cases.restore(of_rule.cases, of_rule.open_keys, of_rule.waiting_keys)
        for name, subjects in of_rule.memory.items():
            rule.memory[name].update(subjects)
        rule.restored()
    return place.seen, place.trimmed_ms


def _read(rule: Rule, contents: Iterable[_Content]) -> _Restored:
    """What is about a rule.

    :raises ValueError: it does not fit.
    """
    restored = _Restored()
    for content in contents:
        if not isinstance(content, _Queues | _Cases | _Memory) or content.rule != rule.name:
            continue
        match content:
            case _Queues():
                restored.open_keys, restored.waiting_keys = content.open_keys, content.waiting_keys
            case _Cases():
                restored.cases += rule.cases.all.read(content.cases)
            case _Memory():
                if content.name not in rule.memory:
                    raise ValueError(f"keyframe: {rule.name} remembers no {content.name!r}")
                restored.memory.setdefault(content.name, []).extend(rule.memory[content.name].read(content.subjects))
    if not {*restored.open_keys, *restored.waiting_keys} <= {key for key, _ in restored.cases}:
        raise ValueError(f"keyframe: {rule.name} has a finding without its case")
    return restored
