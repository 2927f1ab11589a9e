"""The steps of a schedule: everything that can happen to a cluster, as values, and as lines of text and back.

A step can be performed in any state: one that makes no sense there (a message that was never sent, a node that is down) does
nothing. That is what makes a schedule shrinkable.

    deliver n1 n2 3          the third message that n1 sent to n2 arrives; `again`: and stays in the network, to arrive once more
    lose n1 n2 3             it never will
    tick n1 2                two ticks of n1's clock
    persist n1 5             n1's disk has written everything up to token 5; without a number: everything
    crash n1 2               n1 crashes; of what was not durable yet, two units (an entry, a record, ...) survive
    restart n1
    cut n1 n2                nothing gets from n1 to n2
    partition n1 n2 | n3     nothing gets from one side to the other
    heal                     everything gets everywhere
    submit n1 alice 1 put x 1      client alice's first command reaches n1
    query n1 alice 2 get x
    order n1 campaign              an operator's order; what there is depends on the protocol

Guarantees: `parse_step(str(step)) == step`; what cannot be read is a ScheduleError that says what to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias, get_type_hints

from ratified.impl.contract import Campaign, Command, Compact, Control, NodeId
from ratified.impl.text import shown


class ScheduleError(ValueError):
    """A line that is no step; the message says what is wrong and what to write instead."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """The `number`-th message from `sender` to `to` arrives; with `again` a copy stays in the network."""

    sender: NodeId
    to: NodeId
    number: int
    again: bool = False

    def __str__(self) -> str:
        return f"deliver {self.sender} {self.to} {self.number}" + (" again" if self.again else "")


@dataclass(frozen=True, slots=True)
class Lose:
    """The message gets lost."""

    sender: NodeId
    to: NodeId
    number: int

    def __str__(self) -> str:
        return f"lose {self.sender} {self.to} {self.number}"


@dataclass(frozen=True, slots=True)
class Pass:
    """Time passes at a node."""

    node: NodeId
    ticks: int = 1

    def __str__(self) -> str:
        return f"tick {self.node} {self.ticks}"


@dataclass(frozen=True, slots=True)
class Persist:
    """A node's disk has written everything up to a token; None: everything."""

    node: NodeId
    token: int | None = None

    def __str__(self) -> str:
        return f"persist {self.node}" + ("" if self.token is None else f" {self.token}")


@dataclass(frozen=True, slots=True)
class Crash:
    """A node loses all but what is durable and the first `kept` units of what was being written."""

    node: NodeId
    kept: int = 0

    def __str__(self) -> str:
        return f"crash {self.node} {self.kept}"


@dataclass(frozen=True, slots=True)
class Restart:
    """A node that is down starts from its disk."""

    node: NodeId

    def __str__(self) -> str:
        return f"restart {self.node}"


@dataclass(frozen=True, slots=True)
class Cut:
    """Messages from `sender` to `to` get lost from now on; the other direction is as before."""

    sender: NodeId
    to: NodeId

    def __str__(self) -> str:
        return f"cut {self.sender} {self.to}"


@dataclass(frozen=True, slots=True)
class Partition:
    """Messages get through within a side only. Nodes that are on no side are alone."""

    sides: tuple[tuple[NodeId, ...], ...]

    def __str__(self) -> str:
        return "partition " + " | ".join(" ".join(side) for side in self.sides)


@dataclass(frozen=True, slots=True)
class Heal:
    """No link is cut any more."""

    def __str__(self) -> str:
        return "heal"


@dataclass(frozen=True, slots=True)
class ClientStep:
    """A client's command reaches a node; with `query`, its question."""

    node: NodeId
    command: Command
    query: bool = False

    def __str__(self) -> str:
        c = self.command
        return f"{'query' if self.query else 'submit'} {self.node} {c.client} {c.serial} {shown(c.payload)}"


@dataclass(frozen=True, slots=True)
class Order:
    """An operator's order reaches a node."""

    node: NodeId
    control: Control

    def __str__(self) -> str:
        return " ".join(["order", self.node, *words_of(self.control)])


ScheduleStep: TypeAlias = (
    Deliver | Lose | Pass | Persist | Crash | Restart | Cut | Partition | Heal | ClientStep | Order
)

CONTROLS: tuple[type[Control], ...] = (Campaign, Compact)
"""The orders that every protocol may have."""


