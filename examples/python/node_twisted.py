"""The same for a program of Twisted: `python node_twisted.py 127.0.0.1:9091`."""

import sys
import time
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import react
from twisted.internet.threads import deferToThread

from vizd.client.publisher import Publisher
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE, SwimEvt, VizEvent


async def live(_reactor: Any, target: str) -> None:
    publisher = Publisher(target, node=2, node_name="node-2")
    publisher.start()
    publisher.emit(VizEvent(ts_ms=time.time_ns() // 1_000_000, swim=SwimEvt(node=2, kind=SWIM_KIND_ALIVE)))
    all_stored = await deferToThread(publisher.close, timeout_s=10)
    print("all stored" if all_stored else publisher.stats)


react(lambda reactor, target: ensureDeferred(live(reactor, target)), sys.argv[1:])
