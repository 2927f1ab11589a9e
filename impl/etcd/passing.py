"""Asking another node, over gRPC at its clients' address: in one hop, over connections that are kept.

Guarantees: never raises; what was not answered is `Lost`, what cannot have arrived `Busy`.
"""

from __future__ import annotations

import grpc
import grpc.aio

from ratified.impl.contract import Busy, Command, Done, Lost, NotLeader, Outcome, Refused
from ratified.impl.etcd import etcd_pb2 as pb

SERVICE = "ratified.Node"
OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
)


def came(outcome: Outcome) -> pb.Came:
    """Return an outcome as it is sent."""
    match outcome:
        case Done(result):
            return pb.Came(outcome=pb.Came.DONE, result=result)
        case NotLeader(leader):
            return pb.Came(outcome=pb.Came.NOT_LEADER, leader=leader or "")
        case Lost(leader):
            return pb.Came(outcome=pb.Came.LOST, leader=leader or "")
        case Refused(reason):
            return pb.Came(outcome=pb.Came.REFUSED, reason=reason)
    return pb.Came(outcome=pb.Came.BUSY)


def outcome_of(message: pb.Came) -> Outcome:
    """Return an outcome that was sent."""
    match message.outcome:
        case pb.Came.DONE:
            return Done(message.result)
        case pb.Came.NOT_LEADER:
            return NotLeader(message.leader or None)
        case pb.Came.REFUSED:
            return Refused(message.reason)
        case pb.Came.BUSY:
            return Busy()
    return Lost(message.leader or None)


class Nodes:
    """The other nodes, by address."""

    def __init__(self, credentials: grpc.ChannelCredentials | None = None) -> None:
        self._credentials = credentials
        self._channels: dict[str, grpc.aio.Channel] = {}

    def _channel(self, address: str) -> grpc.aio.Channel:
        channel = self._channels.get(address)
        if channel is None:
            if self._credentials is None:
                channel = grpc.aio.insecure_channel(address, options=OPTIONS)
            else:
                channel = grpc.aio.secure_channel(address, self._credentials, options=OPTIONS)
            self._channels[address] = channel
        return channel

    async def submit(self, address: str, command: Command, wait_ms: int) -> Outcome:
        """Have it submit a command."""
        return await self._pass(address, "Submit", command, wait_ms)

    async def confirm(self, address: str, command: Command, wait_ms: int) -> Outcome:
        """Have it confirm that it leads."""
        return await self._pass(address, "Confirm", command, wait_ms)

    async def order(self, address: str, command: Command, wait_ms: int) -> Outcome:
        """Have it give an order."""
        return await self._pass(address, "Order", command, wait_ms)

    async def _pass(self, address: str, method: str, command: Command, wait_ms: int) -> Outcome:
        call = self._channel(address).unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=pb.Passed.SerializeToString,
            response_deserializer=pb.Came.FromString,
        )
        passed = pb.Passed(client=command.client, serial=command.serial, payload=command.payload)
        try:
            return outcome_of(await call(passed, timeout=wait_ms / 1000))
        except grpc.aio.AioRpcError:
            return Lost(None)

    async def lease(self, address: str, asked: pb.AskLeft, wait_ms: int) -> pb.Left:
        """Ask for the time that a lease has, or renew it."""
        call = self._channel(address).unary_unary(
            f"/{SERVICE}/Lease",
            request_serializer=pb.AskLeft.SerializeToString,
            response_deserializer=pb.Left.FromString,
        )
        try:
            return await call(asked, timeout=wait_ms / 1000)
        except grpc.aio.AioRpcError:
            return pb.Left(outcome=pb.Came.LOST)

    async def close(self) -> None:
        """Close all connections."""
        for channel in self._channels.values():
            await channel.close()
