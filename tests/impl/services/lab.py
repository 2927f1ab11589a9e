"""A service of real processes on loopback, by HTTP or gRPC: they are killed, paused and slowed, and write down what they apply.

    python tests/impl/services/lab.py http NAME LEDGER [PORT]        serves; says `ready PORT`

A request is a read, or a write of an id, maybe with an idempotency key. All servers share one ledger, as a database would be
shared: a line for each write that was applied, appended under a lock; a key that is there already is not applied again. A write
without a key is applied each time it arrives, so that a client that sends one twice is found out.

A request may carry faults for the server of a name (`x-lab: a=die-after b=hold`):

    die-before               the server ends at once (SIGKILL), before it does anything
    die-after                likewise after it has applied the write, if it was not there already
    hold                     there is never an answer
    busy:N                   refused for load; to be tried again in N (HTTP: Retry-After; gRPC: grpc-retry-pushback-ms)
    fails                    an answer that says so (HTTP 500, gRPC INTERNAL)

SIGUSR1 makes all answers slow and SIGUSR2 fast again; each is acknowledged with a line.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

# What a server needs is imported where it serves: the more processes, the more that matters.

WORK_S, SLOW_S = 0.005, 0.5
READ, WRITE, WATCH = "/lab.Lab/Read", "/lab.Lab/Write", "/lab.Lab/Watch"


# --- the servers' side ---


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Service:
    """What a server does, whatever it is asked by. `perform` returns None, or how it refuses."""

    def __init__(self, name: str, ledger: Path) -> None:
        self.name = name
        self.ledger = ledger
        self.work_s = WORK_S
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self._speed, SLOW_S, "slow")
        loop.add_signal_handler(signal.SIGUSR2, self._speed, WORK_S, "fast")

    def _speed(self, work_s: float, word: str) -> None:
        self.work_s = work_s
        _say(word)

    async def perform(self, write: str | None, key: str, faults: str) -> str | None:
        fault = dict(each.split("=") for each in faults.split()).get(self.name, "")
        if fault.startswith("busy:") or fault == "fails":
            return fault
        if fault == "die-before":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "hold":
            await asyncio.Event().wait()
        await asyncio.sleep(self.work_s)
        new = write is not None and self._applied(write, key)
        if new and fault == "die-after":
            os.kill(os.getpid(), signal.SIGKILL)
        return None

    def _applied(self, write: str, key: str) -> bool:
        """Apply a write, unless its key is there already; whether it was. A lock that a killed process held is free."""
        with self.ledger.open("r+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if key and any(line.split()[1] == key for line in file):
                return False
            file.seek(0, os.SEEK_END)
            file.write(f"{write} {key or '-'} {self.name}\n")
        return True


async def serve_http(service: Service, port: int) -> None:
    """Serve HTTP/1.1: GET and POST of /ID."""
    import h11

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        request: h11.Request | None = None
        try:
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(65_536))
                elif isinstance(event, h11.Request):
                    request = event
                elif isinstance(event, h11.EndOfMessage):
                    assert request is not None
                    for part in await _answer(service, request):
                        writer.write(connection.send(part) or b"")
                    await writer.drain()
                    connection.start_next_cycle()
                elif isinstance(event, h11.ConnectionClosed):
                    break
        except (ConnectionError, h11.RemoteProtocolError):
            pass  # whoever asked is gone
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    _say(f"ready {server.sockets[0].getsockname()[1]}")
    await server.serve_forever()


async def _answer(service: Service, request: Any) -> list[Any]:
    from h11 import Data, EndOfMessage, Response

    headers = {name.decode(): value.decode() for name, value in request.headers}
    write = request.target.decode()[1:] if request.method == b"POST" else None
    refused = await service.perform(write, headers.get("idempotency-key", ""), headers.get("x-lab", ""))
    status, more = 200, []
    if refused is not None:
        status = 500 if refused == "fails" else 429
        more = [] if refused == "fails" else [("retry-after", refused.removeprefix("busy:"))]
    said = f"{service.name} {headers.get('x-request-timeout-ms', '-')} {headers.get('host', '-')}".encode()
    response = Response(status_code=status, headers=[("content-length", str(len(said))), *more])
    return [response, Data(data=said), EndOfMessage()]


async def serve_grpc(service: Service, port: int) -> None:
    """Serve gRPC: Read and Write of an id, and Watch, a stream of three names."""
    import grpc

    async def perform(request: bytes, context: Any, *, write: bool) -> bytes:
        asked = dict(context.invocation_metadata() or ())
        written = request.decode() if write else None
        refused = await service.perform(written, asked.get("idempotency-key", ""), asked.get("x-lab", ""))
        if refused == "fails":
            await context.abort(grpc.StatusCode.INTERNAL, "it fails")
        if refused is not None:
            told = (("grpc-retry-pushback-ms", refused.removeprefix("busy:")),)
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy", told)
        left = "-" if context.time_remaining() is None else "some"
        return f"{service.name} {left} {asked.get('grpc-previous-rpc-attempts', '-')}".encode()

    async def read(request: bytes, context: Any) -> bytes:
        return await perform(request, context, write=False)

    async def write(request: bytes, context: Any) -> bytes:
        return await perform(request, context, write=True)

    async def watch(request: bytes, context: Any) -> Any:
        faults = dict(context.invocation_metadata() or ()).get("x-lab", "")
        for n in range(3):
            if n and faults == f"{service.name}=hold-after":
                await asyncio.Event().wait()
            yield await perform(request, context, write=False)

    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Read": grpc.unary_unary_rpc_method_handler(read),
        "Write": grpc.unary_unary_rpc_method_handler(write),
        "Watch": grpc.unary_stream_rpc_method_handler(watch),
    }
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("lab.Lab", handlers)])
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    _say(f"ready {bound}")
    await server.wait_for_termination()


SERVE = {"http": serve_http, "grpc": serve_grpc}


# --- the side of those who start them ---


class Server:
    """A process that serves."""

    def __init__(self, kind: str, name: str, ledger: Path) -> None:
        self.kind, self.name, self._ledger = kind, name, ledger
        self.port = 0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "it was not started"
        return self._process

    async def start(self) -> None:
        """Start it, at the port it had before if it had one, and wait until it is there."""
        arguments = (__file__, self.kind, self.name, str(self._ledger), str(self.port))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
        )
        self.port = int((await self._line()).removeprefix("ready "))

    async def _line(self) -> str:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        assert line, f"server {self.name} has ended"
        return line.decode().strip()

    async def kill(self) -> None:
        """Kill it."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def pause(self) -> None:
        """Stop it; it keeps its connections, and new ones are accepted for it."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    async def resume(self) -> None:
        """Have it go on."""
        self.process.send_signal(signal.SIGCONT)

    async def slow(self) -> None:
        """Make its answers slow."""
        self.process.send_signal(signal.SIGUSR1)
        assert await self._line() == "slow"

    async def fast(self) -> None:
        """Make its answers fast again."""
        self.process.send_signal(signal.SIGUSR2)
        assert await self._line() == "fast"


@asynccontextmanager
async def nonsense() -> AsyncIterator[str]:
    """Serve bytes that are no protocol, at the address that this gives."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x00\xffnonsense\r\n\r\n" * 10)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


class Lab:
    """Servers a, b and c, and their ledger."""

    def __init__(self, kind: str, folder: Path, names: str = "abc") -> None:
        self.kind = kind
        self.ledger = folder / "ledger"
        self.ledger.touch()
        self.servers = {name: Server(kind, name, self.ledger) for name in names}

    async def __aenter__(self) -> Lab:
        await asyncio.gather(*(server.start() for server in self.servers.values()))
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(server.kill() for server in self.servers.values()))

    @property
    def addresses(self) -> dict[str, str]:
        """Where each is, by its name."""
        return {name: server.address for name, server in self.servers.items()}

    def applied(self) -> Counter[str]:
        """How often each write was applied."""
        return Counter(line.split()[0] for line in self.ledger.read_text(encoding="ascii").splitlines())


async def _main(kind: str, name: str, ledger: str, port: str = "0") -> None:
    serve: Callable[[Service, int], Any] = SERVE[kind]
    await serve(Service(name, Path(ledger)), int(port))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
