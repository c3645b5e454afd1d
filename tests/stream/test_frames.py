"""Tests of ``vizd.stream.frames``."""

import gc
import json
from typing import Any

import msgpack
from twisted.trial.unittest import SynchronousTestCase

from tests.stream.made import draft, fsyncs, made, memory_log, window
from vizd.log.memory import MemoryLog
from vizd.log.window import Window
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame, Frames, batch, select

EPOCH = b"an epoch"
EVERYTHING = Filter.of()


def texts(said: dict[str, Any]) -> list[int]:
    """The ``ms`` of a batch's Fsyncs."""
    return [event["event"]["data"]["kind"]["ms"] for event in said["data"]["events"]]


def listened() -> tuple[MemoryLog, list[Window]]:
    """A log, and the windows that it gets."""
    log, windows = memory_log(), []
    log.listen(windows.append)
    return log, windows


def windows_alive() -> int:
    gc.collect()
    return sum(isinstance(each, Window) for each in gc.get_objects())


class BatchTests(SynchronousTestCase):
    """What one batch says."""

    def test_its_bounds_are_the_hull_of_its_windows_and_its_counts_their_sums(self) -> None:
        log, windows = listened()
        log.append(draft(1_000, [*fsyncs(2), made("Swim.Alive")], 40))
        log.append(draft(1_050, [made("SlotHeat")]))
        log.append(draft(1_100, fsyncs(1, first=2), 25))
        parts = [select(each, EVERYTHING) for each in windows]
        frame = batch(parts, [text for part in parts for text in part.fragments], JSON, {})
        said = json.loads(frame.payload)
        self.assertEqual((said["data"]["window_start"], said["data"]["window_end"]), (1_000, 1_125))
        self.assertEqual(
            said["data"]["summary"],
            {"wal_count": 3, "compaction_count": 0, "lsm_count": 0, "raft_count": 0,
             "swim_count": 1, "shard_count": 0, "cache_count": 0, "heat_count": 1},
        )  # fmt: skip
        self.assertEqual((frame.events, frame.is_binary), (5, False))

    def test_the_summary_counts_what_is_sent_and_not_what_was_there(self) -> None:
        part = select(window([*fsyncs(5), made("Swim.Alive")]), Filter.of(["swim"]))
        summary = json.loads(batch([part], part.fragments, JSON, {}).payload)["data"]["summary"]
        self.assertEqual({name: count for name, count in summary.items() if count}, {"swim_count": 1})


def live(frames: Frames, seen: list[Window], by: Filter, encoder: Any) -> Frame:
    """What a reader gets who comes to the end of ``seen``."""
    return frames.live([part for each in seen if (part := frames.part(each, by))], by, encoder, seen[-1].position)


class FramesTests(SynchronousTestCase):
    """What readers share."""

    def test_readers_that_are_to_get_the_same_get_one_frame(self) -> None:
        frames, seen = Frames(EPOCH), window(fsyncs(3))
        for encoder in (JSON, MESSAGEPACK):
            made_of = [live(frames, [seen], Filter.of(["wal"] if turn else ["WAL"], [1]), encoder) for turn in range(3)]
            self.assertIs(made_of[0], made_of[1])
            self.assertIs(made_of[0], made_of[2])

    def test_readers_that_are_to_get_something_else_do_not(self) -> None:
        frames = Frames(EPOCH)
        log, windows = listened()
        for number in range(3):
            log.append(draft(1_000 + 50 * number, [*fsyncs(1, first=number), made("Swim.Alive")]))
        first, second, third = windows
        asked = [
            ([first], EVERYTHING, JSON),
            ([first], EVERYTHING, MESSAGEPACK),
            ([first], Filter.of(["swim"]), JSON),
            ([first, second], EVERYTHING, JSON),
            ([second], EVERYTHING, JSON),
            ([second, third], EVERYTHING, JSON),
            ([first, second, third], EVERYTHING, JSON),
        ]
        payloads = [live(frames, seen, by, encoder).payload for seen, by, encoder in asked]
        self.assertEqual(len(set(payloads)), len(asked))
        for (seen, by, encoder), payload in zip(asked, payloads, strict=True):
            said = msgpack.unpackb(payload) if encoder is MESSAGEPACK else json.loads(payload)
            right = [json.loads(text) for each in seen for text in select(each, by).fragments]
            self.assertEqual(said["data"]["events"], right)

    def test_readers_of_different_parts_of_a_window_get_their_parts_whoever_comes_first(self) -> None:
        seen = window([*fsyncs(2), made("Swim.Alive"), made("SlotHeat")])
        frames = Frames(EPOCH)
        for types in (["swim"], ["wal", "swim"], ["heat"], [], ["swim"]):
            by = Filter.of(types)
            said = msgpack.unpackb(live(frames, [seen], by, MESSAGEPACK).payload)
            self.assertEqual(said["data"]["events"], [json.loads(text) for text in select(seen, by).fragments])

    def test_an_event_that_stands_twice_in_a_window_is_sent_twice(self) -> None:
        frames, seen = Frames(EPOCH), window([*fsyncs(1), *fsyncs(1)])
        for _ in range(2):
            self.assertEqual(
                texts(msgpack.unpackb(live(frames, [seen], EVERYTHING, MESSAGEPACK).payload)),
                [0, 0],
            )

    def test_nothing_is_remembered_as_nothing(self) -> None:
        frames, seen, by = Frames(EPOCH), window(fsyncs(1)), Filter.of(["swim"])
        self.assertIsNone(frames.part(seen, by))
        self.assertIsNone(frames.part(seen, by))

    def test_what_was_forgotten_is_made_again_and_says_the_same(self) -> None:
        self.patch(Frames, "MAX_KEPT", 4)
        self.patch(Frames, "MAX_WINDOWS", 1)
        frames = Frames(EPOCH)
        log, windows = listened()
        for number in range(40):
            log.append(draft(1_000 + 50 * number, fsyncs(2, first=2 * number)))
        for by in (EVERYTHING, Filter.of(["wal"])):
            for encoder, loads in ((JSON, json.loads), (MESSAGEPACK, msgpack.unpackb)):
                for at in (*range(40), 0, 39, 5):
                    frame = live(frames, [windows[at]], by, encoder)
                    self.assertEqual(texts(loads(frame.payload)), [2 * at, 2 * at + 1])

    def test_windows_that_the_log_has_let_go_are_not_kept_by_what_readers_share(self) -> None:
        before = windows_alive()
        frames = Frames(EPOCH)
        for number in range(100):
            seen = window([*fsyncs(20), made("Swim.Alive")], seq=number + 1)
            for by in (EVERYTHING, Filter.of(["swim"])):
                for encoder in (JSON, MESSAGEPACK):
                    live(frames, [seen], by, encoder)
        del seen
        self.assertEqual(windows_alive(), before)

    def test_what_readers_share_is_bounded_in_bytes(self) -> None:
        self.assertEqual(Frames.MAX_KEPT_BYTES, 16 << 20)
        self.patch(Frames, "MAX_KEPT_BYTES", 1 << 20)
        frames = Frames(EPOCH)
        for number in range(60):
            seen = window(fsyncs(300), seq=number + 1)
            for by in (EVERYTHING, Filter.of(["wal"])):
                for encoder in (JSON, MESSAGEPACK):
                    live(frames, [seen], by, encoder)
        kept = {id(text): len(text) for part, _ in frames._parts._items.values() for text in part.fragments}
        self.assertGreater(sum(kept.values()), 0)
        self.assertLessEqual(sum(kept.values()), Frames.MAX_KEPT_BYTES)
