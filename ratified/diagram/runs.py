"""From a run of a model to a sequence diagram: whose step each is, which messages there are, and what becomes of them.

How messages are recognised. A variable that is a `Set` or `Bag` of records is a network, and so are the variables that the model
names in `lifelines`. Processes are the values of the sorts by which maps among the variables are keyed, or those of
`lifelines`. What
a step adds to a network is sent; and **a step received those messages without which it would not have been possible, or
would have done something else**: they are taken away one at a time, and the step is tried again. A step that does nothing
but take a message off the network loses it; one that does nothing but add a copy of a message repeats it.

Guarantees: pure; the same run gives the same diagram; a run of a model without processes or networks is a diagram too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ratified.diagram.rows import Ending
from ratified.diagram.sequence import Recorder, SequenceDiagram
from ratified.language.api import Lifelines
from ratified.language.errors import ModelError
from ratified.language.machine import OutOfBounds, PythonMachine, Values
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.sorts import Ordered, Sort
from ratified.language.types import BagType, MapType, SetType, SortType, Type, records_of
from ratified.language.uses import Uses
from ratified.language.values import Bag, Map, Seq, Set, show
from ratified.results.changes import Change, ChangeKind, changes
from ratified.results.result import PropertyKind, Result, State, Step, Trace, Violation

SENDERS = ("sender", "source", "src", "origin", "from_", "frm")
RECEIVERS = ("receiver", "recipient", "dest", "destination", "dst", "to", "target")

Item = tuple[str, tuple[object, ...], Any]
"""A message in a network: the variable, the keys of maps in it, and the record."""


def sequence(run: Trace | Result | Violation, model: Model | None = None) -> SequenceDiagram:
    """The sequence diagram of a run, of the counterexample of a result, or of a violation.

    `model` is the model at the size that it is a run of; a result knows its own.

    Raises:
        ModelError: there is no run to draw, or no telling of which model it is.
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
class _Step:
    """A step with what was found out about it."""

    step: Step
    before: State
    sent: tuple[Item, ...]
    taken: tuple[Item, ...]
    used: tuple[Item, ...]
    changes: tuple[Change, ...]  # outside of networks


