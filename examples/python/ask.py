"""What is wrong, and what happened in the last minute: `python ask.py http://127.0.0.1:9090`."""

import asyncio
import sys
import time

from vizd.client.api import Api
from vizd.client.trouble import DaemonError


async def ask(url: str) -> None:
    async with Api(url) as api:
        for finding in (await api.insight())["findings"]:
            print("open" if finding["open"] else "over", finding["severity"], finding["detail"])
        events = 0
        async for item in api.history(from_ms=time.time_ns() // 1_000_000 - 60_000, types=["raft", "swim", "wal"]):
            if "gap" in item:
                print("missing:", item["gap"])
            else:
                events += len(item.get("events", ()))
        print(events, "events")


try:
    asyncio.run(ask(sys.argv[1]))
except DaemonError as why:
    sys.exit(str(why))
