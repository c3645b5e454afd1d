"""``python -m tests.log.disk.appender DIRECTORY``: appends to the log there until it is killed, and says what it may.

A line for each window, as soon as listeners are told of it: only then a node would be told that it is stored.
"""

import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import LoopingCall

from tests.log.test_memory import SMALL, made
from vizd.log import chronicle
from vizd.log.disk.keyframes import STATE
from vizd.log.disk.log import DiskLog
from vizd.log.segment import Segment
from vizd.log.window import Draft, Window

MAX_AGE_MS = 20_000
"""By the times of ``numbered``, 400 windows: there is something to trim, all the time."""


def numbered(seq: int) -> Draft:
    """What is appended as window ``seq``, in whichever life."""
    return made(seq)


def seal_early() -> None:
    """So that in a short life all that is written is written."""
    for name, value in SMALL.items():
        setattr(chronicle, name, value)
    Segment.MAX_AGE_MS = 1_000


def main() -> None:
    seal_early()
    directory: Any = Path(sys.argv[1])
    folded: list[int] = []
    log = DiskLog(
        directory, "here", MAX_AGE_MS, 1 << 30, reactor, lambda: ((STATE, b"%d" % seq) for seq in folded[-50:])
    )
    appended = log.head.seq

    def append() -> None:
        nonlocal appended
        while log.has_room and appended < log.head.seq + 20:
            appended += 1
            log.append(numbered(appended))

    def tell(window: Window) -> None:
        folded.append(window.seq)
        sys.stdout.write(f"{window.seq} {window.start_ms}\n")
        sys.stdout.flush()

    log.listen(tell)
    log.start()
    LoopingCall(append).start(0.001)
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
