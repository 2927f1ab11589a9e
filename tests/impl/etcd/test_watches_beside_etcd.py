"""Watches of our store beside those of etcd: the same requests on a stream, drawn at random, while the same keys change.

Compared are, for each watch, its events in order, and all other answers but who gave them. How events are grouped into answers is
up to each system.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from ratified.impl.etcd import etcd_pb2 as pb
from ratified.impl.etcd.server import Server
from ratified.impl.etcd.watches import Watch
from ratified.impl.store.values import Version
from tests.impl.etcd.requests import Requests
from tests.impl.etcd.serving import serving
from tests.impl.etcd.test_beside_etcd import asking, etcd, without_names


class Told:
    """A stream of watches, and what it has told."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.events: dict[int, list[pb.Event]] = defaultdict(list)
        self.others: list[pb.WatchResponse] = []
        ask: Any = channel.stream_stream(
            "/etcdserverpb.Watch/Watch",
            request_serializer=pb.WatchRequest.SerializeToString,
            response_deserializer=pb.WatchResponse.FromString,
        )
        self.call = ask()

    async def until(self, events: dict[int, int], others: int) -> None:
        """Read until so much was told at least."""
        async with asyncio.timeout(30):
            while len(self.others) < others or any(
                len(self.events[watch]) < count for watch, count in events.items()
            ):
                answer = without_names(await self.call.read())
                if answer.events:
                    assert (answer.created, answer.canceled) == (False, False)
                    self.events[answer.watch_id] += answer.events
                else:
                    self.others.append(answer)


class Expected:
    """How much is to be told, by the changes that the store has made."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._history: list[Version] = []
        self._watches: dict[int, Watch] = {}
        self._next = 0
        self.others = 0
        self.events: dict[int, int] = defaultdict(int)

    def changed(self) -> None:
        """The store may have changed."""
        store = self._server.store()
        last = self._history[-1].modified if self._history else 1
        for _, versions in store.events(last + 1, store.revision):
            self._history += versions
            for watch in self._watches.values():
                self._see(watch, versions)

    def _see(self, watch: Watch, versions: Any) -> None:
        self.events[watch.number] += sum(watch.sees(v) and v.modified >= watch.next for v in versions)

    def asked(self, request: pb.WatchRequest) -> None:
        """A request goes to the stream."""
        if request.HasField("cancel_request"):
            self.others += self._watches.pop(request.cancel_request.watch_id, None) is not None
            return
        self.others += 1
        made, store = request.create_request, self._server.store()
        empty = made.range_end not in (b"", b"\0") and made.range_end <= (made.key or b"\0")
        if (
            request.HasField("progress_request")
            or empty
            or (made.watch_id in self._watches and made.watch_id)
        ):
            return
        while not made.watch_id and self._next in self._watches:
            self._next += 1
        number, self._next = made.watch_id or self._next, self._next + (not made.watch_id)
        over = 0 < made.start_revision < store.versions.compacted
        self.others += over
        begins = made.start_revision or store.revision + 1
        puts, deletes = (not over and each not in made.filters for each in (made.NOPUT, made.NODELETE))
        self._watches[number] = watch = Watch(
            number, made.key or b"\0", made.range_end, begins, puts, deletes
        )
        self._see(watch, self._history)


async def compared(folder: Path, seed: int, count: int) -> None:
    """Ask both the same of a stream of watches, and have the same changes made."""
    async with serving(1) as s, etcd(folder) as address:
        (server,) = s.servers.values()
        async with (
            grpc.aio.insecure_channel(server.address) as our_channel,
            grpc.aio.insecure_channel(address) as their_channel,
        ):
            requests, expected = Requests(seed), Expected(server)
            channels = (our_channel, their_channel)
            ours, theirs = streams = [Told(channel) for channel in channels]
            for number in range(count):
                call = requests.draw()
                for channel in channels:
                    await asking(channel)(call)
                expected.changed()
                requests.revision = server.store().revision
                if number % 3:
                    continue
                asked = requests.watch(number)
                for each in streams:  # what is cancelled before all was told may not have been told
                    await each.until(expected.events, expected.others)
                expected.asked(asked)
                for each in streams:
                    await each.call.write(asked)
                    await each.until(expected.events, expected.others)
                place = f"request {number} of seed {seed}: {asked}"
                assert ours.events == theirs.events, place
                assert ours.others == theirs.others, (place, ours.others[-3:], theirs.others[-3:])
            for each in streams:
                each.call.cancel()


def test_what_is_large_is_told_in_fragments_if_that_is_asked_for(tmp_path: Path) -> None:
    """Three keys of 900,000 bytes are deleted in one revision; grpcio takes no answers of more than 4 MiB, if not told to."""

    async def told(address: str, fragment: bool) -> list[tuple[int, bool]]:
        async with grpc.aio.insecure_channel(address, [("grpc.max_receive_message_length", -1)]) as channel:
            created = pb.WatchCreateRequest(
                key=b"\0", range_end=b"\0", start_revision=5, prev_kv=True, fragment=fragment
            )
            stream = Told(channel)
            await stream.call.write(pb.WatchRequest(create_request=created))
            answers = [await stream.call.read()]
            while sum(len(answer.events) for answer in answers) < 3:
                answers.append(await stream.call.read())
            stream.call.cancel()
            return [(len(answer.events), answer.fragment) for answer in answers[1:]]

    async def main() -> None:
        async with serving(1) as s, etcd(tmp_path) as address:
            for each in (s.endpoints, address):
                async with grpc.aio.insecure_channel(each) as channel:
                    ask = asking(channel)
                    for key in (b"a", b"b", b"c"):
                        await ask(("KV/Put", pb.PutRequest(key=key, value=bytes(900_000))))
                    await ask(("KV/DeleteRange", pb.DeleteRangeRequest(key=b"\0", range_end=b"\0")))
                assert await told(each, fragment=True) == [(2, True), (1, False)]
                assert await told(each, fragment=False) == [(3, False)]

    asyncio.run(main())


def test_watches_are_told_what_etcd_tells_them(tmp_path: Path) -> None:
    asyncio.run(compared(tmp_path, 1, 120))


@pytest.mark.long(suite="etcd")
@pytest.mark.parametrize("seed", range(2, 22))
def test_more_watches_are_told_what_etcd_tells_them(seed: int, tmp_path: Path) -> None:
    asyncio.run(compared(tmp_path, seed, 600))
