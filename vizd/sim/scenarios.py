"""What befalls a simulated cluster: stories with an end, told again and again.

A story is a function over what the parts of the cluster can do, a ``Cast``. They stand in modules by subject, each with
the sentence that says what happens in it; here they all have their names.
"""

from collections.abc import Mapping

from vizd.sim import engine_stories, node_stories, ordinary_life, publishing_stories, shard_stories
from vizd.sim.cast import Scenario

__all__ = ["DEFAULT_SCENARIO", "SCENARIOS"]

DEFAULT_SCENARIO = "lively"

SCENARIOS: Mapping[str, Scenario] = {
    **ordinary_life.STORIES,
    **node_stories.STORIES,
    **shard_stories.STORIES,
    **engine_stories.STORIES,
    **publishing_stories.STORIES,
}
"""By name."""
