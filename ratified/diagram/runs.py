"""From a run of a model to a sequence diagram: whose step each is, which messages there are, and what becomes of them.

How messages are recognised. Networks are the variables that the model names in `lifelines`; if it names none, each `Set` or `Bag`
of records whose name says so (`messages`, `wire`) or whose records name a receiver. Processes are the values of the sorts by
which maps among the variables are keyed, or those of `lifelines`. What a step adds to a network is sent. Of what it takes away,
it **received those messages without which it would not have been possible, or would have done something else**: they are taken
away one at a time, and the step is tried again. The others are lost: a crash asks nothing of the messages that go with it. A
message that stays was received if the step cannot do without it and either nothing ever leaves that network or the step names
it; else it waits. An action that can do nothing but take messages off networks loses them; a step that does nothing but add a
copy of one repeats it.

Guarantees: pure; the same run gives the same diagram; a run of a model without processes or networks is a diagram too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ratified.diagram.rows import Ending
from ratified.diagram.sequence import DiagramRecorder, SequenceDiagram
from ratified.language import ir
from ratified.language.api import Lifelines
from ratified.language.errors import ModelError
from ratified.language.machine import OutOfBounds, PythonMachine, Values
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.sorts import Ordered, Sort
from ratified.language.types import BagType, MapType, RecordType, SetType, SortType, Type, records_of
from ratified.language.uses import Uses, core, place, stores
from ratified.language.values import Bag, Map, Seq, Set, show
from ratified.results.changes import ChangeKind, StateDifference, changes
from ratified.results.plainest import RECEIVERS
from ratified.results.result import PropertyKind, Result, State, Step, Trace, Violation

NETWORKS = frozenset(
    (
        *(
            "message",
            "messages",
            "msg",
            "msgs",
            "packet",
            "packets",
            "datagram",
            "datagrams",
            "flight",
            "transit",
        ),
        *("network", "net", "wire", "wires", "channel", "channels", "link", "links"),
        *("inbox", "inboxes", "outbox", "outboxes", "mail", "mailbox", "mailboxes"),
    )
)
"""A variable with one of these words in its name holds messages."""

SENDERS = ("sender", "source", "src", "origin", "from_", "frm")

NetworkMessage = tuple[str, tuple[object, ...], Any]
"""A message in a network: the variable, the keys of maps in it, and the record."""


def sequence(run: Trace | Result | Violation, model: Model | None = None) -> SequenceDiagram:
    """The sequence diagram of a run, of the counterexample of a result, or of a violation.

    `model` is the model at the size of the run; a result has its own.

    Raises:
        ModelError: there is no run to draw, or its model is unknown.
    """
    violation = None
    if isinstance(run, Result):
        model = model or run.subject
        if run.violation is None:
            raise ModelError(
                f"no claim of {run.model} is violated, so there is no counterexample to draw",
                remedy="`simulate` gives runs that violate nothing",
            )
        violation = run.violation
    elif isinstance(run, Violation):
        violation = run
    trace = violation.trace if violation is not None else run
    assert isinstance(trace, Trace)
    if model is None:
        raise ModelError(
            "cannot tell which model this is a run of", remedy="give the model: sequence(run, model)"
        )
    return _Drawer(model).drawn(trace, violation)


@dataclass(frozen=True, slots=True)
class _DrawnStep:
    """A step with what was found out about it. Messages stand as often as there are copies of them."""

    step: Step
    sent: tuple[NetworkMessage, ...]
    received: tuple[NetworkMessage, ...]
    lost: tuple[NetworkMessage, ...]
    read: tuple[NetworkMessage, ...]  # received, and there for others still
    copied: bool  # what is sent are copies that the network makes
    changes: tuple[StateDifference, ...]  # outside of networks


class _Drawer:
    """Draws runs of one model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.machine = PythonMachine(model)
        given = getattr(type(model), "lifelines", None)
        self.declared = given if isinstance(given, Lifelines) else Lifelines()
        self.names = tuple(d.name for d in model.module.variables)
        self.sorts = self._process_sorts()
        self.networks = self._networks()
        self.growing = frozenset(name for name in self.networks if _only_grows(model, name))
        self._uses = Uses(model.module)

    def _networks(self) -> tuple[str, ...]:
        """The variables that hold messages. Raises ModelError for a name of none."""
        for name in (*(self.declared.network or ()), *self.declared.owner):
            if name not in self.names:
                raise ModelError(
                    f"the lifelines of {self.model.module.name} name a variable {name!r}, which it does not have",
                    span=self.model.module.span,
                    remedy=f"its variables: {', '.join(self.names) or 'none'}",
                )
        if self.declared.network is not None:
            return self.declared.network
        return tuple(d.name for d in self.model.module.variables if self._is_network(d.name, d.type))

    def _is_network(self, name: str, t: Type) -> bool:
        """Whether a variable holds messages: by its name, or by what its records say of themselves."""
        if not isinstance(t, SetType | BagType):
            return False
        records = records_of(t.item)
        named = not NETWORKS.isdisjoint(name.lower().split("_"))
        return bool(records) and (named or any(map(self._names_receiver, records)))

    def _names_receiver(self, record: RecordType) -> bool:
        fields = (record.fields[word] for word in RECEIVERS if word in record.fields)
        return any(isinstance(t, SortType) and t.sort in self.sorts for t in fields)

    def _process_sorts(self) -> tuple[type[Sort], ...]:
        if self.declared.processes:
            return tuple(self.declared.processes)
        found: dict[type[Sort], None] = {}
        for declaration in self.model.module.variables:
            t: Type = declaration.type
            while isinstance(t, MapType):
                if isinstance(t.key, SortType) and not issubclass(t.key.sort, Ordered):
                    found[t.key.sort] = None
                t = t.value
        return tuple(found)

    def name(self, process: Any) -> str:
        """What is written over a lifeline."""
        word = self.declared.processes.get(type(process), "")
        return f"{word} {show(process)}" if word else show(process)

    def is_process(self, value: object) -> bool:
        return type(value) in self.sorts

    def drawn(self, trace: Trace, violation: Violation | None) -> SequenceDiagram:
        """The diagram of a run."""
        recorder = DiagramRecorder(self._title())
        with running(self.model.scope):
            for sort in self.sorts:
                for value in sort:
                    recorder.lifeline(self.name(value))
        for owner in dict.fromkeys(self.declared.owner.values()):
            recorder.lifeline(owner)
        flight: dict[NetworkMessage, list[int]] = {}
        for item in self._items(trace.initial).elements():
            self._send(recorder, flight, item, None)
        before = trace.initial
        for step in trace.steps:
            self._record(recorder, self._looked(before, step), flight)
            before = step.state
        ending = None if violation is None else _ending(violation, len(trace.steps))
        return recorder.diagram(ending, loop=trace.loop)

    def _title(self) -> str:
        sizes = [f"{sort.__name__}={size}" for sort, size in self.model.scope.sizes.items()]
        return " ".join([self.model.module.name, *sizes])

    # --- what a step does ---

    def _items(self, state: State) -> Counter[NetworkMessage]:
        """Every message in every network, with its copies."""
        found: Counter[NetworkMessage] = Counter()
        for name in self.networks:
            for keys, record, copies in _held(state[name], ()):
                found[name, keys, record] += copies
        return found

    def _looked(self, before: State, step: Step) -> _DrawnStep:
        old, new = self._items(before), self._items(step.state)
        sent, taken = new - old, old - new
        different = tuple(c for c in changes(before, step.state) if _variable(c) not in self.networks)
        needed = self._needed(before, step) if old else ()
        writes = self._uses.writes(self.model.module.functions[step.action].body)
        own = bool(different or sent) or not writes <= set(self.networks)  # else it is the network's
        inboxes = {self._inbox(item) for item in taken if item in needed} - {None}
        received = [i for i in taken.elements() if own and (i in needed or self._inbox(i) in inboxes)]
        given = _records(step)
        read = [i for i in needed if i not in taken and (i[0] in self.growing or i[2] in given)]
        copied = bool(sent) and not taken and not different and set(sent) <= set(needed)
        return _DrawnStep(
            step,
            tuple(sent.elements()),
            tuple(received),
            tuple((taken - Counter(received)).elements()),
            tuple(read),
            copied,
            different,
        )

    def _inbox(self, item: NetworkMessage) -> tuple[object, ...] | None:
        """Where a message waits for somebody: what is taken from one place together is received together."""
        receiver = self._named(item, RECEIVERS)
        return (item[0], *item[1], receiver) if item[1] or receiver is not None else None

    def _needed(self, before: State, step: Step) -> tuple[NetworkMessage, ...]:
        """What remains of the messages when each that the step, as it was, can do without is taken away."""
        # What it is named after comes last, so that of several that would do it is kept.
        given = _records(step)
        about = {value for _, value in step.arguments if self.is_process(value)}
        candidates = sorted(
            self._items(before),
            key=lambda item: (item[2] in given, any(v in about for _, v in _fields(item[2]))),
        )
        needed: list[NetworkMessage] = []
        state = dict(before)
        for item in candidates:
            fewer = {**state, item[0]: _without(state[item[0]], item[1], item[2])}
            if self._same_step(fewer, before, step):
                state = fewer
            else:
                needed.append(item)
        return tuple(needed[::-1])

    def _same_step(self, fewer: State, before: State, step: Step) -> bool:
        """Whether the step is possible with fewer messages, and does the same to all the rest."""
        after = self._taken(fewer, step)
        if after is None:
            return False
        if any(after[name] != step.state[name] for name in self.names if name not in self.networks):
            return False
        missing = self._items(before) - self._items(fewer)
        found, wanted = self._items(after), self._items(step.state)
        # What was taken away is gone, or there again because the step has put it there.
        return all(found[i] in (max(wanted[i] - missing[i], 0), wanted[i]) for i in {*found, *wanted})

    def _taken(self, state: State, step: Step) -> State | None:
        """The state after the same step from another state, if it is possible there."""
        values: Values = tuple(state[name] for name in self.names)
        try:
            taken = self.machine.take(values, step.action, dict(step.arguments))
        except ModelError:
            return None
        for _, target in taken:
            if not isinstance(target, OutOfBounds):
                return dict(zip(self.names, target, strict=True))
        return None

    # --- whose it is ---

    def _record(
        self, recorder: DiagramRecorder, seen: _DrawnStep, flight: dict[NetworkMessage, list[int]]
    ) -> None:
        if seen.copied:
            recorder.step(self._call(seen, seen.sent))
            for item in seen.sent:
                sender, receiver = recorder.ends(flight[item][-1])
                label = self._label(item, sender, receiver)
                flight[item].append(recorder.send(label, sender, receiver, copy=True))
            return
        arriving = (*seen.received, *seen.read, *seen.lost)
        only_lost = arriving == seen.lost != () and not seen.sent and not seen.changes
        actor = None if only_lost else self._actor(seen)
        mine = actor or self.model.module.name
        recorder.step(self._call(seen, arriving), actor)
        for item in seen.received:
            receiver = self._named(item, RECEIVERS)
            recorder.receive(flight[item].pop(0), mine if receiver is None else self.name(receiver))
        for item in seen.read:
            recorder.receive(flight[item][0], mine, consumed=False)
        for item in seen.lost:
            recorder.lose(_oldest(recorder, flight, item))
        for change in seen.changes:
            recorder.change(self._owner(change, mine), self._told(change))
        for item in seen.sent:
            self._send(recorder, flight, item, actor)

    def _send(
        self,
        recorder: DiagramRecorder,
        flight: dict[NetworkMessage, list[int]],
        item: NetworkMessage,
        actor: str | None,
    ) -> None:
        sender, receiver = self._ends(item, actor)
        label = self._label(item, sender, receiver)
        flight.setdefault(item, []).append(recorder.send(label, sender, receiver))

    def _actor(self, seen: _DrawnStep) -> str:
        # By name: values of different sorts may be equal as numbers.
        receivers = self._one(self._named(item, RECEIVERS) for item in (*seen.received, *seen.read))
        if receivers is not None:
            return receivers
        changed = [self._key(change) for change in seen.changes]
        if (one := self._one(changed)) is not None:
            return one
        if (sender := self._one(self._named(item, SENDERS) for item in seen.sent)) is not None:
            return sender
        given = [value for _, value in seen.step.arguments if self.is_process(value)]
        owners = [self.declared.owner[v] for c in seen.changes if (v := _variable(c)) in self.declared.owner]
        if owners and all(key is None for key in changed):
            return owners[0]
        if given:
            return self.name(given[0])
        touching = [
            self.declared.owner[n] for n in self._read_by(seen.step.action) if n in self.declared.owner
        ]
        return owners[0] if owners else touching[0] if touching else self.model.module.name

    def _one(self, processes: Iterable[Any]) -> str | None:
        """The name of the one process that there is among these; None if there is none, or several."""
        names = {self.name(process) for process in processes if process is not None}
        return names.pop() if len(names) == 1 else None

    def _read_by(self, action: str) -> list[str]:
        found = self._uses.reads(self.model.module.functions[action].body)
        return [name for name in self.names if name in found]

    def _key(self, change: StateDifference) -> Any:
        """The process whose entry in a map changed."""
        _, bracket, rest = change.path.partition("[")
        if not bracket:
            return None
        text = rest.partition("]")[0]
        with running(self.model.scope):
            return next((v for sort in self.sorts for v in sort if show(v) == text), None)

    def _owner(self, change: StateDifference, actor: str) -> str:
        key = self._key(change)
        if key is not None:
            return self.name(key)
        return self.declared.owner.get(_variable(change), actor)

    def _told(self, change: StateDifference) -> str:
        """A change in the words of its process: without the key that says whose it is."""
        path = change.path
        if self._key(change) is not None:
            head, _, rest = path.partition("[")
            path = head + rest.partition("]")[2]
        copies = f"{change.copies} x " if change.copies > 1 else ""
        match change.kind:
            case ChangeKind.ADDED:
                return f"{path} + {copies}{change.new}"
            case ChangeKind.REMOVED:
                return f"{path} - {copies}{change.old}"
        return f"{path}: {change.old} \u2192 {change.new}"

    # --- messages ---

    def _named(self, item: NetworkMessage, words: Sequence[str]) -> Any:
        """The process that a message names in a field of one of these names (or that its place in the network names)."""
        _, keys, record = item
        if (field := self._field(record, words)) is not None:
            return getattr(record, field)
        if len(keys) == 2 and all(map(self.is_process, keys)):  # channels: from one to another
            return keys[0] if words is SENDERS else keys[1]
        return None

    def _field(self, message: Any, words: Sequence[str]) -> str | None:
        """The first of these fields that holds a process."""
        fields = dict(_fields(message))
        return next((word for word in words if self.is_process(fields.get(word))), None)

    def _ends(self, item: NetworkMessage, actor: str | None) -> tuple[str, str | None]:
        """Sender and receiver of a message that an actor has sent."""
        sender, receiver = self._named(item, SENDERS), self._named(item, RECEIVERS)
        by = actor if actor is not None else None if sender is None else self.name(sender)
        if by is None:
            by = self.model.module.name
        if receiver is not None:
            return by, self.name(receiver)
        others = [v for _, v in _fields(item[2]) if self.is_process(v) and self.name(v) != by]
        return by, self.name(others[0]) if len(others) == 1 else None

    def _label(self, item: NetworkMessage, sender: str, receiver: str | None) -> str:
        """A message, without the fields that its arrow shows."""
        message = item[2]
        if not _is_record(message):
            return show(message)
        shown = [(self._field(message, SENDERS), sender), (self._field(message, RECEIVERS), receiver)]
        hidden = {f for f, end in shown if f is not None and self.name(getattr(message, f)) == end}
        fields = [f"{f}={show(v)}" for f, v in _fields(message) if f not in hidden]
        return f"{type(message).__name__}({', '.join(fields)})"

    def _call(self, seen: _DrawnStep, arriving: tuple[NetworkMessage, ...]) -> str:
        """The step as it is called; without its message if just one arrives, for the arrow shows it."""
        record = arriving[0][2] if len(arriving) == 1 and _is_record(arriving[0][2]) else None
        named = [name for name, value in seen.step.arguments if record is not None and value == record]
        told = [name if [name] == named else f"{name}={show(value)}" for name, value in seen.step.arguments]
        return f"{seen.step.action}({', '.join(told)})"


