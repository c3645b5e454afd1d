"""``picows``: a WebSocket server in Cython. The payload is made once a tick, and framed in place for each client."""

import asyncio

from picows import WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from bench.speed.references.command import options

_ROOM_BYTES = 14
"""In front of the payload, for the frame's header."""

_clients: set[WSTransport] = set()


class _Listener(WSListener):
    def on_ws_connected(self, transport: WSTransport) -> None:
        """It is sent whatever is sent."""
        _clients.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """It has gone."""
        _clients.discard(transport)


def _listener(_: WSUpgradeRequest) -> _Listener:
    return _Listener()


async def _run() -> None:
    stamped, every_s = options()
    server = await ws_create_server(_listener, "127.0.0.1", 0)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    while True:
        due_s += every_s
        await asyncio.sleep(due_s - loop.time())
        payload = bytearray(_ROOM_BYTES) + stamped()
        for client in _clients:
            client.send_reuse_external_bytearray(WSMsgType.TEXT, payload, _ROOM_BYTES)


if __name__ == "__main__":
    asyncio.run(_run())
