"""What the commands share that run clusters: how faults of the runtime are reported, and a cluster's state as a table.

Guarantees: importing this imports neither the language nor the runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COLUMNS = ("node", "state", "role", "term", "committed", "applied", "lag", "disk", "restarts", "why")


@contextmanager
def runtime_faults() -> Iterator[None]:
    """Report a fault of the runtime, or a missing package, as every other error. Raises RatifiedError."""
    from ratified.language.errors import RatifiedError

    try:
        from ratified.impl.runtime.errors import RuntimeFault
    except ModuleNotFoundError as error:
        raise RatifiedError(str(error)) from None
    try:
        yield
    except RuntimeFault as fault:
        raise RatifiedError(str(fault)) from None
    except ModuleNotFoundError as error:
        raise RatifiedError(str(error)) from None


def state_of(folder: Path) -> dict[str, Any]:
    """Return the state of a cluster that runs. Raises RatifiedError."""
    from ratified.impl.runtime.cluster import read_state
    from ratified.language.errors import RatifiedError

    state = read_state(folder)
    if state is None:
        raise RatifiedError(
            f"{folder} is not the folder of a cluster", remedy="ratified cluster start --data FOLDER"
        )
    if state["supervisor"] is None:
        raise RatifiedError(
            f"the cluster in {folder} is not running", remedy=f"ratified cluster start --data {folder}"
        )
    return state


def node_of(state: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return what is known of a node whose process runs. Raises RatifiedError."""
    from ratified.language.errors import RatifiedError

    node: Mapping[str, Any] | None = state["nodes"].get(name)
    if node is None:
        raise RatifiedError(f"there is no node {name!r}", remedy=f"there are {', '.join(state['nodes'])}")
    if node["process"] is None:
        raise RatifiedError(
            f"{name} is not running: it is {node['state']}{': ' * bool(node['why'])}{node['why']}"
        )
    return node


async def reports(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how each node is: what its supervisor knows, and what it says itself, where it does within two seconds."""
    import asyncio

    return list(await asyncio.gather(*(_report(state, node) for node in state["nodes"].values())))


async def _report(state: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    import asyncio

    from ratified.impl.runtime.cluster import operators_context
    from ratified.impl.runtime.remote import Remote

    if node["process"] is None or is_stopped(node["process"]):
        return {**node, "paused": node["process"] is not None}
    tls = operators_context(Path(state["certificates"])) if state["certificates"] else None
    try:
        async with (
            asyncio.timeout(2),
            Remote(node["peer"], state["name"], node["node"], name="operator", tls=tls) as remote,
        ):
            return {**(await remote.status() or {}), **node, "paused": False}
    except (OSError, TimeoutError):
        return {**node, "paused": False}


def is_stopped(process: int) -> bool:
    """Whether a process was stopped by a signal."""
    return _state(process) == "T"


def is_alive(process: int) -> bool:
    """Whether a process runs, or was stopped by a signal; as far as Linux tells."""
    return _state(process) not in ("", "Z", "X")


def _state(process: int) -> str:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[0]


def table(rows: Sequence[Mapping[str, Any]], paint: Callable[[str, str], str]) -> str:
    """Return nodes as a table. `paint` colours a text, given what it says."""
    most = max((row.get("committed", 0) for row in rows), default=0)
    cells = [list(COLUMNS[:-1])]
    for row in rows:
        state = "paused" if row.get("paused") else row["state"]
        known = "term" in row
        cells.append(
            [
                row["node"],
                state if known or state != "running" else "no answer",
                row.get("role", "") if known else "",
                str(row["term"]) if known else "",
                f"{row['committed']:,}" if known else "",
                f"{row['applied']:,}" if known else "",
                f"{most - row['applied']:,}" if known else "",
                f"{row['disk'] / 1e6:.1f} MB" if known else "",
                str(row["restarts"]),
            ]
        )
    widths = [max(len(line[n]) for line in cells) for n in range(len(cells[0]))]
    lines = []
    for number, line in enumerate(cells):
        padded = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
        if number:
            padded = [paint(text, line[1]) if n == 1 else text for n, text in enumerate(padded)]
        lines.append("  ".join(padded).rstrip())
        why = rows[number - 1]["why"] if number else ""
        if why and line[1] != "running":
            lines.append(f"    {why}")
    return "\n".join(lines) + "\n"