def _oldest(recorder: DiagramRecorder, flight: dict[NetworkMessage, list[int]], item: NetworkMessage) -> int:
    """Of the copies of a message one that has not arrived anywhere, if there is one."""
    numbers = flight[item]
    found = next((n for n in numbers if not recorder.arrived(n)), numbers[0])
    numbers.remove(found)
    return found


def _variable(change: StateDifference) -> str:
    return change.path.partition("[")[0].partition(".")[0]


def _is_record(message: object) -> bool:
    return hasattr(type(message), "__record_types__")


def _records(step: Step) -> list[object]:
    """The arguments of a step that are records, as messages are."""
    return [value for _, value in step.arguments if _is_record(value)]


def _fields(message: Any) -> list[tuple[str, Any]]:
    """The fields of a message that is a record; any other value has none."""
    return (
        [(name, getattr(message, name)) for name in type(message).__match_args__]
        if _is_record(message)
        else []
    )


def _only_grows(model: Model, network: str) -> bool:
    """Whether nothing ever leaves a network: all that is stored there is what was there, and more."""
    bodies = [f.body for name, f in model.module.functions.items() if name != "init"]
    return all(_grown(s.value, network) for body in bodies for s in stores(body) if s.variable == network)


def _grown(value: ir.Expr, network: str) -> bool:
    value = core(value)
    if isinstance(value, ir.Insert):
        return _grown(value.container, network)
    if isinstance(value, ir.Concat):
        return _grown(value.left, network)
    if isinstance(value, ir.SetOp):
        return value.op == "|" and (_grown(value.left, network) or _grown(value.right, network))
    found = place(value)
    return found is not None and found[0].name == network


