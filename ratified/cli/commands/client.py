"""`ratified client`: keys, watches and locks of a store, from the shell."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ratified.cli.output import echo
from ratified.cli.requests import (
    ClientDelRequest,
    ClientGetRequest,
    ClientLockRequest,
    ClientPutRequest,
    ClientRequest,
    ClientWatchRequest,
    takes,
)
from ratified.cli.running import runtime_faults, state_of

if TYPE_CHECKING:
    from ratified.impl.client.aio import StoreClient

NOT_THERE = 1
"""The exit status of a key that is not there."""


def asks(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where the store is."""
    options = (
        click.option("--endpoints", metavar="HOST:PORT,...", help="Client addresses of one or more nodes."),
        click.option(
            "--data",
            type=click.Path(file_okay=False, path_type=Path),
            default="cluster",
            show_default=True,
            metavar="DIR",
            help="Folder of a cluster on this machine, in place of endpoints.",
        ),
        click.option(
            "--certificates",
            type=click.Path(file_okay=False, exists=True, path_type=Path),
            metavar="DIR",
            help="TLS: the folder with ca.pem, NAME.pem and NAME.key.",
        ),
        click.option(
            "--name", default="operator", show_default=True, help="Name in the client's certificate."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(short_help="Read, set and watch keys of a store, and hold locks.")
def client() -> None:
    """Talk to a running store: `ratified cluster start --machine etcd --insecure`.

    \b
      ratified client put orders/7 paid
      ratified client get orders/ --prefix
      ratified client watch orders/ --prefix
      ratified client lock door -- make deploy

    Each request takes effect once, whichever nodes fail meanwhile. Exit status: 0 done, 1 no such key, 2 an error; of `lock` that
    of its command.
    """  # noqa: D301  # click takes \b for "keep these lines"


def using(request: ClientRequest, ask: Callable[[StoreClient], Awaitable[int]]) -> int:
    """Ask with a client. Raises RatifiedError."""
    import asyncio

    from ratified.language.errors import RatifiedError

    with runtime_faults():
        import grpc

        from ratified.impl.client.aio import StoreClient
        from ratified.impl.client.errors import StoreError, Unreachable

        certificates = request.certificates
        if request.endpoints is not None:
            endpoints = [each.strip() for each in request.endpoints.split(",") if each.strip()]
        else:
            state = state_of(request.data)
            endpoints = [node["client"] for node in state["nodes"].values()]
            if certificates is None and state["certificates"]:
                certificates = Path(state["certificates"])
        credentials = None
        if certificates is not None:
            try:
                ca, key, certificate = (
                    (certificates / name).read_bytes()
                    for name in ("ca.pem", f"{request.name}.key", f"{request.name}.pem")
                )
            except OSError as error:
                raise RatifiedError(
                    f"{error.filename} cannot be read: {error.strerror}",
                    remedy="ratified cluster certificates makes one for each --client NAME",
                ) from None
            credentials = grpc.ssl_channel_credentials(ca, key, certificate)

        async def run() -> int:
            async with StoreClient(endpoints, credentials=credentials) as made:
                return await ask(made)

        try:
            return asyncio.run(run())
        except Unreachable as error:
            raise RatifiedError(
                f"no node answered: {error.text}",
                remedy=f"tried: {', '.join(endpoints)}; `ratified cluster status` shows their state",
            ) from None
        except StoreError as error:
            raise RatifiedError(error.text) from None


def text(value: bytes) -> str:
    """Return a key or a value as it is printed."""
    return value.decode("utf-8", "backslashreplace")


@client.command(short_help="Print the value of KEY.")
@click.argument("key")
@click.option("--prefix", is_flag=True, help="Print all keys with this prefix, each with its value.")
@click.option(
    "--revision", type=click.IntRange(min=0), default=0, metavar="N", help="Value at this revision."
)
@asks
@takes(ClientGetRequest)
def get(request: ClientGetRequest) -> int:
    """Print the value of KEY, or with --prefix keys and values on lines of their own."""

    async def ask(made: StoreClient) -> int:
        found = await made.range(request.key.encode(), prefix=request.prefix, revision=request.revision)
        for each in found:
            echo(f"{text(each.key)}\n{text(each.value)}\n" if request.prefix else f"{text(each.value)}\n")
        return 0 if found or request.prefix else NOT_THERE

    return using(request.client, ask)


@client.command(short_help="Set KEY to VALUE.")
@click.argument("key")
@click.argument("value")
@asks
@takes(ClientPutRequest)
def put(request: ClientPutRequest) -> int:
    """Set KEY to VALUE, and print the revision."""

    async def ask(made: StoreClient) -> int:
        echo(f"{await made.put(request.key.encode(), request.value.encode())}\n")
        return 0

    return using(request.client, ask)


@client.command("del", short_help="Delete KEY.")
@click.argument("key")
@click.option("--prefix", is_flag=True, help="All keys with this prefix.")
@asks
@takes(ClientDelRequest)
def delete(request: ClientDelRequest) -> int:
    """Delete KEY, and print how many keys there were."""

    async def ask(made: StoreClient) -> int:
        count = await made.delete(request.key.encode(), prefix=request.prefix)
        echo(f"{count}\n")
        return 0 if count or request.prefix else NOT_THERE

    return using(request.client, ask)


@client.command(short_help="Print changes as they happen.")
@click.argument("key")
@click.option("--prefix", is_flag=True, help="All keys with this prefix.")
@click.option(
    "--after",
    type=click.IntRange(min=0),
    metavar="N",
    help="Show changes after this revision; by default, after the current one.",
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="Stop after N changes.")
@asks
@takes(ClientWatchRequest)
def watch(request: ClientWatchRequest) -> int:
    """Print each change of KEY, a line each: the revision, put or del, the key, the value."""

    async def ask(made: StoreClient) -> int:
        left = request.count
        async for event in made.watch(request.key.encode(), prefix=request.prefix, after=request.after):
            what = "del" if event.deleted else "put"
            value = "" if event.deleted else f" {text(event.key.value)}"
            echo(f"{event.revision} {what} {text(event.key.key)}{value}\n")
            left = None if left is None else left - 1
            if left == 0:
                break
        return 0

    return using(request.client, ask)


@client.command(short_help="Run COMMAND while holding a lock.")
@click.argument("lock")
@click.argument("command", nargs=-1, required=True)
@asks
@takes(ClientLockRequest)
def lock(request: ClientLockRequest) -> int:
    """Wait for the lock, run COMMAND with its key and token in RATIFIED_LOCK_KEY and RATIFIED_LOCK_TOKEN, and release it.

    A lock is advice: what COMMAND writes to the store is guarded if it compares the key's create revision with the token.
    """
    import asyncio
    import os

    async def ask(made: StoreClient) -> int:
        async with made.lock(request.lock.encode()) as held:
            more = {"RATIFIED_LOCK_KEY": text(held.key), "RATIFIED_LOCK_TOKEN": str(held.token)}
            try:
                process = await asyncio.create_subprocess_exec(*request.command, env={**os.environ, **more})
            except OSError as error:
                from ratified.language.errors import RatifiedError

                raise RatifiedError(f"{request.command[0]} cannot be run: {error.strerror}") from None
            ended = asyncio.ensure_future(process.wait())
            lost = asyncio.ensure_future(held.lease.lost.wait())
            await asyncio.wait({ended, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                sys.stderr.write("the lock is lost: its lease expired; the command was stopped\n")
                process.terminate()
            lost.cancel()
            return await ended

    return using(request.client, ask)
