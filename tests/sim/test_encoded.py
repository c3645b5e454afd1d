from twisted.trial.unittest import TestCase

from tests.sim.watched import START_MS
from vizd.events.catalogue import EventClass
from vizd.sim.encoded import decoded, encoded, ts_field
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE, SwimEvt, VizEvent


class EncodedTests(TestCase):
    def test_an_event_comes_back_as_it_was_with_its_class(self) -> None:
        event = VizEvent(ts_ms=START_MS, swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE))
        self.assertEqual(decoded(encoded(event)), event)
        self.assertIs(encoded(event)[1], EventClass.TRANSITION)

    def test_a_ts_before_the_bytes_of_an_event_without_one_is_that_of_the_event(self) -> None:
        timeless = VizEvent(swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE))
        event = VizEvent.FromString(ts_field(START_MS) + timeless.SerializeToString())
        self.assertEqual((event.ts_ms, event.swim), (START_MS, timeless.swim))
