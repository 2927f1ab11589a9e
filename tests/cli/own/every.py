"""A small post office that has a variable of every type."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Self

from ratified import (
    AtMost,
    Bag,
    Map,
    Model,
    Ordered,
    Param,
    Range,
    Seq,
    Set,
    Sort,
    Symmetric,
    action,
    constraint,
    first,
    invariant,
    majorities,
    record,
    replace,
    require,
    step_invariant,
)


class Person(Symmetric):
    """Sends and reads."""


class Counter(Sort):
    """Where letters are handed in."""


class Day(Ordered):
    """Goes by."""


class Weather(Enum):
    SUN = 1
    RAIN = 2


Index = Annotated[int, Range(0, 2)]


@record
class Letter:
    sender: Person
    to: Person
    day: Day
    stamps: Index = 1


@record
class Parcel:
    sender: Person
    weight: Index


class Office(Model):
    stamp_limit: Param[int] = 2
    open_in_rain: Param[bool] = True

    today: Day
    weather: Weather
    is_open: bool = True
    stamps: Annotated[int, Range(0, "stamp_limit")] = 0
    at: Map[Counter, Person | None]
    pigeonholes: Map[Person, Map[Weather, bool]]
    seen: Set[Letter | Parcel]
    sack: Annotated[Bag[Letter | Parcel], AtMost(2, copies=1)]
    queue: Annotated[Seq[Person], AtMost(2)]
    best: tuple[Index, Weather]
    grid: Map[Index, Weather]

    def init(self, w: Weather) -> None:
        require(w == Weather.SUN or self.open_in_rain)
        self.weather = w
        self.best = (0, w)

    def free(self, c: Counter) -> bool:
        return self.at[c] is None

    @action
    def arrive(self, p: Person) -> None:
        require(self.is_open)
        require(p not in self.queue and all(self.at[c] != p for c in Counter))
        require(len(self.queue) < 2)
        self.queue.append(p)

    @action
    def step_up(self, c: Counter) -> None:
        require(self.free(c))
        require(len(self.queue) > 0)
        self.at[c] = self.queue[0]
        self.queue = self.queue[1:]

    @action
    def post(self, c: Counter, to: Person) -> None:
        p = self.at[c]
        require(p is not None and p != to)
        if p is not None:
            letter = Letter(p, to, self.today)
            require(letter not in self.sack and len(self.sack) < 2)
            self.sack.add(letter)
            self.pigeonholes[p][self.weather] = True
        self.at[c] = None

    @action
    def deliver(self, m: Letter | Parcel) -> None:
        require(m in self.sack)
        match m:
            case Letter(sender, to, day) if day == self.today:
                require(sender != to)
                self.seen.add(replace(m, stamps=0))
            case Letter():
                self.seen.add(m)
            case Parcel(weight=w):
                self.grid[w] = Weather.RAIN
        self.sack.remove(m)

    @action
    def night(self) -> None:
        require(not self.today.is_last())
        self.today += 1
        self.weather = Weather.RAIN if self.weather == Weather.SUN else Weather.SUN

    @constraint
    def few(self) -> bool:
        return len(self.seen) <= 1

    @invariant
    def no_letter_from_the_future(self) -> bool:
        return all(m.day <= self.today for m in self.seen if isinstance(m, Letter))

    @invariant
    def majority_is_away(self) -> bool:
        return any(all(p not in self.queue for p in q) for q in majorities(Person)) or len(self.queue) > 1

    @step_invariant
    def days_go_by(self, old: Self) -> bool:
        return old.today <= self.today and first(Day) <= old.today
