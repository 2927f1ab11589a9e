"""Systematic mistakes that nobody catches, and why each is none: by the implementation, and by the mistake."""

from __future__ import annotations

from collections.abc import Mapping

UNUSED = "there is nobody to share with, and what it is is not looked at"
ORIGIN = "only differences of these times are looked at, so that it does not matter where they begin"
EQUALS = "of equals any may be the one that others are compared with"
ONLY_ONE = "there is only one, which is the first and the last"
UNREAD = "it is set before it is read"
TICKETS = "tickets need only differ from each other"
SHORTCUT = "it only saves time: what is at the cap stays there"
SLOWER = "all are looked at where the first of each row would do, which gives the same pick"
ROUNDS = "picks of whole rounds leave all as it was"
SORTED = "both ways put the points in the same order"
PAST = "no moment is before 0, so that it is over all the same"
UNREACHED = "somebody always has room, as the model claims, so that this is never reached"

SURVIVORS: Mapping[str, Mapping[str, str]] = {
    "keep-alive": {
        "KeepAlive.renewed: if self.state(now_ms) is not SessionState.EXPIRED becomes if True": "what is lost stays lost, and "
        "nobody looks at its times",
    },
    "failover": {
        "Grantor.__init__: 0 becomes -1 (2)": PAST,
        "Grantor.release: 0 becomes -1": PAST,
        "Holder.__init__: 1 becomes 2": "any lease would do: only the drift is to be checked",
        "Holder.__init__: without self._until_ms = 0": UNREAD,
        "Holder.__init__: 0 becomes 1": UNREAD,
        "Holder.__init__: 0 becomes -1": UNREAD,
        "Holder.resign: 0 becomes -1": PAST,
    },
    "smooth-weighted": {
        "SmoothWeighted.__init__: without self._rows: dict[int, list[tuple[int, int]]] = {}": UNREAD,
        "SmoothWeighted.__init__: 0 becomes 1": UNREAD,
        "SmoothWeighted.__init__: 0 becomes -1": UNREAD,
        "SmoothWeighted.changed: without self._failing = {name for name, turn in turns.items() if "
        "turn.effective < turn.endpoint.weight}": SLOWER,
        "SmoothWeighted.changed: for name, turn in turns.items() if turn.effective < turn.endpoint.weight "
        "becomes for name, turn in turns.items()": SLOWER,
        "SmoothWeighted.changed: turn.effective < turn.endpoint.weight becomes turn.effective <= turn.endpoint.weight": SLOWER,
        "SmoothWeighted._settle: self._turns.values() if self._picks else () becomes self._turns.values() if "
        "True else ()": "it only saves time: nothing is added to any",
        "SmoothWeighted.pick: if request.avoid or self._failing or (not self.endpoints) becomes if True": SLOWER,
        "SmoothWeighted._of_all: if turn.effective == turn.endpoint.weight becomes if False": SLOWER,
        "SmoothWeighted._of_all: without self._failing.discard(turn.endpoint.name)": SLOWER,
        "SmoothWeighted._of_all: self._failing.discard becomes self._failing.add": SLOWER,
        "SmoothWeighted.done: without self._settle()": "the next pick leaves the rows by itself, as somebody is failing",
        "SmoothWeighted._begin: sum(weights) // math.gcd(*weights) becomes sum(weights) * math.gcd(*weights)": ROUNDS,
        "SmoothWeighted.changed: 0 becomes 1 (3)": UNUSED,
        "SmoothWeighted.changed: 0 becomes -1 (3)": UNUSED,
        "SmoothWeighted.changed: 0 becomes 1 (4)": UNUSED,
        "SmoothWeighted.changed: 0 becomes -1 (4)": UNUSED,
    },
    "earliest-deadline": {
        "EarliestDeadline.__init__: 0 becomes 1": ORIGIN,
        "EarliestDeadline.__init__: 0 becomes -1": ORIGIN,
        "EarliestDeadline.__init__: 1 becomes 2": "the time is 0 then, in whatever parts",
        "EarliestDeadline.__init__: without self._period: dict[str, Time] = {}": UNREAD,
        "EarliestDeadline._count_in: 1 becomes 2": "weights of the model have parts in common; only without any it matters",
        "EarliestDeadline._count_in: True becomes False": "there are as many deadlines as endpoints",
    },
    "least-outstanding": {
        "LeastOutstanding.__init__: without self._least: dict[int, int] = {}": UNREAD,
        "LeastOutstanding.__init__: without self._place: dict[str, int] = {}": UNREAD,
        "LeastOutstanding.__init__: without self._rows: dict[int, dict[int, list[int]]] = {}": UNREAD,
        "LeastOutstanding.pick: if request.avoid or not self.endpoints becomes if True": "it only saves time: all are looked at",
        "LeastOutstanding.pick: 0 becomes -1": EQUALS,
        "LeastOutstanding._of: 0 becomes -1 (2)": EQUALS,
        "LeastOutstanding._of: 0 becomes -1 (3)": EQUALS,
        "LeastOutstanding._move: after < self._least[weight] becomes after <= self._least[weight]": "it is set to what it is",
        "LeastOutstanding._move: if self._least[weight] not in rows becomes if True": "it is computed once more",
        "_Counting.__init__: without self.on_the_way = 0": UNREAD,
        "_Counting.__init__: 0 becomes 1": UNREAD,
        "_Counting.__init__: 0 becomes -1": UNREAD,
        "_Counting.done: if self.outstanding.get(name) becomes if True": "least outstanding has looked at that before",
        "LeastOutstanding.pick: 0 becomes -1 (2)": EQUALS,
        "LeastOutstanding.pick: 0 becomes -1 (3)": EQUALS,
    },
    "two-choices": {
        "TwoChoices.pick: eligible(self.endpoints, request.avoid) if request.avoid else self.endpoints "
        "becomes eligible(self.endpoints, request.avoid) if True else self.endpoints": "it only saves time: nobody is avoided",
        "TwoChoices.pick: 0 becomes -1": ONLY_ONE,
    },
    "bounded-ring": {
        "BoundedRing.__init__: without self._named: dict[str, Endpoint] = {}": UNREAD,
        "BoundedRing.changed: if others becomes if True": "it only saves time: nobody's points go",
        "BoundedRing.pick: eligible(self.endpoints, request.avoid) if request.avoid else self.endpoints "
        "becomes eligible(self.endpoints, request.avoid) if True else self.endpoints": "it only saves time: nobody is avoided",
        "BoundedRing.changed: if weights.get(e.name) != e.weight becomes if True": "a point that is there twice is met once more",
        "BoundedRing.pick: without raise AssertionError": UNREACHED,
    },
    "random": {
        "Random.pick: eligible(self.endpoints, request.avoid) if request.avoid else self.endpoints becomes "
        "eligible(self.endpoints, request.avoid) if True else self.endpoints": "it only saves time: nobody is avoided",
    },
    "weighted-random": {
        "WeightedRandom.__init__: 0 becomes -1": UNREAD,
        "WeightedRandom.__init__: 0 becomes 1": UNREAD,
        "WeightedRandom.__init__: without self._total = 0": UNREAD,
        "WeightedRandom.__init__: without self.alias: tuple[int, ...] = ()": UNREAD,
        "WeightedRandom.__init__: without self.kept: tuple[int, ...] = ()": UNREAD,
        "WeightedRandom.pick: 0 becomes -1": "none is tried either way",
        "WeightedRandom.pick: True becomes False": "there are as many sums as endpoints",
        "alias_table: left[i] >= total becomes left[i] > total": "a column that is just full needs nobody, and nobody needs it",
    },
    "hedging": {"Hedge._end: without self._open.clear()": "once it is over, what is open is not looked at"},
    "priorities": {"Priorities.primary: 0 becomes -1": "any time that is over will do"},
    "max-fails": {
        "MaxFails.__init__: False becomes True": "nothing has failed that a success could take back",
        "MaxFails.__init__: 0 becomes 1 (2)": TICKETS,
        "MaxFails.__init__: 0 becomes -1 (2)": TICKETS,
        "MaxFails.request: 1 becomes 2": TICKETS,
        "MaxFails.ended: 1 becomes 2 (2)": TICKETS,
    },
    "circuit-breaker": {
        "CircuitBreaker.__init__: without self._change_ms = 0": UNREAD,
        "CircuitBreaker.__init__: 0 becomes 1": UNREAD,
        "CircuitBreaker.__init__: 0 becomes -1": UNREAD,
        "CircuitBreaker.__init__: 0 becomes 1 (2)": TICKETS,
        "CircuitBreaker.__init__: 0 becomes -1 (2)": TICKETS,
        "CircuitBreaker._change: self._epoch += 1 becomes self._epoch -= 1": TICKETS,
        "CircuitBreaker._change: 1 becomes 2": TICKETS,
    },
    "retries": {
        "Backoff.delay_ms: if t == self.cap_ms becomes if False": SHORTCUT,
        "Backoff.delay_ms: without break": SHORTCUT,
    },
}
