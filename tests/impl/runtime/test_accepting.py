"""Who does not get through a handshake is told of, in words that say what to do, and however many there are in a few lines."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
import uvloop

from ratified.impl.runtime.accepting import FEW, Refusals, listen
from ratified.impl.runtime.certificates import make_certificates
from ratified.impl.runtime.settings import Tls
from ratified.impl.runtime.tls import contexts
from tests.impl.runtime.nodes import Told


class Echo(asyncio.Protocol):
    """Says what it hears."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


def certified(folder: Path, name: str, *, expired: bool = False) -> ssl.SSLContext:
    """What a client of that name connects with; it trusts whoever it finds."""
    make_certificates(folder, [name], begin=datetime(2020, 1, 1, tzinfo=UTC) if expired else None)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_who_is_refused_in_a_handshake_is_told_of(
    tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    mine = tmp_path / "mine"
    make_certificates(mine, ["n1", "alice"])
    serving, dialing = contexts(Tls(mine / "ca.pem", mine / "alice.pem", mine / "alice.key"))
    expired, other = certified(mine, "bob", expired=True), certified(tmp_path / "other", "carol")
    nameless = ssl.create_default_context()
    nameless.check_hostname, nameless.verify_mode = False, ssl.CERT_NONE
    wary = ssl.create_default_context()
    wary.check_hostname = False
    told = Told()

    async def main() -> None:
        server = await listen(Echo, "127.0.0.1", 0, serving, Refusals(told))

        async def heard(context: ssl.SSLContext | None, said: bytes = b"hello") -> bytes:
            """What one is told who speaks at once."""
            name = "alice" if context is dialing else None
            try:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", server.port, ssl=context, server_hostname=name
                )
                writer.write(said)
                found = await reader.read(100)
                writer.close()
            except (OSError, ValueError):
                return b""
            return found

        async with asyncio.timeout(20):
            assert await heard(dialing) == b"hello"
            for context, said in (
                *((nameless, b"x"), (other, b"x"), (expired, b"x"), (wary, b"x")),
                *((None, b"GET / HTTP/1.1\r\n\r\n"), (None, b"nonsense" * 10)),
            ):
                count = len(told.lines)
                assert await heard(context, said) in (b"", b"\x15\x03\x03\0\x02\x02F")  # or an alert
                while len(told.lines) == count:
                    await asyncio.sleep(0.001)
            assert await heard(dialing) == b"hello"
            server.close()
            await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())
    assert [fields["why"] for fields in told.said("refused")] == [
        "TLS: it has no certificate",
        "its certificate: unable to get local issuer certificate",
        "its certificate: certificate has expired",
        "TLS: it closed the connection during the handshake",  # Python's clients do not say why
        "TLS: it speaks HTTP without TLS",
        "TLS: it speaks something without TLS",
    ]


def test_of_many_who_are_refused_a_few_lines_are_written() -> None:
    told, now = Told(), [5.0]
    refusals = Refusals(told, lambda: now[0])
    for n in range(1_000):
        refusals.tell(f"127.0.0.1:{n}", "no certificate")
    for n in range(100):
        refusals.tell("127.0.0.2:1", f"nonsense {n}")
    assert len(told.lines) == FEW
    now[0] += 60
    refusals.tell("127.0.0.1:7", "w" * 300)
    assert told.lines[-1][2] == {"address": "127.0.0.1:7", "why": "w" * 200, "untold": 100 - FEW + 1}
    assert told.lines[1][2]["untold"] == 999
