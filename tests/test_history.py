"""Tests of ``vizd.history``: a daemon that has a directory knows what the one before it knew."""

import random
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.insight.test_insight import LOUD, SPICES, spiced
from tests.log.disk.directories import Here
from tests.log.machine import now
from tests.log.test_memory import seal_early
from tests.restored import answers
from tests.state.streams import Chronicle, Step, steps
from vizd.config import Config
from vizd.folds import Folds
from vizd.history import open_log
from vizd.ingest.registry import Registry
from vizd.log import borders
from vizd.log.disk.log import DiskLog
from vizd.log.segment import Segment
from vizd.log.window import Draft


class Lives(SynchronousTestCase):
    """One daemon after the other, on one directory."""

    def setUp(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 500)
        self.patch(borders, "PIECES_PER_APPEND", 30)

    def open(self, directory: Path) -> tuple[DiskLog, Folds]:
        config = Config.read({"data-dir": str(directory)}, {})
        folds = Folds(config.buffer_minutes * 60_000)
        log = open_log(config, folds, Registry(), Clock())
        assert isinstance(log, DiskLog)
        return log, folds

    @settings(deadline=None, max_examples=40)
    @given(steps(LOUD, max_size=30), st.lists(SPICES, min_size=1, max_size=5), st.integers())
    def test_each_knows_all_that_the_one_before_it_knew(
        self, given_steps: list[Step], spices: list[dict[str, Any]], seed: int
    ) -> None:
        chance, directory, before = random.Random(seed), Path(self.mktemp()), None
        left = list(spiced(Chronicle().windows(given_steps * 6), spices))
        while left or before is None:
            log, folds = self.open(directory)
            if before is not None:
                self.assertEqual(answers(folds), before)
            folds.follow(log)
            log._start(Here(), [Here()])
            count = chance.randrange(1, 40)
            for window in left[:count]:
                length_ms = window.end_ms - window.start_ms
                log.append(Draft(window.start_ms, length_ms, window.facets, window.fragments, window.marks))
            del left[:count]
            now(log.close())
            before = answers(folds)