def _held(value: Any, keys: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], Any, int]]:
    """The records in a network, with the keys of the maps they are in, and their copies."""
    if isinstance(value, Map):
        for key, inner in value.items():
            yield from _held(inner, (*keys, key))
    elif isinstance(value, Bag):
        for item in value.distinct():
            yield keys, item, value.count(item)
    elif isinstance(value, Set | Seq):
        for item, copies in Counter(value).items():
            yield keys, item, copies
    elif value is not None:
        yield keys, value, 1


def _without(value: Any, keys: tuple[object, ...], record: Any) -> Any:
    """A network without any copy of a message."""
    if keys:
        return value | {keys[0]: _without(value[keys[0]], keys[1:], record)}
    if isinstance(value, Set | Bag | Seq):
        return type(value)(item for item in value if item != record)
    return None


def _ending(violation: Violation, steps: int) -> Ending:
    after = f"after {steps} step{'' if steps == 1 else 's'}"
    if violation.kind is PropertyKind.DEADLOCK:
        headline = f"deadlock {after}"
    elif violation.kind is PropertyKind.LIVENESS:
        headline = f"{violation.name} is never fulfilled"
    else:
        headline = f"{violation.name} fails {after}"
    lines = tuple(violation.detail.splitlines())
    return Ending(headline, lines)
