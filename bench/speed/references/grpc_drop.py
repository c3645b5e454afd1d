"""The least that a gRPC handler can do with the same proto: decode a message, count its events, drop it, acknowledge.

    python -m bench.speed.references.grpc_drop

Its options are those of the daemon's own server; so is the bound on what may be in flight.
"""

import asyncio
from typing import Any

import grpc

from vizd.ingest.call import MAX_IN_FLIGHT, MAX_MESSAGE_BYTES
from vizd.ingest.limits import Limits
from vizd.ingest.server import SERVICE
from vizd.wire.vizd_pb2 import Ack, PublishRequest, PublishResponse, Welcome


async def _publish(_requests: object, context: Any) -> None:
    raw = await context.read()
    hello = PublishRequest.FromString(raw).hello
    through = hello.next_seq - 1
    welcome = Welcome(stored_through=through, max_in_flight=MAX_IN_FLIGHT, max_message_bytes=MAX_MESSAGE_BYTES)
    await context.write(PublishResponse(welcome=welcome))
    while (raw := await context.read()) is not grpc.aio.EOF:
        through += len(PublishRequest.FromString(raw).events.events)
        await context.write(PublishResponse(ack=Ack(stored_through=through, received_through=through)))


async def _run() -> None:
    server = grpc.aio.server(options=Limits().channel_options(1))
    publish = grpc.stream_stream_rpc_method_handler(_publish, response_serializer=PublishResponse.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Publish": publish}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"port {port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_run())
