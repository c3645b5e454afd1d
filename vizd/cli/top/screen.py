"""How ``top`` looks: from what is known and the size of a terminal to lines, none wider, no more than fit. Pure."""

import textwrap
from collections.abc import Sequence

from rich.text import Text

from vizd.cli.times import lasting
from vizd.cli.top.model import Model, Node
from vizd.cli.words import SHORT_TYPES, clean
from vizd.client.messages import FindingUpdate
from vizd.client.moments import clock

__all__ = ["draw"]

_STYLES = {"critical": "bold red", "warning": "yellow", "unknown": "magenta", "well": "green"}
_MARKS = {"critical": "!!", "warning": "! ", "unknown": "? ", "well": "ok"}
"""Colour is never the only one to say it."""
_BARS = "▁▂▃▄▅▆▇█"
_BARS_ASCII = "_.-=+*%#"
_WIDE = 120
_FEW_SHARDS = 64
KEYS = "q quit   p pause   up/down scroll"


def draw(
    model: Model,
    now_ms: int,
    width: int,
    height: int,
    *,
    url: str = "",
    scroll: int = 0,
    is_paused: bool = False,
    has_unicode: bool = True,
    with_keys: bool = True,
) -> list[Text]:
    """
    :param scroll: nodes that are passed over. :param has_unicode: else ASCII alone.
    """
    width, height = max(1, width), max(1, height)
    lines = [*_verdict(model, width, height), _status(model, now_ms, url, is_paused)]
    if width >= _WIDE:
        half = (width - 3) // 2
        left = _nodes(model, half, scroll)
        right = [*_findings(model, now_ms), *_shards(model, half), *_rates(model, now_ms, half, has_unicode)]
        lines += _beside(left, right, half)
    else:
        room = max(0, height - len(lines) - 2)
        nodes = _nodes(model, width, scroll)
        findings = _findings(model, now_ms)[: 1 + max(1, room // 3)]
        rest = [*_shards(model, width), *_rates(model, now_ms, width, has_unicode)]
        lines += findings + nodes[: max(3, room - len(findings) - min(len(rest), room // 3))] + rest
    lines = lines[: height - 1] if with_keys and height > 4 else lines[:height]
    if with_keys and height > 4:
        lines += [Text()] * (height - 1 - len(lines)) + [Text(KEYS, "dim")]
    for line in lines:
        line.truncate(width)
    return lines


def _verdict(model: Model, width: int, height: int) -> list[Text]:
    severity, sentence = model.verdict
    wrapped = textwrap.wrap(f"{_MARKS.get(severity, '! ')} {clean(sentence)}", width) or [""]
    return [Text(line, _STYLES.get(severity, "yellow")) for line in wrapped[: max(1, height // 3)]]


def _status(model: Model, now_ms: int, url: str, is_paused: bool) -> Text:
    if model.trouble is not None:
        return Text(clean(f"not connected: {model.trouble}"), "magenta")
    parts = ["paused" if is_paused else "live", clock(now_ms)[11:19] + "Z"]
    if model.gaps:
        parts.append(f"{model.gaps} gaps")
    lost = sum(node.lost for node in model.nodes.values())
    if lost:
        parts.append(f"{lost:,} events lost by nodes")
    if model.is_truncated:
        parts.append("not all of the state is known")
    return Text("  ".join([*parts, clean(url)]), "dim")


def _findings(model: Model, now_ms: int) -> list[Text]:
    found = model.open_findings
    return [_heading(f"findings ({len(found)})"), *(_finding(each, now_ms) for each in found)] if found else []


def _finding(finding: FindingUpdate, now_ms: int) -> Text:
    mark = _MARKS.get(finding.severity, "! ")
    text = f"{mark} {lasting(now_ms - finding.first_ms):>9}  {clean(finding.detail)}"
    return Text(text + ("" if finding.conclusive else " (something is missing)"), _STYLES.get(finding.severity, ""))


def _nodes(model: Model, width: int, scroll: int) -> list[Text]:
    led = model.led_by()
    # Whoever is not well stands first; the others keep their places.
    ordered = sorted(model.nodes.values(), key=lambda node: (node.is_well, node.number))
    shown = ordered[min(scroll, max(0, len(ordered) - 1)) :]
    name_width = min(max([len(clean(node.label)) for node in shown[:200]] + [4]), max(6, width // 3))
    head = f"{'node':<{name_width}} {'state':<8}"
    if width >= 40:
        head += f" {'leads':>6} {'fsync':>8}"
    if width >= 60:
        head += f" {'pressure':>8} {'compacts':>8} {'lost':>7}"
    rows = [_node(node, led[node.number], name_width, width) for node in shown]
    return [_heading(f"nodes ({len(ordered)})"), Text(head, "bold"), *rows]


def _node(node: Node, leads: int, name_width: int, width: int) -> Text:
    state = "gone" if node.is_connected is False and node.membership in ("", "alive") else node.membership or "-"
    text = f"{clean(node.label)[:name_width]:<{name_width}} {clean(state):<8}"
    if width >= 40:
        fsync = "-" if node.fsync_ms is None else f"{node.fsync_ms:,} ms"
        text += f" {leads:>6} {fsync:>8}"
    if width >= 60:
        pressure = "-" if node.pressure is None else f"{node.pressure:.2f}"
        text += f" {pressure:>8} {len(node.compactions):>8} {node.lost:>7,}"
    return Text(text, "" if node.is_well else "red")


def _shards(model: Model, width: int) -> list[Text]:
    if not model.leaders and not model.moves:
        return []
    lines = [_heading(f"shards ({len(model.leaders)})")]
    if model.leaderless:
        lines.append(Text("!! no leader: " + " ".join(f"s{shard}" for shard in model.leaderless), "bold red"))
    if model.moves:
        moving = "  ".join(f"s{shard} {clean(kind)}" for shard, kind in sorted(model.moves.items()))
        lines.append(Text(f"moving: {moving}", "cyan"))
    names = {node.number: clean(node.label) for node in model.nodes.values()}
    if len(model.leaders) <= _FEW_SHARDS:
        cells = [f"s{shard}:{names.get(led, led)}" for shard, led in sorted(model.leaders.items()) if led is not None]
        lines += [Text(line) for line in textwrap.wrap("  ".join(cells), width)]
    return lines


def _rates(model: Model, now_ms: int, width: int, has_unicode: bool) -> list[Text]:
    rates = model.rates(now_ms)
    if not rates:
        return []
    total = sum(counts[-1] for counts in rates.values())
    lines = [_heading(f"events ({total:,}/s)")]
    room = max(0, min(60, width - 16))
    for name, counts in rates.items():
        lines.append(Text(f"{SHORT_TYPES.get(name, name):<5} {counts[-1]:>7,} {_spark(counts, room, has_unicode)}"))
    return lines


def _spark(counts: Sequence[int], room: int, has_unicode: bool) -> str:
    bars = _BARS if has_unicode else _BARS_ASCII
    shown = counts[-room:] if room else ()
    most = max(shown, default=0)
    return "".join(bars[count * 8 // (most + 1)] if count else " " for count in shown)


def _heading(text: str) -> Text:
    return Text(text, "bold cyan")


def _beside(left: list[Text], right: list[Text], half: int) -> list[Text]:
    lines = []
    for index in range(max(len(left), len(right))):
        line = left[index].copy() if index < len(left) else Text()
        line.truncate(half, pad=True)
        line.append("   ")
        if index < len(right):
            line.append_text(right[index])
        lines.append(line)
    return lines
