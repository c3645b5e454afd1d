"""The crowd and the raw loop, as processes: what one sends, the others count."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bench.speed.crowd import Crowd
from bench.speed.servers import Unavailable, reference

PAYLOAD = b'{"type":"batch","data":{"window_start":1,"window_end":2,"events":[' + b" " * 10_000 + b"]}}"
"""Its end becomes a time of 13 digits."""
SENT_BYTES = len(PAYLOAD) + 12


class CrowdTests(SynchronousTestCase):
    """``Crowd`` and ``references.raw_loop``."""

    def test_each_frame_once_and_in_time(self) -> None:
        frame = Path(self.mktemp())
        frame.write_bytes(PAYLOAD)
        crowd = Crowd()
        self.addCleanup(crowd.kill)
        with reference("raw_loop", "raw loop", f"--frame={frame}", "--per-second=50") as server:
            crowd.connect(server.port, [""] * 7)
            counts = crowd.over(0.5)
            while min(counts.batches) < 5:  # On a machine that is busy.
                counts = crowd.over(0.5)
            self.assertEqual(counts.size_bytes, sum(counts.batches) * SENT_BYTES)
            self.assertLessEqual(max(counts.batches) - min(counts.batches), 1)
            self.assertEqual((counts.gaps, counts.closed), (0, 0))
            self.assertTrue(all(-1 <= each < 5_000 for each in counts.late_ms))
            self.assertGreater(server.cpu_s, 0)
            crowd.leave()

    def test_nobody_listens(self) -> None:
        crowd = Crowd()
        self.addCleanup(crowd.kill)
        self.assertRaises(RuntimeError, crowd.connect, 1, [""])

    def test_a_reference_that_can_t_start_says_why(self) -> None:
        with self.assertRaises(Unavailable) as caught, reference("raw_loop", "raw loop", "--frame=no-such-file"):
            pass
        self.assertIn("no-such-file", str(caught.exception))
