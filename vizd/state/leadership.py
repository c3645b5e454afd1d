"""Which LeaderElected or StepDown of a shard is the newest: not always the last one.

- A higher term: it counts.
- The same term: a LeaderElected counts; a StepDown counts from the node that was elected last in this term, or from
  the publisher of that election.
- A lower term: it counts once every publisher that reported the higher one has a new incarnation, for the cluster was
  wiped then and begins again. Else it is late, and nothing follows from it.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from vizd.events.facet import Facet
from vizd.state.nodes import have_restarted
from vizd.state.shared import SharedDict

__all__ = ["Lead", "Leadership"]


class Lead(NamedTuple):
    """What has to be known of a shard's term to judge the next event.

    :ivar elected: the leader of the last election in this term, and the publisher of that election; ``None``: none
        has been seen.
    :ivar reporters: the publishers of this term, each with its incarnation, which is ``None`` where no mark tells it.
    """

    term: int
    elected: tuple[int, int] | None
    reporters: tuple[tuple[int, int | None], ...]


class Leadership:
    """Of all shards.

    :cvar MAX_REPORTERS: of a term: more nodes than hold one shard. Further ones are not remembered.
    """

    MAX_REPORTERS = 64

    def __init__(self, incarnation_of: Callable[[int], int | None]) -> None:
        """
        :param incarnation_of: the newest process of a node, as far as the log has told of it.
        """
        self._incarnation_of = incarnation_of
        self._leads = SharedDict[bytes, Lead]()

    def shown(self) -> Mapping[bytes, Lead]:
        """By key of the shard's leadership, as it is now."""
        return self._leads.shown()

    def follow(self, key: bytes, facet: Facet, term: int) -> bool:
        """The next event of the log; whether it is the newest of its key.

        :param facet: of a LeaderElected, whose nodes are the leader and, where that is another, the publisher; or of
            a StepDown, whose node is the publisher.
        """
        publisher = facet.nodes[-1]
        election = (facet.nodes[0], publisher) if facet.kind.name == "LeaderElected" else None
        lead = self._leads.now.get(key)
        if lead is not None and term < lead.term and not self._was_wiped(lead):
            return False
        if lead is None or term != lead.term:
            lead = Lead(term, None, ())
            is_newest = True
        else:
            is_newest = election is not None or (lead.elected is not None and publisher in lead.elected)
        reported = Lead(term, election or lead.elected, self._reporters(lead, publisher))
        if self._leads.now.get(key) != reported:
            self._leads.put(key, reported)
        return is_newest

    def _was_wiped(self, lead: Lead) -> bool:
        return have_restarted(lead.reporters, self._incarnation_of)

    def _reporters(self, lead: Lead, publisher: int) -> tuple[tuple[int, int | None], ...]:
        reporter = publisher, self._incarnation_of(publisher)
        if reporter in lead.reporters:
            return lead.reporters
        others = tuple(each for each in lead.reporters if each[0] != publisher)
        return (*others, reporter)[: self.MAX_REPORTERS]

    def get(self, key: bytes) -> Lead | None:
        """``None`` where nothing is known of the shard."""
        return self._leads.now.get(key)

    def put(self, key: bytes, lead: Lead) -> None:
        """What a keyframe knew."""
        self._leads.put(key, lead)

    def forget(self, key: bytes) -> None:
        """The newest event of this key is not kept any longer; nothing, where that is no leadership."""
        self._leads.drop(key)
