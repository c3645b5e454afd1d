"""Who leads which shard, now and from now on: `python watch.py http://127.0.0.1:9090`."""

import asyncio
import sys

from vizd.client.messages import Batch, Disconnected, Gap
from vizd.client.subscriber import Subscriber
from vizd.client.subscription import Subscription


async def watch(url: str) -> None:
    async with Subscriber(url, Subscription(types=["raft"])) as stream:
        async for message in stream:
            match message:
                case Batch():
                    for event in message.data.events:
                        data = event["event"]["data"]
                        if data["kind"]["kind"] == "LeaderElected":
                            when = "is led" if message.snapshot else "is now led"
                            print(f"shard {data['shard']} {when} by {data['kind']['node']}", flush=True)
                case Gap():
                    print(f"something is missing: {message.reason}", flush=True)
                case Disconnected():
                    print(f"{message.reason}; again in {message.retry_s:.1f} s", flush=True)


asyncio.run(watch(sys.argv[1]))
