"""``websockets``: its asyncio server and its ``broadcast``, without compression, as its documentation advises."""

import asyncio

from websockets.asyncio.server import ServerConnection, broadcast, serve

from bench.speed.references.command import options


async def _run() -> None:
    stamped, every_s = options()

    async def stay(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(stay, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(f"port {next(iter(server.sockets)).getsockname()[1]}", flush=True)
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s += every_s
            await asyncio.sleep(due_s - loop.time())
            broadcast(server.connections, stamped().decode())


if __name__ == "__main__":
    asyncio.run(_run())
