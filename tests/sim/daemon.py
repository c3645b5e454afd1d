"""A daemon to a simulation, where nodes die and come back: it knows one incarnation from another."""

from tests.client.peer import Conversation


async def store_each_life(talk: Conversation) -> None:
    """Keep and acknowledge all that one stream brings, as the first and only one of its incarnation."""
    await talk.welcome(stored_through=talk.hello.acked_through)
    while await talk.read() is not None:
        await talk.ack(talk.hello.acked_through + len(talk.events))
