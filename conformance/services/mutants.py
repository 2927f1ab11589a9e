"""What has gone wrong in policies like these, planted into ours: the bugs of the models' variants, under the same names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ratified.conform.mutants import Mutant
from ratified.impl.services.balancing.base import Picking
from ratified.impl.services.balancing.chance import alias_table
from ratified.impl.services.balancing.deadline import EarliestDeadline
from ratified.impl.services.balancing.hashing import hashed
from ratified.impl.services.balancing.turns import RoundRobin, SmoothWeighted
from ratified.impl.services.endpoints import Endpoint, NoEndpointError, eligible, whole
from ratified.impl.services.failover import Grantor, Priorities
from ratified.impl.services.health import Circuit, CircuitBreaker, Draining, Outliers
from ratified.impl.services.hedging import Hedge, Outcome
from ratified.impl.services.recovery import Owner, Supervisor

SMOOTH = "ratified.impl.services.balancing.turns:SmoothWeighted"
ROUND_ROBIN = "ratified.impl.services.balancing.turns:RoundRobin"
DEADLINE = "ratified.impl.services.balancing.deadline:EarliestDeadline"
CHANCE = "ratified.impl.services.balancing.chance"
HEDGING = "ratified.impl.services.hedging"
LOAD = "ratified.impl.services.balancing.load"
RING = "ratified.impl.services.balancing.hashing:BoundedRing"
HEALTH = "ratified.impl.services.health"
BUDGETS = "ratified.impl.services.budgets"
FAILOVER = "ratified.impl.services.failover"
RECOVERY = "ratified.impl.services.recovery"
SESSIONS = "ratified.impl.sessions:Sessions"


def always(*_: Any, **__: Any) -> bool:
    return True


def never(*_: Any, **__: Any) -> bool:
    return False


# Turns


def pays_its_own(self: Any, request: Picking) -> Endpoint:
    turns = [self._turns[e.name] for e in eligible(self.endpoints, request.avoid)]
    for turn in turns:
        turn.current += turn.effective
    best = max(turns, key=lambda turn: turn.current)
    best.current -= max(turn.effective for turn in turns)
    return Endpoint(best.endpoint.name, best.endpoint.weight)


def heaviest_first(self: Any, request: Picking) -> Endpoint:
    turns = [self._turns[e.name] for e in eligible(self.endpoints, request.avoid)]
    if all(turn.current <= -turn.endpoint.weight for turn in turns):
        for turn in turns:
            turn.current = 0
    best = max((t for t in turns if t.current > -t.endpoint.weight), key=lambda t: t.endpoint.weight)
    best.current -= 1
    return Endpoint(best.endpoint.name, best.endpoint.weight)


def whoever(original: Any) -> Any:
    return lambda self, request: original(self, Picking(request.draw, request.key))


def begin_anew(self: Any, before: tuple[Endpoint, ...]) -> None:
    self._turns.clear()
    smooth_changed(self, ())


smooth_changed = SmoothWeighted.changed
smooth_made = SmoothWeighted.__init__
round_robin_made = RoundRobin.__init__
deadline_changed = EarliestDeadline.changed


def reweighted_anew(self: Any, before: tuple[Endpoint, ...]) -> None:
    weights = {endpoint.name: endpoint.weight for endpoint in before}
    if any(weights.get(e.name, e.weight) != e.weight for e in self.endpoints):
        self._turns.clear()
    smooth_changed(self, before)


def begins_with_the_heaviest(self: Any, failures: int = 1, start: int = 0) -> None:
    smooth_made(self, failures, 0)


def first_again(self: Any, before: tuple[Endpoint, ...]) -> None:
    if before and before != self.endpoints:
        self._next = 0


def same_number(self: Any, before: tuple[Endpoint, ...]) -> None:
    """Nothing."""


def same_start(self: Any, start: int = 0) -> None:
    round_robin_made(self, 0)


def deadlines_anew(self: Any, before: tuple[Endpoint, ...]) -> None:
    self._due = []
    deadline_changed(self, before)


def rounded_away(self: Any, before: tuple[Endpoint, ...]) -> None:
    deadline_changed(self, before)
    heaviest = max(endpoint.weight for endpoint in self.endpoints)
    self._due = [due for due in self._due if due[2].weight // heaviest > 0]


# Load


def weights_not_looked_at(self: Any, one: Endpoint, other: Endpoint) -> bool:
    return bool(self.outstanding[one.name] < self.outstanding[other.name])


def drawn_twice(self: Any, request: Picking) -> Endpoint:
    found = eligible(self.endpoints, request.avoid) if request.avoid else self.endpoints
    one, other = found[request.draw(len(found))], found[request.draw(len(found))]
    taken: Endpoint = self._taken(other if self._less(other, one) else one)
    return taken


def first_drawn(self: Any, request: Picking) -> Endpoint:
    found = eligible(self.endpoints, request.avoid)
    taken: Endpoint = self._taken(found[request.draw(len(found))])
    return taken


def arriving_not_counted(self: Any, count: int) -> int:
    load = sum(self.outstanding.values())
    return int(-(-self._factor.numerator * load // (self._factor.denominator * count)))


def by_number(self: Any, request: Picking) -> Endpoint:
    found = eligible(self.endpoints, request.avoid)
    taken: Endpoint = self._taken(found[hashed(request.key, b"key") % len(found)])
    return taken


def no_bound(self: Any, count: int) -> int:
    return 1_000_000


def walks_on(self: Any, request: Picking) -> Endpoint:
    drawn, count = request.draw(len(self.endpoints)), len(self.endpoints)
    eligible(self.endpoints, request.avoid)
    around = (self.endpoints[(drawn + ahead) % count] for ahead in range(count))
    found: Endpoint = next(e for e in around if e.name not in request.avoid)
    return found


def share_not_paid(weights: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    kept, alias = alias_table(weights)
    most = weights.index(max(weights))
    return kept, tuple(most if of != i else i for i, of in enumerate(alias))


def columns_only(weights: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(sum(weights) for _ in weights), tuple(range(len(weights)))


def keeps_its_turn(size: int, places: Sequence[tuple[int, int]], weights: Sequence[int]) -> tuple[int, ...]:
    table, at, taken = [-1] * size, [offset for offset, _ in places], 0
    while places:
        for n, (_, skip) in enumerate(places):
            for _ in range(2):
                while taken < size and table[at[n]] >= 0:
                    at[n] = (at[n] + skip) % size
                if taken == size:
                    return tuple(table)
                table[at[n]] = n
                taken += 1
    return ()


# Health


def gone_at_once(self: Any, now_ms: int, outstanding: Mapping[str, int]) -> set[str]:
    self._moments.at(now_ms)
    found = set(self._until_ms)
    self._until_ms.clear()
    return found


def drains_anew(self: Any, name: str, now_ms: int, longest_ms: int) -> None:
    self._until_ms.pop(name, None)
    drain(self, name, now_ms, longest_ms)


drain = Draining.drain


def tested_before(self: Any, name: str, now_ms: int) -> bool:
    record, out = self._records[name], len(self.ejected)
    if record.until_ms is not None or 100 * out >= self._config.most_percent * len(self._records):
        return False
    return bool(eject(self, name, now_ms, record))


def eject(self: Any, _: str, now_ms: int, record: Any, grow: bool = True) -> bool:
    config = self._config
    longest = max(config.longest_ms, config.base_ms)
    record.ejections += grow and config.base_ms * record.ejections < longest + config.base_ms
    record.until_ms = now_ms + min(longest, config.base_ms * max(1, record.ejections))
    return True


def not_longer(original: Any) -> Any:
    def always_the_first(self: Any, name: str, now_ms: int) -> bool:
        self._records[name].ejections = 0
        return bool(original(self, name, now_ms))

    return always_the_first


def never_forgiven(original: Any) -> Any:
    def sweep(self: Any, now_ms: int) -> tuple[set[str], set[str]]:
        before = {name: record.ejections for name, record in self._records.items()}
        out, back = original(self, now_ms)
        for name, record in self._records.items():
            record.ejections = max(record.ejections, before[name])
        return set(out), set(back)

    return sweep


def no_panic(endpoints: Any, avoid: Any, panic_percent: int = 50) -> set[str]:
    return set(endpoints) - set(avoid)


def many_probes(original: Any) -> Any:
    def request(self: Any, now_ms: int) -> int | None:
        if self.circuit is Circuit.HALF_OPEN:
            return int(self._epoch)
        ticket: int | None = original(self, now_ms)
        return ticket

    return request


def late_answers_count(original: Any) -> Any:
    def ended(self: Any, ticket: int, now_ms: int, *, ok: bool) -> None:
        original(self, self._epoch, now_ms, ok=ok)

    return ended


# Budgets


def waiting_not_counted(self: Any) -> bool:
    return bool(max(self._least, self.active * self._percent // 100) > 0)


def allowed_at_half(self: Any) -> bool:
    return bool(2 * self._tokens >= self._most)


def counted_when_ended(self: Any, now_ms: int, draw: Any) -> bool:
    refused, of = self.chance(now_ms)
    return bool(draw(of) >= refused)


def refuses_at_once(self: Any, now_ms: int) -> tuple[int, int]:
    _, requests, accepts = self._totals(now_ms)
    return max(0, requests - self._k * accepts), requests + 1


def one_too_many(self: Any, now_ms: int) -> bool:
    now = self._slice(now_ms)
    allowed = self._reserve + sum(self._requests.values()) * self._percent // 100
    if sum(self._retries.values()) > allowed:
        return False
    self._retries[now] = self._retries.get(now, 0) + 1
    return True


# Hedging


def hedges_afterwards(self: Any, attempt: int) -> Any:
    return self._next() if attempt == self._sent else ()


def others_run_on(self: Any, attempt: int, *, ok: bool) -> Any:
    self.over = True
    self._open.clear()
    return (Outcome(attempt, ok),)


def stop_not_heard(original: Any) -> Any:
    def failed(self: Any, attempt: int, *, fatal: bool, stop: bool = False) -> Any:
        return original(self, attempt, fatal=fatal)

    return failed


# Failover and recovery


def older_term_believed(self: Any, term: int, leader: str | None) -> bool:
    whole(term=term)
    news: bool = term != self.term or leader != self.leader
    self.term, self.leader = term, leader
    return news


def term_not_kept(self: Any, term: int, leader: str | None) -> bool:
    whole(term=term)
    if term <= self.term and (leader is None or self.leader is not None):
        return False
    self.term, self.leader = max(term, self.term), leader
    return True


def no_quarantine(original: Any) -> Any:
    def down(self: Any, name: str, now_ms: int) -> None:
        original(self, name, now_ms)
        self._until_ms.clear()

    return down


def for_good(original: Any) -> Any:
    def down(self: Any, name: str, now_ms: int) -> None:
        times = self._times.get(name, 0)
        original(self, name, now_ms)
        if self._times.get(name, 0) == 1 and times:
            self._times[name] = times + 1
            longest, shortest = self._longest_ms, self._shortest_ms
            self._until_ms[name] = now_ms + min(longest, shortest << times)

    return down


def nobody_leads(original: Any) -> Any:
    def primary(self: Any, now_ms: int) -> str:
        name = str(original(self, now_ms))
        if now_ms < self._until_ms.get(name, 0):
            raise NoEndpointError(f"all {len(self._order)} are down")
        return name

    return primary


def admits_all(self: Any, token: int) -> None:
    self.seen = max(self.seen, token)


def waits_no_longer(self: Any) -> int:
    return int(self._ttl_ms)


grantor_made = Grantor.__init__
grantor_released = Grantor.release


def token_again(self: Any, ttl_ms: int, drift_ppm: int = 1_000, token: int = 0) -> None:
    grantor_made(self, ttl_ms, drift_ppm, 0)


def lease_forgotten(self: Any, ttl_ms: int, drift_ppm: int = 1_000, token: int = 0) -> None:
    grantor_made(self, ttl_ms, drift_ppm, 0)
    self.token = token


def released_whatever_the_token(self: Any, token: int) -> None:
    grantor_released(self, self.token)


def told_at_once(self: Any, count: int) -> Any:
    told = self.entries[self._durable :]
    self._durable = max(count, len(self.entries))
    return told


def not_looked_at(found: Owner | None, process: str, alive: bool) -> Owner:
    return Owner(process, 1 if found is None else found.generation + 1)


def restarts_not_counted(original: Any) -> Any:
    def ended(self: Any, name: str, now_ms: int, draw: Any) -> Any:
        self._restarts.clear()
        self._most = max(self._most, 1)
        return original(self, name, now_ms, draw)

    return ended


MUTANTS: Mapping[str, Mapping[str, Mutant]] = {
    "smooth-weighted": {
        "pays-its-own": Mutant(((f"{SMOOTH}.pick", pays_its_own),)),
        "all-of-the-heaviest": Mutant(((f"{SMOOTH}.pick", heaviest_first),)),
        "picks-the-dead": Mutant(((f"{SMOOTH}.pick", whoever(SmoothWeighted.pick)),)),
        "forgets-the-light": Mutant(((f"{SMOOTH}.changed", begin_anew),)),
        "reweighted-begins-anew": Mutant(((f"{SMOOTH}.changed", reweighted_anew),)),
        "begins-alike": Mutant(((f"{SMOOTH}.__init__", begins_with_the_heaviest),)),
    },
    "round-robin": {
        "turns-begin-anew": Mutant(((f"{ROUND_ROBIN}.changed", first_again),)),
        "turns-by-number": Mutant(((f"{ROUND_ROBIN}.changed", same_number),)),
        "same-start": Mutant(((f"{ROUND_ROBIN}.__init__", same_start),)),
    },
    "earliest-deadline": {
        "begun-anew": Mutant(((f"{DEADLINE}.changed", deadlines_anew),)),
        "rounded-away": Mutant(((f"{DEADLINE}.changed", rounded_away),)),
    },
    "least-outstanding": {
        "weights-not-looked-at": Mutant(((f"{LOAD}:_Counting._less", weights_not_looked_at),))
    },
    "two-choices": {
        "drawn-twice": Mutant(((f"{LOAD}:TwoChoices.pick", drawn_twice),)),
        "one-draw": Mutant(((f"{LOAD}:TwoChoices.pick", first_drawn),)),
    },
    "random": {"walks-on": Mutant(((f"{CHANCE}:Random.pick", walks_on),))},
    "weighted-random": {
        "share-not-paid": Mutant(((f"{CHANCE}:alias_table", share_not_paid),)),
        "columns-only": Mutant(((f"{CHANCE}:alias_table", columns_only),)),
    },
    "maglev": {
        "maglev-keeps-its-turn": Mutant(
            (("ratified.impl.services.balancing.hashing:filled", keeps_its_turn),)
        )
    },
    "draining": {
        "gone-too-early": Mutant(((f"{HEALTH}:Draining.gone", gone_at_once),)),
        "drains-anew": Mutant(((f"{HEALTH}:Draining.drain", drains_anew),)),
    },
    "hedging": {
        "hedges-afterwards": Mutant(((f"{HEDGING}:Hedge.elapsed", hedges_afterwards),)),
        "others-run-on": Mutant(((f"{HEDGING}:Hedge._end", others_run_on),)),
        "stop-not-heard": Mutant(((f"{HEDGING}:Hedge.failed", stop_not_heard(Hedge.failed)),)),
    },
    "leader-hints": {
        "older-term-believed": Mutant(((f"{FAILOVER}:LeaderHints.heard", older_term_believed),)),
        "term-not-kept": Mutant(((f"{FAILOVER}:LeaderHints.heard", term_not_kept),)),
    },
    "priorities": {
        "no-quarantine": Mutant(((f"{FAILOVER}:Priorities.down", no_quarantine(Priorities.down)),)),
        "quarantined-for-good": Mutant(((f"{FAILOVER}:Priorities.down", for_good(Priorities.down)),)),
        "nobody-leads": Mutant(((f"{FAILOVER}:Priorities.primary", nobody_leads(Priorities.primary)),)),
    },
    "bounded-ring": {
        "hash-modulo": Mutant(((f"{RING}.pick", by_number),)),
        "arriving-not-counted": Mutant(((f"{RING}.bound", arriving_not_counted),)),
        "bound-not-looked-at": Mutant(((f"{RING}.bound", no_bound),)),
    },
    "ejection": {
        "limit-tested-before": Mutant(((f"{HEALTH}:Outliers._eject", tested_before),)),
        "not-longer": Mutant(((f"{HEALTH}:Outliers._eject", not_longer(Outliers._eject)),)),
        "never-forgiven": Mutant(((f"{HEALTH}:Outliers.sweep", never_forgiven(Outliers.sweep)),)),
        "no-panic": Mutant((("ratified.conformance.services.health:usable", no_panic),)),
    },
    "circuit-breaker": {
        "many-probes": Mutant(((f"{HEALTH}:CircuitBreaker.request", many_probes(CircuitBreaker.request)),)),
        "late-answers-count": Mutant(
            ((f"{HEALTH}:CircuitBreaker.ended", late_answers_count(CircuitBreaker.ended)),)
        ),
    },
    "retries-in-flight": {
        "waiting-not-counted": Mutant(((f"{BUDGETS}:RetriesInFlight.take", waiting_not_counted),))
    },
    "retry-budget": {"one-too-many": Mutant(((f"{BUDGETS}:Budget.retry", one_too_many),))},
    "throttle": {"throttle-at-half": Mutant(((f"{BUDGETS}:Throttle.allows", property(allowed_at_half)),))},
    "adaptive": {
        "counted-when-ended": Mutant(((f"{BUDGETS}:Adaptive.admits", counted_when_ended),)),
        "refuses-at-once": Mutant(((f"{BUDGETS}:Adaptive.chance", refuses_at_once),)),
    },
    "retries": {
        "no-sessions": Mutant(((f"{SESSIONS}.is_repeated", never),)),
        "forgotten-sessions": Mutant(((f"{SESSIONS}.table", lambda _: ()),)),
        "unlimited-retries": Mutant(((f"{BUDGETS}:Budget.retry", always),)),
    },
    "overload": {"metastable": Mutant(((f"{BUDGETS}:Budget.retry", always),))},
    "failover": {
        "unchecked-token": Mutant(((f"{FAILOVER}:Fence.admit", admits_all),)),
        "fast-clock": Mutant(((f"{FAILOVER}:Grantor._lease_ms", waits_no_longer),)),
        "token-used-again": Mutant(((f"{FAILOVER}:Grantor.__init__", token_again),)),
        "released-by-name": Mutant(((f"{FAILOVER}:Grantor.release", released_whatever_the_token),)),
        "lease-forgotten": Mutant(((f"{FAILOVER}:Grantor.__init__", lease_forgotten),)),
    },
    "recovery": {
        "acknowledged-early": Mutant(((f"{RECOVERY}:Journal.written", told_at_once),)),
        "two-processes": Mutant((("ratified.conformance.services.recovery:take_over", not_looked_at),)),
    },
    "supervision": {
        "restart-loop": Mutant(((f"{RECOVERY}:Supervisor.ended", restarts_not_counted(Supervisor.ended)),))
    },
}
"""By the name of the implementation, and of the bug."""


def of(name: str) -> Mapping[str, Mutant]:
    """The bugs of one implementation."""
    return MUTANTS[name]
