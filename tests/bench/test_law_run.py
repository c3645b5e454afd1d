"""What is said of a run as a whole, and of a reference that has not everything."""

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from bench.law.check import Checked
from bench.law.kinds import KINDS, plans
from bench.law.log import Log
from bench.law.run import MIB, Options, Ran, Sample
from tests.bench.made import FORMS, WINDOWS, batches, changed, gap, opened, windows

OPTIONS = Options(
    seconds=600, clients=2, rate=10, nodes=2, seed=1, buffer_mb=16, retention_s=0, max_events_per_s=5
)  # fmt: skip


def ran() -> Ran:
    """One in which all went well."""
    return Ran(
        OPTIONS,
        samples=[Sample(float(at), 100 * MIB, at / 10) for at in range(600)],
        acked={1: 10, 2: 20},
        expected=30,
        rss_base_bytes=80 * MIB,
        rss_peak_bytes=120 * MIB,
        stats={"total_events_received": 30, "ingest": {"lost": 0, "invalid": 0, "unknown": 0, "duplicates": 7}},
        exit_status=0,
        checked=Checked([], [], {1: 10, 2: 20}),
    )


class RunTests(SynchronousTestCase):
    """The sentences that are of no client."""

    def test_nothing_to_say(self) -> None:
        self.assertEqual(ran().violations, [])
        self.assertEqual(round(ran().cpu_share, 2), 0.1)

    def test_one_thing_is_wrong(self) -> None:
        def lose(run: Ran) -> None:
            run.checked.stored[2] = 19

        def store_more(run: Ran) -> None:
            run.checked.stored[2] = 21

        def leave_out(run: Ran) -> None:
            run.expected = 31

        def count_twice(run: Ran) -> None:
            run.stats["total_events_received"] = 31

        def count_lost(run: Ran) -> None:
            run.stats["ingest"]["lost"] = 1

        def grow(run: Ran) -> None:
            run.rss_peak_bytes = 300 * MIB

        def creep(run: Ran) -> None:
            run.samples += [Sample(600.0 + at, 140 * MIB, 60) for at in range(60)]

        def crash(run: Ran) -> None:
            run.exit_status = -9

        def complain(run: Ran) -> None:
            run.complaints = ["Traceback"]

        def tell(run: Ran) -> None:
            run.checked.violations.append("of a client")

        spoil: Callable[[Ran], None]
        for spoil in (lose, store_more, leave_out, count_twice, count_lost, grow, creep, crash, complain, tell):
            spoiled = ran()
            spoil(spoiled)
            self.assertEqual(len(spoiled.violations), 1, spoil)


class ReferenceTests(SynchronousTestCase):
    """It has to be the log, or nothing can be compared with it."""

    def test_the_log_is_what_publishers_said(self) -> None:
        made = windows()
        self.assertEqual(Log([*opened(), *batches(made, 0, WINDOWS)], FORMS).faults, [])

    def test_a_reference_that_has_not_everything(self) -> None:
        made = windows()
        whole = [*opened(), *batches(made, 0, WINDOWS)]
        for spoiled in (
            changed(whole, 3, lambda _: []),
            changed(whole, 3, lambda each: [each, each]),
            [*opened(), *batches(made, 0, 10), gap(made, 10, 11, "slow"), *batches(made, 11, WINDOWS)],
        ):
            self.assertTrue(Log(spoiled, FORMS).faults)


class PlansTests(SynchronousTestCase):
    """Who is there."""

    def test_all_kinds_are_there_and_few_ask_for_everything(self) -> None:
        for clients in (13, 100):
            found = plans(clients, 20_000, 500, FORMS, seed=1, retention_s=60, seconds=600)
            self.assertEqual(len({each.name for each in found}), clients)
            self.assertEqual({each.kind for each in found}, set(KINDS))
            self.assertEqual(sum(each.asked.is_open for each in found), 5)
            for each in found:
                self.assertTrue(each.asked.is_open or FORMS.share(each.asked) * 20_000 <= 500, each)

    def test_a_seed_decides(self) -> None:
        def planned(seed: int) -> object:
            return plans(30, 20_000, 500, FORMS, seed, 60, 600)

        self.assertEqual(planned(3), planned(3))
        self.assertNotEqual(planned(3), planned(4))
