"""Server reflection, ``v1`` and ``v1alpha``: what services there are and the protos of their messages.

The two say the same in the same bytes; the newer one is what tools ask for first, and grpcio-reflection has only
the older one.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection, reflection_pb2

__all__ = ["SERVICES", "Reflection"]

_V1 = "grpc.reflection.v1"
_V1ALPHA = "grpc.reflection.v1alpha"
SERVICES = (f"{_V1}.ServerReflection", f"{_V1ALPHA}.ServerReflection")


class Reflection:
    """Answers for both."""

    request_from_bytes: Callable[[bytes], Any] = reflection_pb2.ServerReflectionRequest.FromString
    answer_to_bytes: Callable[[Any], bytes] = reflection_pb2.ServerReflectionResponse.SerializeToString

    def __init__(self, names: tuple[str, ...]) -> None:
        """
        :param names: of the services.
        """
        pool = descriptor_pool.Default()
        pool.Add(_v1_proto())
        self._servicer = reflection.aio.ReflectionServicer((*names, *SERVICES), pool)

    async def answer_all(self, requests: AsyncIterator[Any], context: Any) -> None:
        """The handler of ``ServerReflectionInfo``."""
        async for answer in self._servicer.ServerReflectionInfo(requests, context):
            await context.write(answer)


def _v1_proto() -> FileDescriptorProto:
    """That of the newer one, which differs in its name."""
    proto = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(proto)
    proto.name, proto.package = "grpc/reflection/v1/reflection.proto", _V1
    for message in proto.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = _renamed(field.type_name)
    for service in proto.service:
        for method in service.method:
            method.input_type, method.output_type = _renamed(method.input_type), _renamed(method.output_type)
    return proto


def _renamed(type_name: str) -> str:
    return type_name.replace(f".{_V1ALPHA}.", f".{_V1}.")
