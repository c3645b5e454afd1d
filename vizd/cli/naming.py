"""What people call a node."""

from vizd.cli.paper import Paper
from vizd.client.api import Api

__all__ = ["learn_names"]


async def learn_names(paper: Paper, api: Api) -> None:
    """Of all nodes that the daemon has heard of."""
    paper.names.update({each["node"]: each["name"] for each in (await api.coverage())["nodes"]})
