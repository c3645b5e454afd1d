"""Long answers in JSON that are made slice by slice, one a turn of the reactor."""

from collections.abc import Iterator

from twisted.web.server import NOT_DONE_YET, Request

from vizd.web.paced import Paced, PacedEndpoint
from vizd.web.query import Query

__all__ = ["SlicedEndpoint", "write_slices"]


async def write_slices(paced: Paced, slices: Iterator[bytes]) -> None:
    """The whole body; slices may be empty. Each is made in a turn of its own."""
    await paced.turn()
    for text in slices:
        paced.write(text)
        await paced.turn()
    paced.finish()


class SlicedEndpoint(PacedEndpoint):
    """One whose answer follows from the query alone."""

    def slices(self, query: Query) -> Iterator[bytes]:
        """The body, see ``write_slices``.

        :raises ValueError: at once: a parameter is wrong, the text says which and how.
        """
        raise NotImplementedError

    def get(self, request: Request) -> int:
        """See ``Endpoint``."""
        slices = self.slices(Query(request.args or {}))
        if self.begin(request):
            self.answer(request, write_slices(Paced(request, self._turns), slices))
        return NOT_DONE_YET
