"""What a directory holds when a daemon starts: the heads of all blocks, and the newest windows.

Little of it is read, however much there is. What is damaged is left out here, and named where it was:

- a block whose head is damaged is a hole, whose size its neighbours tell;
- a newest window that is damaged stays a block, which readers will find damaged; so do those in front of it;
- where the last rows are damaged nobody knows how far the log went: ``lost_end`` says so.
"""

import sqlite3
from array import array
from dataclasses import dataclass, field

from vizd.events.catalogue import TYPES
from vizd.events.facet import Facets
from vizd.log.disk.rows import Damaged, Said, block_of, head_of, window_of
from vizd.log.head import BlockHead
from vizd.log.window import START, Position, Window

__all__ = ["Contents", "Lost", "read_contents"]

NOTHING = Said(0, frozenset(), frozenset())


class Lost(BlockHead):
    """In place of blocks whose heads are damaged: one window as it were, of which only the ends are known."""

    def __init__(self, left: BlockHead, right: BlockHead) -> None:
        """Between ``left`` and ``right``."""
        start_ms, end_ms = left.starts[-1] + 1, right.before.end_ms or 0
        counts = array("I", [0] * len(TYPES))
        super().__init__(
            left.behind, left.latest_ms, [""], array("Q", [start_ms]), array("Q", [end_ms]), counts, NOTHING, NOTHING, 0
        )
        self.latest_ms = right.latest_before_ms
        self.behind = right.before

    def position(self, window: int) -> Position:
        """See ``BlockHead``."""
        return self.before if window < 0 else self.behind


@dataclass(slots=True)
class Contents:
    """See the module.

    :ivar heads: of blocks that follow each other. :ivar windows: behind them.
    :ivar keyframes: the seq behind which each is, in order, and its bytes.
    :ivar damaged: what was found to be, for people. :ivar lost_end: see the module.
    :ivar before: in front of ``windows``. :ivar latest_before_ms: the latest end of a window in front of them.
    """

    heads: list[BlockHead] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    keyframes: list[tuple[int, int]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    lost_end: bool = False
    before: Position = START
    latest_before_ms: int = 0

    @property
    def behind(self) -> Position:
        """Behind all of it."""
        return self.windows[-1].position if self.windows else self.before


def read_contents(connection: sqlite3.Connection) -> Contents:
    """What there is.

    :raises sqlite3.DatabaseError: it can't be read.
    """
    contents = Contents()
    shared: dict[Said, Said] = {}
    unsealed: set[int] = set()
    for seq, is_sealed, sealed in connection.execute("SELECT seq, is_sealed, head FROM blocks ORDER BY seq"):
        try:
            head = head_of(seq, sealed, shared)
        except Damaged as why:
            contents.damaged.append(str(why))
            contents.lost_end = True
            continue
        last = contents.heads[-1].behind.seq if contents.heads else head.before.seq
        if head.before.seq > last:
            contents.heads.append(Lost(contents.heads[-1], head))
        elif head.before.seq < last:
            contents.damaged.append(f"row {seq}: its windows stand in another one, too")
            continue
        contents.lost_end = False
        contents.heads.append(head)
        if not is_sealed and len(head) == 1:
            unsealed.add(seq)
    if contents.heads:
        contents.before, contents.latest_before_ms = contents.heads[-1].behind, contents.heads[-1].latest_ms
    _take_windows(connection, contents, unsealed)
    sizes = "SELECT seq, total(length(pieces)) FROM keyframes GROUP BY seq ORDER BY seq"
    contents.keyframes = [(seq, int(size_bytes)) for seq, size_bytes in connection.execute(sizes)]
    return contents


def _take_windows(connection: sqlite3.Connection, contents: Contents, unsealed: set[int]) -> None:
    """Make the newest blocks windows again, as far as they are such."""
    facets = Facets()
    windows: list[Window] = []
    while contents.heads and contents.heads[-1].before.seq + 1 in unsealed:
        try:
            windows.append(_window(connection, contents.heads[-1], facets))
        except Damaged as why:
            contents.damaged.append(str(why))
            break
        head = contents.heads.pop()
        contents.before, contents.latest_before_ms = head.before, head.latest_before_ms
    contents.windows = windows[::-1]


def _window(connection: sqlite3.Connection, head: BlockHead, facets: Facets) -> Window:
    seq = head.before.seq + 1
    rest, whole = connection.execute("SELECT rest, whole FROM blocks WHERE seq = ?", (seq,)).fetchone()
    return window_of(block_of(head, rest, whole, "whole", facets))