class _Drawer:
    """Draws runs of one model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.machine = PythonMachine(model)
        given = getattr(type(model), "lifelines", None)
        self.declared = given if isinstance(given, Lifelines) else Lifelines()
        self.networks = self.declared.network or tuple(
            d.name for d in model.module.variables if _is_network(d.type)
        )
        self.sorts = self._process_sorts()
        self.names = tuple(d.name for d in model.module.variables)

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
        recorder = Recorder(self._title())
        with running(self.model.scope):
            for sort in self.sorts:
                for value in sort:
                    recorder.lifeline(self.name(value))
        for owner in dict.fromkeys(self.declared.owner.values()):
            recorder.lifeline(owner)
        flight: dict[Item, list[int]] = {}
        for item in self._items(trace.initial).elements():
            flight.setdefault(item, []).append(recorder.send(self._label(item), *self._ends(item, None)))
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

    def _items(self, state: State) -> Counter[Item]:
        """Every message in every network, with its copies."""
        found: Counter[Item] = Counter()
        for name in self.networks:
            for keys, record, copies in _held(state[name], ()):
                found[name, keys, record] += copies
        return found

    def _looked(self, before: State, step: Step) -> _Step:
        old, new = self._items(before), self._items(step.state)
        sent, taken = new - old, old - new
        different = tuple(
            c
            for c in changes(before, step.state)
            if c.path.partition("[")[0].partition(".")[0] not in self.networks
        )
        used = self._used(before, step) if old else ()
        return _Step(step, before, tuple(sent.elements()), tuple(taken.elements()), used, different)

    def _used(self, before: State, step: Step) -> tuple[Item, ...]:
        """The messages that the step needed, as it was: what remains when each that it can do without is taken away."""
        # What it is named after comes last, so that of several that would do it is kept.
        given = [value for _, value in step.arguments]
        candidates = sorted(
            self._items(before), key=lambda item: (item[2] in given, self._to_another(item, step))
        )
        needed: list[Item] = []
        state = dict(before)
        for item in candidates:
            fewer = {**state, item[0]: _without(state[item[0]], item[1], item[2])}
            if self._same_step(fewer, before, step):
                state = fewer
            else:
                needed.append(item)
        return tuple(needed[::-1])

    def _to_another(self, item: Item, step: Step) -> bool:
        """Whether a message concerns one of the processes that the step is about: those are tried last."""
        about = {v for _, v in step.arguments if self.is_process(v)}
        return any(
            getattr(item[2], f) in about
            for f in type(item[2]).__match_args__
            if self.is_process(getattr(item[2], f))
        )

    def _same_step(self, fewer: State, before: State, step: Step) -> bool:
        """Whether the step is possible with fewer messages, and changes the rest alike."""
        after = self._taken(fewer, step)
        if after is None:
            return False
        if any(after[name] != step.state[name] for name in self.names if name not in self.networks):
            return False
        added = self._items(after) - self._items(fewer)
        wanted = self._items(step.state) - self._items(before)
        removed = self._items(before) - self._items(step.state)
        missing = self._items(before) - self._items(fewer)
        # In a set, a message that was taken away is added anew where it would have been there already.
        return wanted in (added, added - missing) and not (removed & missing)

    def _taken(self, state: State, step: Step) -> State | None:
        """The state after the same step from another state, if it is possible there."""
        wanted = tuple(value for _, value in step.arguments)
        values: Values = tuple(state[name] for name in self.names)
        try:
            steps = self.machine.steps(values)
        except ModelError:
            return None
        for action, arguments, target in steps:
            same = self.machine.actions[action].name == step.action and arguments == wanted
            if same and not isinstance(target, OutOfBounds):
                return dict(zip(self.names, target, strict=True))
        return None

    # --- whose it is ---

    def _record(self, recorder: Recorder, seen: _Step, flight: dict[Item, list[int]]) -> None:
        only_network = not seen.changes
        if only_network and seen.taken and not seen.sent:
            recorder.step(self._call(seen))
            for item in seen.taken:
                recorder.lose(_oldest(recorder, flight, item))
            return
        if only_network and seen.sent and not seen.taken and set(seen.sent) <= set(seen.used):
            recorder.step(self._call(seen))
            for item in seen.sent:
                sender, receiver = recorder.ends(flight[item][-1])
                flight[item].append(recorder.send(self._label(item), sender, receiver, copy=True))
            return
        actor = self._actor(seen)
        recorder.step(self._call(seen), actor)
        gone = Counter(seen.taken)
        for item in seen.used:
            consumed = gone[item] > 0
            gone[item] -= consumed
            number = flight[item][0]
            own = recorder.ends(number)[0] == actor
            if (
                not own or self._named(item, RECEIVERS) is not None
            ):  # else it reads what it has written itself
                recorder.receive(number, actor, consumed=consumed)
            if consumed:
                flight[item].pop(0)
        for item in +gone:
            for _ in range(gone[item]):
                recorder.lose(_oldest(recorder, flight, item))
        for change in seen.changes:
            recorder.change(self._owner(change, actor), self._told(change))
        for item in seen.sent:
            flight.setdefault(item, []).append(recorder.send(self._label(item), *self._ends(item, actor)))

    def _actor(self, seen: _Step) -> str:
        receivers = {self._named(item, RECEIVERS) for item in seen.used} - {None}
        if len(receivers) == 1:
            return self.name(receivers.pop())
        changed = [key for change in seen.changes if (key := self._key(change)) is not None]
        if len(dict.fromkeys(changed)) == 1:
            return self.name(changed[0])
        senders = {self._named(item, SENDERS) for item in seen.sent} - {None}
        if len(senders) == 1:
            return self.name(senders.pop())
        given = [value for _, value in seen.step.arguments if self.is_process(value)]
        owners = [self.declared.owner[v] for c in seen.changes if (v := _variable(c)) in self.declared.owner]
        if owners and not changed:
            return owners[0]
        if given:
            return self.name(given[0])
        touching = [
            self.declared.owner[n] for n in self._read_by(seen.step.action) if n in self.declared.owner
        ]
        return owners[0] if owners else touching[0] if touching else self.model.module.name

    def _read_by(self, action: str) -> list[str]:
        module = self.model.module
        found = Uses(module).reads(module.functions[action].body)
        return [name for name in self.names if name in found]

    def _key(self, change: Change) -> Any:
        """The process whose entry in a map changed."""
        _, bracket, rest = change.path.partition("[")
        if not bracket:
            return None
        text = rest.partition("]")[0]
        with running(self.model.scope):
            return next((v for sort in self.sorts for v in sort if show(v) == text), None)

    def _owner(self, change: Change, actor: str) -> str:
        key = self._key(change)
        if key is not None:
            return self.name(key)
        return self.declared.owner.get(_variable(change), actor)

    def _told(self, change: Change) -> str:
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

    def _named(self, item: Item, words: Sequence[str]) -> Any:
        """The process that a message names in a field of one of these names (or that its place in the network names)."""
        _, keys, record = item
        for word in words:
            value = getattr(record, word, None)
            if self.is_process(value):
                return value
        if len(keys) == 2 and all(map(self.is_process, keys)):  # channels: from one to another
            return keys[0] if words is SENDERS else keys[1]
        return None

    def _ends(self, item: Item, actor: str | None) -> tuple[str, str | None]:
        """Sender and receiver of a message that an actor has sent."""
        sender, receiver = self._named(item, SENDERS), self._named(item, RECEIVERS)
        by = actor if actor is not None else None if sender is None else self.name(sender)
        if by is None:
            by = self.model.module.name
        if receiver is not None:
            return by, self.name(receiver)
        others = [v for _, v in _fields(item[2]) if self.is_process(v) and self.name(v) != by]
        return by, self.name(others[0]) if len(others) == 1 else None

    def _label(self, item: Item) -> str:
        """A message, without the fields that its arrow shows."""
        message = item[2]
        if not hasattr(type(message), "__record_types__"):
            return show(message)
        hidden = {f for f, v in _fields(message) if f in (*SENDERS, *RECEIVERS) and self.is_process(v)}
        fields = [f"{f}={show(v)}" for f, v in _fields(message) if f not in hidden]
        return f"{type(message).__name__}({', '.join(fields)})"

    def _call(self, seen: _Step) -> str:
        """The step as it is called; without its messages, for their arrows show them."""
        records = {item[2] for item in (*seen.used, *seen.taken)}
        told = [
            name if hasattr(type(value), "__record_types__") and value in records else f"{name}={show(value)}"
            for name, value in seen.step.arguments
        ]
        return f"{seen.step.action}({', '.join(told)})"


def _oldest(recorder: Recorder, flight: dict[Item, list[int]], item: Item) -> int:
    """Of the copies of a message one that has not arrived anywhere, if there is one."""
    numbers = flight[item]
    found = next((n for n in numbers if not recorder.arrived(n)), numbers[0])
    numbers.remove(found)
    return found


def _variable(change: Change) -> str:
    return change.path.partition("[")[0].partition(".")[0]


def _fields(message: Any) -> list[tuple[str, Any]]:
    """The fields of a message that is a record; any other value has none."""
    names = type(message).__match_args__ if hasattr(type(message), "__record_types__") else ()
    return [(name, getattr(message, name)) for name in names]


def _is_network(t: Type) -> bool:
    return isinstance(t, SetType | BagType) and bool(records_of(t.item))


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
    elif hasattr(type(value), "__record_types__"):
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