def parse_step(line: str, controls: tuple[type[Control], ...] = CONTROLS) -> ScheduleStep:
    """Read a step.

    Raises:
        ScheduleError: the line is none.
    """
    verb, *words = line.split() or [""]
    try:
        return _parse(verb, words, controls)
    except (ValueError, LookupError, TypeError) as error:
        if isinstance(error, ScheduleError):
            raise
        usage = USAGE.get(verb)
        raise ScheduleError(f"cannot read {line.strip()!r}; write: {usage}") from None


USAGE: Mapping[str, str] = {
    "deliver": "deliver SENDER RECEIVER NUMBER [again]",
    "lose": "lose SENDER RECEIVER NUMBER",
    "tick": "tick NODE [TICKS]",
    "persist": "persist NODE [TOKEN]",
    "crash": "crash NODE [KEPT]",
    "restart": "restart NODE",
    "cut": "cut SENDER RECEIVER",
    "partition": "partition NODE... | NODE...",
    "heal": "heal",
    "submit": "submit NODE CLIENT NUMBER COMMAND",
    "query": "query NODE CLIENT NUMBER QUESTION",
    "order": "order NODE ORDER [NAME=VALUE]...",
}
"""How each step is written."""


def _parse(verb: str, words: list[str], controls: tuple[type[Control], ...]) -> ScheduleStep:
    match verb, words:
        case "deliver", [sender, to, number]:
            return Deliver(sender, to, int(number))
        case "deliver", [sender, to, number, "again"]:
            return Deliver(sender, to, int(number), again=True)
        case "lose", [sender, to, number]:
            return Lose(sender, to, int(number))
        case "tick", [node]:
            return Pass(node)
        case "tick", [node, ticks]:
            return Pass(node, int(ticks))
        case "persist", [node]:
            return Persist(node)
        case "persist", [node, token]:
            return Persist(node, int(token))
        case "crash", [node]:
            return Crash(node)
        case "crash", [node, kept]:
            return Crash(node, int(kept))
        case "restart", [node]:
            return Restart(node)
        case "cut", [sender, to]:
            return Cut(sender, to)
        case "partition", [_, *_]:
            sides = " ".join(words).split("|")
            return Partition(tuple(tuple(side.split()) for side in sides))
        case "heal", []:
            return Heal()
        case (("submit" | "query"), [node, client, serial, *rest]) if rest:
            command = Command(client, int(serial), " ".join(rest).encode())
            return ClientStep(node, command, query=verb == "query")
        case "order", [node, name, *rest]:
            return Order(node, parse_control(name, rest, controls))
    if verb not in USAGE:
        raise ScheduleError(f"there is no step {verb!r}; there are: {', '.join(USAGE)}")
    raise ValueError


def words_of(control: Control) -> list[str]:
    """Return an order as words: its name, then what differs from the defaults as name=value."""
    words = [control_name(type(control))]
    for f in fields(control):
        value = getattr(control, f.name)
        if value != f.default:
            words.append(f"{f.name}={','.join(value) if isinstance(value, tuple) else value}")
    return words


def parse_control(name: str, words: list[str], controls: tuple[type[Control], ...]) -> Control:
    """Read an order whose arguments are texts, numbers, truth values or tuples of texts.

    Raises:
        ScheduleError: there is no such order, or it has no such arguments.
    """
    known = {control_name(kind): kind for kind in (*CONTROLS, *controls)}
    if name not in known:
        raise ScheduleError(f"there is no order {name!r}; there are: {', '.join(sorted(known))}")
    kind = known[name]
    types = get_type_hints(kind)
    arguments: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in types:
            wanted = " ".join(f"{key}=..." for key in types) or "nothing"
            raise ScheduleError(f"unexpected {word!r} after {name}; expected: {wanted}")
        arguments[key] = _value(types[key], value)
    try:
        return kind(**arguments)
    except TypeError:
        missing = [f"{key}=..." for key in types if key not in arguments]
        raise ScheduleError(f"{name} needs {' '.join(missing)}") from None


def control_name(kind: type[Control]) -> str:
    """Return an order's name in scripts: TransferLeadership is transfer-leadership."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("-")


def _value(kind: Any, text: str) -> Any:
    if kind is int:
        return int(text)
    if kind is bool:
        return {"True": True, "False": False}[text]
    if kind is str:
        return text
    return tuple(word for word in text.split(",") if word)
