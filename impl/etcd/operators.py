"""What etcd's interface has for operators: who takes part, who leads, how nodes are, copies of all that there is.

A node is added by where it is. Its name, which etcd would learn from the node when it starts, is needed at once here: it is known
of the nodes in the settings, and otherwise is in the URL, `http://n4@10.0.0.4:7101`.

Guarantees: a change of the members is answered when it is committed; one that is not, for whatever reason, is a Fault.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from google.protobuf.message import Message

from ratified.impl.contract import NodeId, Refused
from ratified.impl.etcd import convert, errors
from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.batching import Batcher
from ratified.impl.etcd.bolt import file_of, trees_of
from ratified.impl.etcd.calls import Calls, Context, Methods, Streams, identity
from ratified.impl.etcd.errors import invalid
from ratified.impl.etcd.settings import Limits
from ratified.impl.runtime.replica import Member, Operated
from ratified.impl.store import values
from ratified.impl.store.store import Store

VERSION: Final = "3.5.0"
"""The version of etcd's interface that this is. Clients look at it to know what they may ask for."""

PAUSE_S: Final = 0.05

CHUNK: Final = 1 << 16
"""Bytes of a copy of the store that are sent at once."""


class Operators:
    """The services Cluster and Maintenance."""

    def __init__(
        self,
        calls: Calls,
        replica: Operated,
        batcher: Batcher,
        store: Callable[[], Store],
        limits: Limits,
    ) -> None:
        self._calls = calls
        self._replica = replica
        self._batcher = batcher
        self._store = store
        self._limits = limits

    def methods(self) -> tuple[Methods, Streams, Streams]:
        """Return all methods by their names: those of one answer, and those that stream answers."""
        unary: Methods = {
            "etcdserverpb.Cluster": {
                "MemberList": (pb.MemberListRequest, self.member_list),
                "MemberAdd": (pb.MemberAddRequest, self.member_add),
                "MemberRemove": (pb.MemberRemoveRequest, self.member_remove),
                "MemberPromote": (pb.MemberPromoteRequest, self.member_promote),
            },
            "etcdserverpb.Maintenance": {
                "Status": (pb.StatusRequest, self.status),
                "Alarm": (pb.AlarmRequest, self.alarm),
                "Defragment": (pb.DefragmentRequest, self.defragment),
                "Hash": (pb.HashRequest, self.hash),
                "HashKV": (pb.HashKVRequest, self.hash_kv),
                "MoveLeader": (pb.MoveLeaderRequest, self.move_leader),
            },
            "etcdserverpb.Auth": {"AuthStatus": (pb.StatusRequest, self.auth_status)},  # both are empty
        }
        answers: Streams = {"etcdserverpb.Maintenance": {"Snapshot": (pb.SnapshotRequest, self.snapshot)}}
        return unary, {}, answers

    # Members

    def _members(self) -> list[pb.Member]:
        scheme = "http" if self._calls.permissions.everybody else "https"
        return [
            pb.Member(
                ID=identity(member.node),
                name=member.node,
                peerURLs=[f"{scheme}://{member.peer}"] if member.peer else [],
                clientURLs=[f"{scheme}://{member.client}"] if member.client else [],
                isLearner=member.learner,
            )
            for member in self._replica.status().members
        ]

    def _member(self, number: int) -> Member:
        """Return a member by its number. Raises Fault: there is none."""
        for member in self._replica.status().members:
            if identity(member.node) == number:
                return member
        raise errors.member_not_found()

    async def member_list(self, request: pb.MemberListRequest, context: Context) -> pb.MemberListResponse:
        """Tell who takes part."""
        return pb.MemberListResponse(header=self._calls.header(), members=self._members())

    async def member_add(self, request: pb.MemberAddRequest, context: Context) -> pb.MemberAddResponse:
        """Have one more voter, or learner, which may come later."""
        self._calls.administrator(context)
        if len(request.peerURLs) > 1:
            raise invalid("ratified: a node has one peer URL")
        if not request.peerURLs:
            raise errors.bad_urls()
        name, peer = self._place(request.peerURLs[0])
        members = self._replica.status().members
        if any(member.node == name for member in members):
            raise errors.member_exists()
        if any(member.peer == peer for member in members):
            raise errors.peer_url_exists()
        learner = request.isLearner
        await self._changed(
            f"{'learn' if learner else 'add'} {name} {peer}",
            lambda: any(m.node == name and m.learner == learner for m in self._replica.status().members),
        )
        members_now = self._members()
        return pb.MemberAddResponse(
            header=self._calls.header(),
            member=next((m for m in members_now if m.name == name), None),
            members=members_now,
        )

    def _place(self, url: str) -> tuple[NodeId, str]:
        """Return the name and the address of a node that is to be added. Raises Fault."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise errors.bad_urls() from None
        if parts.scheme not in ("http", "https") or not host or not port or parts.path:
            raise errors.bad_urls()
        peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        name = parts.username or self._replica.known_at(peer)
        if not name:
            raise invalid(
                f"ratified: no node at {peer} is known here; say its name too, as in {parts.scheme}://NAME@{peer}"
            )
        return name, peer

    async def member_remove(
        self, request: pb.MemberRemoveRequest, context: Context
    ) -> pb.MemberRemoveResponse:
        """Have one member less."""
        self._calls.administrator(context)
        member = self._member(request.ID)
        if [m.node for m in self._replica.status().members if not m.learner] == [member.node]:
            raise errors.not_enough_members()
        await self._changed(
            f"remove {member.node}",
            lambda: all(m.node != member.node for m in self._replica.status().members),
        )
        return pb.MemberRemoveResponse(header=self._calls.header(), members=self._members())

    async def member_promote(
        self, request: pb.MemberPromoteRequest, context: Context
    ) -> pb.MemberPromoteResponse:
        """Have a learner vote that has nearly all of the log."""
        self._calls.administrator(context)
        member = self._member(request.ID)
        if not member.learner:
            raise errors.not_a_learner()
        await self._changed(
            f"promote {member.node}",
            lambda: any(m.node == member.node and not m.learner for m in self._replica.status().members),
        )
        return pb.MemberPromoteResponse(header=self._calls.header(), members=self._members())

    async def _changed(self, order: str, done: Callable[[], bool]) -> None:
        """Have the one that leads change the members, and wait until that is committed. Raises Fault.

        One change is made at a time, so the order is given again until it has had its effect.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.wait_ms / 1000
        while not done():
            if loop.time() > until:
                raise errors.timed_out()
            outcome = await self._batcher.order(order.split())
            if isinstance(outcome, Refused):
                if order.startswith("promote"):
                    raise errors.learner_not_ready()
                raise errors.refused(outcome.reason)
            await asyncio.sleep(0 if done() else PAUSE_S)
        # What is committed after the change was committed with it: a command that changes nothing.
        await self._batcher.propose(values.Range(b"\0", count_only=True))

    async def move_leader(self, request: pb.MoveLeaderRequest, context: Context) -> pb.MoveLeaderResponse:
        """Have another voter lead. Only the one that leads is asked for this."""
        self._calls.administrator(context)
        here = self._replica.status()
        if here.leader != here.node:
            raise errors.not_leader()
        member = next((m for m in here.members if identity(m.node) == request.targetID), None)
        if member is None or member.learner:
            raise errors.bad_transferee()
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.wait_ms / 1000
        if member.node != here.node:
            outcome = self._replica.order(["transfer", member.node])
            if isinstance(outcome, Refused):
                raise errors.refused(outcome.reason)
        while self._replica.leader != member.node:
            if loop.time() > until:
                raise errors.timed_out()
            await asyncio.sleep(PAUSE_S)
        return pb.MoveLeaderResponse(header=self._calls.header())

    # Maintenance

    async def status(self, request: pb.StatusRequest, context: Context) -> pb.StatusResponse:
        """Tell how this node is."""
        status, store = self._replica.status(), self._store()
        return pb.StatusResponse(
            header=self._calls.header(store.revision),
            version=VERSION,
            dbSize=status.disk,
            dbSizeInUse=store.versions.size,
            leader=0 if status.leader is None else identity(status.leader),
            raftIndex=status.committed,
            raftTerm=status.term,
            raftAppliedIndex=status.applied,
            errors=[] if status.leader is not None else [errors.no_leader().text],
            isLearner=any(m.learner and m.node == status.node for m in status.members),
        )

    async def auth_status(self, request: pb.StatusRequest, context: Context) -> pb.AuthStatusResponse:
        """There are no users, as in an etcd where there never were: certificates say who somebody is."""
        return pb.AuthStatusResponse(header=self._calls.header(self._store().revision), authRevision=1)

    async def alarm(self, request: pb.AlarmRequest, context: Context) -> pb.AlarmResponse:
        """There is one alarm: that the store is full. It ends by itself, so there is nothing to disarm.

        Raises:
            Fault: somebody wants to raise one.
        """
        if request.action == pb.AlarmRequest.ACTIVATE:
            raise invalid("ratified: an alarm is what the store itself finds, and cannot be raised")
        full = self._store().versions.size > self._limits.stored_bytes
        return pb.AlarmResponse(alarms=[pb.AlarmMember(memberID=self._calls.member, alarm=1)] if full else [])

    async def defragment(self, request: pb.DefragmentRequest, context: Context) -> pb.DefragmentResponse:
        """There is nothing to do."""
        self._calls.administrator(context)
        return pb.DefragmentResponse()

    async def snapshot(self, request: pb.SnapshotRequest, context: Context) -> AsyncIterator[Message]:
        """Give a copy of this node's store, as etcd keeps it, and a checksum at its end."""
        self._calls.administrator(context)
        store = self._store()
        header = self._calls.header(store.revision)
        trees = trees_of(store, self._replica.applied)  # at one moment; the rest takes its time elsewhere
        copy = await asyncio.to_thread(file_of, trees)
        copy += sha256(copy).digest()
        for at in range(0, len(copy), CHUNK):
            left = max(0, len(copy) - at - CHUNK)
            yield pb.SnapshotResponse(
                header=header, remaining_bytes=left, blob=copy[at : at + CHUNK], version=VERSION
            )

    async def hash(self, request: pb.HashRequest, context: Context) -> pb.HashResponse:
        """Return a checksum of all that the store has."""
        self._calls.administrator(context)
        store = self._store()
        return pb.HashResponse(header=self._calls.header(store.revision), hash=zlib.crc32(store.snapshot()))

    async def hash_kv(self, request: pb.HashKVRequest, context: Context) -> pb.HashKVResponse:
        """Return a checksum of keys and history, up to a revision."""
        self._calls.administrator(context)
        answer = self._store().ask(values.Fingerprint(request.revision))
        if not isinstance(answer, values.FingerprintIs):
            raise convert.unexpected(answer)
        return pb.HashKVResponse(
            header=self._calls.header(answer.revision),
            hash=answer.checksum,
            compact_revision=answer.compacted,
        )
