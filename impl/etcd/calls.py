"""How calls come in: who may call, what every answer begins with, and what is said to who calls what there is not.

Guarantees: a call by one who may do nothing here reaches no method; a Fault that a method raises is what its caller is told; each
method of etcd's interface that is not here is refused with a sentence that says what there is instead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Protocol, TypeAlias

from google.protobuf.message import DecodeError, Message
from grpc import StatusCode

from ratified.impl.etcd import errors
from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.errors import Fault
from ratified.impl.etcd.settings import Permissions
from ratified.impl.runtime.replica import Replica
from ratified.impl.store import values


class Context(Protocol):
    """What a method is told of a call beside the request; grpcio's has more."""

    def invocation_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """What the caller says beside its request."""

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        """Who calls, by its certificate."""


Method: TypeAlias = Callable[[Any, Context], Awaitable[Message]]
Stream: TypeAlias = Callable[[Any, Context], AsyncIterator[Message]]
Methods: TypeAlias = Mapping[str, Mapping[str, tuple[type[Message], Method]]]
"""By service and name: the type of the request, and what answers it."""

Streams: TypeAlias = Mapping[str, Mapping[str, tuple[type[Message], Stream]]]

NAME = "x509_common_name"


@dataclass(frozen=True, slots=True)
class Served:
    """What serves a method: the type of its requests, what it does, and whether it takes many requests, gives many answers."""

    request: type[Message]
    do: Any
    asks: bool
    answers: bool

    def parsed(self, request: bytes) -> Message:
        """Return a request. Raises Fault: it is none."""
        try:
            return self.request.FromString(request)
        except DecodeError:
            raise Fault(StatusCode.INTERNAL, "grpc: failed to unmarshal the received message") from None


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
        self._served: dict[str, Served] = {}
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

    def serve(self, *tables: tuple[Methods, Streams, Streams]) -> None:
        """Serve these: methods, streams both ways, and streams of answers."""
        for methods, both_ways, answers in tables:
            for table, asks, streams in (
                (methods, False, False),
                (both_ways, True, True),
                (answers, False, True),
            ):
                for service, named in table.items():
                    for name, (message, method) in named.items():
                        do = self._streaming(method) if streams else self._answering(method)
                        self._served[f"/{service}/{name}"] = Served(message, do, asks, streams)

    def find(self, path: str) -> Served:
        """Return what serves a path. Raises Fault: nothing; whoever wants to log in is told as by an etcd without users."""
        served = self._served.get(path)
        if served is None:
            raise self._missing(path)
        return served

    def _missing(self, path: str) -> Fault:
        asked = path.strip("/")
        service, _, name = asked.partition("/")
        instead = INSTEAD.get(asked) or INSTEAD.get(service)
        if asked == "etcdserverpb.Auth/Authenticate":
            return Fault(StatusCode.FAILED_PRECONDITION, "etcdserver: authentication is not enabled")
        if instead is not None:
            return Fault(StatusCode.UNIMPLEMENTED, f"ratified: {instead}")
        if any(known.startswith(f"/{service}/") for known in self._served):
            return Fault(StatusCode.UNIMPLEMENTED, f"unknown method {name} for service {service}")
        return Fault(StatusCode.UNIMPLEMENTED, f"unknown service {service}")

    def _answering(self, method: Any) -> Any:
        async def answer(request: Any, context: Context) -> Message:
            self._admit(context)
            return await method(request, context)  # type: ignore[no-any-return]  # a Method; they are made from a table

        return answer

    def _streaming(self, method: Any) -> Any:
        async def stream(requests: Any, context: Context) -> AsyncIterator[Message]:
            self._admit(context)
            async with aclosing(method(requests, context)) as responses:
                async for response in responses:
                    yield response

        return stream
