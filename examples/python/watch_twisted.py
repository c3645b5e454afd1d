"""How many events there are, for a program of Twisted: `python watch_twisted.py http://127.0.0.1:9090`."""

import sys
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import react

from vizd.client.messages import Batch
from vizd.client.subscription import Subscription
from vizd.client.tx.subscriber import TxSubscriber


async def watch(reactor: Any, url: str) -> None:
    async with TxSubscriber(reactor, url, Subscription(state="none")) as stream:
        async for message in stream:
            if isinstance(message, Batch):
                print({name: count for name, count in message.data.summary.items() if count}, flush=True)


react(lambda reactor, url: ensureDeferred(watch(reactor, url)), sys.argv[1:])
