"""A node that lives in asyncio says that it is alive: `python node.py 127.0.0.1:9091`."""

import asyncio
import sys
import time

from vizd.client.publisher import Publisher
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE, SwimEvt, VizEvent


async def live(target: str) -> None:
    publisher = Publisher(target, node=1, node_name="node-1")
    publisher.start()
    # Never waits: the publisher talks in a thread of its own.
    publisher.emit(VizEvent(ts_ms=time.time_ns() // 1_000_000, swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE)))
    # What waits goes into another thread, and the loop goes on.
    all_stored = await asyncio.to_thread(publisher.close, timeout_s=10)
    print("all stored" if all_stored else publisher.stats)


asyncio.run(live(sys.argv[1]))
