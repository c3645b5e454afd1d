"""Which event of a shard's leadership is the newest."""

from twisted.trial.unittest import TestCase

from tests.stream.made import made
from vizd.state.leadership import Lead, Leadership

KEY = b"shard 1"
MOST = 2**64 - 1


class OfAShard(TestCase):
    """Nodes 1, 2 and 3 publish; each election is of a leader that is none of them, as real nodes name it."""

    def setUp(self) -> None:
        self.incarnations: dict[int, int] = {1: 10, 2: 20, 3: 30}
        self.leadership = Leadership(self.incarnations.get)

    def elected(self, term: int, publisher: int = 1, leader: int = 1_001) -> bool:
        facet, _ = made("Raft.LeaderElected", publisher, shard=1, term=term, node=leader)
        return self.leadership.follow(KEY, facet, term)

    def stepped_down(self, term: int, publisher: int = 1) -> bool:
        facet, _ = made("Raft.StepDown", publisher, shard=1, term=term)
        return self.leadership.follow(KEY, facet, term)

    def test_a_higher_term_counts_and_a_lower_does_not(self) -> None:
        self.assertTrue(self.elected(MOST - 1))
        self.assertTrue(self.stepped_down(MOST, publisher=2))
        self.assertFalse(self.elected(MOST - 1, publisher=2))
        self.assertFalse(self.stepped_down(5))

    def test_of_two_leaders_in_one_term_the_last_counts(self) -> None:
        self.elected(5)
        self.assertTrue(self.elected(5, publisher=2, leader=1_002))
        self.assertFalse(self.stepped_down(5, publisher=1))
        self.assertTrue(self.stepped_down(5, publisher=2))

    def test_in_its_term_a_step_down_counts_from_the_elected_node_or_who_told_of_the_election(self) -> None:
        self.elected(5, publisher=1, leader=3)
        self.assertFalse(self.stepped_down(5, publisher=2))
        self.assertTrue(self.stepped_down(5, publisher=3))
        self.assertTrue(self.stepped_down(5, publisher=1))

    def test_in_a_term_without_an_election_the_first_step_down_stays(self) -> None:
        self.assertTrue(self.stepped_down(5))
        self.assertFalse(self.stepped_down(5, publisher=2))
        self.assertTrue(self.elected(5))

    def test_a_lower_term_counts_when_all_who_reported_the_higher_one_have_started_anew(self) -> None:
        self.elected(9, publisher=1)
        self.stepped_down(9, publisher=2)
        self.incarnations[1] = 11
        self.assertFalse(self.elected(1, publisher=1))
        self.incarnations[2] = 21
        self.assertTrue(self.elected(1, publisher=1))
        self.assertTrue(self.elected(2, publisher=3))
        self.assertFalse(self.elected(1, publisher=1))

    def test_who_says_the_higher_term_again_after_a_restart_was_not_wiped(self) -> None:
        self.elected(9)
        self.incarnations[1] = 11
        self.elected(9)
        self.assertFalse(self.elected(1))

    def test_a_publisher_that_is_not_known_has_not_started_anew(self) -> None:
        self.elected(9)
        del self.incarnations[1]
        self.assertFalse(self.elected(1))
        self.elected(10)
        self.incarnations[1] = 11
        self.assertFalse(self.elected(1))

    def test_a_late_event_leaves_no_trace(self) -> None:
        self.elected(9)
        shown = self.leadership.shown()
        self.elected(1, publisher=2)
        self.assertEqual(dict(self.leadership.shown()), {KEY: Lead(9, (1_001, 1), ((1, 10),))})
        self.elected(10)
        self.assertEqual(shown[KEY].term, 9)

    def test_a_shard_that_is_forgotten_begins_again(self) -> None:
        self.elected(9)
        self.leadership.forget(KEY)
        self.assertTrue(self.elected(1))

    def test_the_publishers_of_a_term_are_bounded(self) -> None:
        for publisher in range(1_000):
            self.elected(9, publisher)
        self.assertEqual(len(self.leadership.shown()[KEY].reporters), Leadership.MAX_REPORTERS)
