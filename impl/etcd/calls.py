"""How calls come in: who may call, what every answer begins with, and what is said to who calls what there is not.

Guarantees: a call by one who may do nothing here reaches no method; a Fault that a method raises is what its caller is told; each
method of etcd's interface that is not here is refused with a sentence that says what there is instead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import Message

from ratified.impl.etcd import errors
from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.errors import Fault
from ratified.impl.etcd.settings import Permissions
from ratified.impl.runtime.replica import Replica
from ratified.impl.store import values

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Method: TypeAlias = Callable[[Any, Context], Awaitable[Message]]
Stream: TypeAlias = Callable[[Any, Context], AsyncIterator[Message]]
Methods: TypeAlias = Mapping[str, Mapping[str, tuple[type[Message], Method]]]
"""By service and name: the type of the request, and what answers it."""

Streams: TypeAlias = Mapping[str, Mapping[str, tuple[type[Message], Stream]]]

NAME = "x509_common_name"

INSTEAD: Final[Mapping[str, str]] = {
    "etcdserverpb.Auth": "there are no users and roles: certificates identify clients, and the tables "
    "[etcd.permissions.NAME] of each node's file say what they may do",
    "etcdserverpb.Cluster/MemberUpdate": "the addresses of all nodes are in each node's file, under [nodes]: "
    "change them, and restart the nodes one after the other",
    "v3lockpb.Lock": "locks are made by the client, of a lease and a key, as etcdctl and etcd's libraries do",
    "v3electionpb.Election": "elections are held by the client, with leases and keys, as etcdctl and etcd's libraries do",
}
"""What is not there, and why: by service, or by method."""


def identity(name: str) -> int:
    """Return the number that etcd's clients know a node by."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") or 1


class Calls:
    """What all methods need to know of a call."""

    def __init__(self, replica: Replica, cluster: str, permissions: Permissions) -> None:
        self.permissions = permissions
        self.member = identity(replica.status().node)
        self._replica = replica
        self._cluster = int.from_bytes(sha256(f"cluster {cluster}".encode()).digest()[:8], "big")

    def header(self, revision: int = 0) -> pb.ResponseHeader:
        """Return what an answer begins with; without a revision, as etcd has it, where it is not about keys."""
        return pb.ResponseHeader(
            cluster_id=self._cluster, member_id=self.member, revision=revision, raft_term=self._replica.term
        )

    # Who calls

    def who(self, context: Context) -> str | None:
        """Return the name in the caller's certificate."""
        if self.permissions.everybody:
            return None
        names = context.auth_context().get(NAME, ())
        return next(iter(names), b"").decode("utf-8", "replace") or None

    def _admit(self, context: Context) -> None:
        """Refuse who may do nothing here."""
        if self.permissions.everybody:
            return
        name = self.who(context)
        if not self.permissions.is_known(name) and name not in self.permissions.nodes:
            raise errors.permission_denied()

    def administrator(self, context: Context) -> None:
        """Refuse who is none."""
        if not self.permissions.everybody and not self.permissions.is_administrator(self.who(context)):
            raise errors.permission_denied()

    def node(self, context: Context) -> None:
        """Refuse who is no node of the cluster."""
        if not self.permissions.everybody and self.who(context) not in self.permissions.nodes:
            raise errors.permission_denied()

    def may(self, context: Context, op: values.Put | values.Delete | values.Range | values.Txn) -> None:
        """Refuse who may not do all that an operation could come to."""
        if not self.permissions.everybody and not self.permissions.allows(self.who(context), op):
            raise errors.permission_denied()

    # For gRPC

    def handlers(self, *tables: tuple[Methods, Streams, Streams]) -> Iterator[grpc.GenericRpcHandler]:
        """Give services to gRPC: methods, streams both ways, and streams of answers."""
        known: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}
        for methods, both_ways, answers in tables:
            for kind, wrap, table in (
                (grpc.unary_unary_rpc_method_handler, self._answering, methods),
                (grpc.stream_stream_rpc_method_handler, self._streaming, both_ways),
                (grpc.unary_stream_rpc_method_handler, self._streaming, answers),
            ):
                for service, named in table.items():
                    for name, (message, method) in named.items():
                        known.setdefault(service, {})[name] = kind(
                            wrap(method),
                            request_deserializer=message.FromString,
                            response_serializer=_serialized,
                        )
        for service, handlers in known.items():
            yield grpc.method_handlers_generic_handler(service, handlers)
        yield _Missing(known)

    def _answering(self, method: Any) -> Any:
        async def answer(request: Any, context: Context) -> Message:
            try:
                self._admit(context)
                return await method(request, context)  # type: ignore[no-any-return]  # a Method; they are made from a table
            except Fault as failed:
                return await context.abort(failed.code, failed.text)

        return answer

    def _streaming(self, method: Any) -> Any:
        async def stream(requests: Any, context: Context) -> AsyncIterator[Message]:
            try:
                self._admit(context)
                async for response in method(requests, context):
                    yield response
            except Fault as failed:
                await context.abort(failed.code, failed.text)

        return stream


class _Missing(grpc.GenericRpcHandler):
    """What there is not. Whoever wants to log in is told as by an etcd without users."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = {*known, *(each.partition("/")[0] for each in INSTEAD)}

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        asked = str(details.method).strip("/")
        service, _, name = asked.partition("/")
        if service not in self._known:
            return None
        code = grpc.StatusCode.UNIMPLEMENTED
        text = f"ratified: {service.partition('.')[2]} has no {name} here"
        instead = INSTEAD.get(asked) or INSTEAD.get(service)
        if asked == "etcdserverpb.Auth/Authenticate":
            code, text = grpc.StatusCode.FAILED_PRECONDITION, "etcdserver: authentication is not enabled"
        elif instead is not None:
            text = f"ratified: {instead}"

        async def refuse(_request: bytes, context: Context) -> bytes:
            return await context.abort(code, text)

        return grpc.unary_unary_rpc_method_handler(refuse)


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()
