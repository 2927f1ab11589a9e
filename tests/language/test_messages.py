"""What is said of a line that the language does not take: the message, what to do, and the piece of source pointed at.

The files in `refused/` show whole messages; here is a line for each of the others.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from ratified import ModelError

PRELUDE = """\
import random
from enum import Enum
from itertools import combinations, permutations, product
from typing import Annotated, Literal, Self

from ratified import (
    AtMost, Bag, Map, Model, Ordered, Param, Range, Seq, Set, Sort, Symmetric,
    action, action_constraint, assume, choose, constraint, enabled, first, invariant, last, majorities, maps,
    record, refines, replace, require, subsets,
)


class Client(Symmetric): ...
class Slot(Sort): ...
class Turn(Ordered): ...
class Light(Enum):
    RED = 0
    GREEN = 1


@record
class Ask:
    client: Client
    turn: Turn | None


@record
class Grant:
    turn: Turn


class Plain: ...


class M(Model):
    n: Annotated[int, Range(0, 3)]
    d: bool
    t: Turn
    maybe: Turn | None
    s: Set[Client]
    bag: Annotated[Bag[Client], AtMost(3)]
    q: Annotated[Seq[Slot], AtMost(3)]
    rows: Annotated[Seq[Map[Client, bool]], AtMost(2)]
    m: Map[Client, bool]
    msgs: Set[Ask | Grant]
    pair: tuple[bool, bool]
    ask: Ask | None
    light: Light
    most: Param[int] = 2

    def half(self, k: int) -> int:
        return k // 2

    def change(self) -> None:
        self.d = True

    @action
    def go(self, c: Client, a: Ask, i: Slot) -> None:
        require(a in self.msgs)
"""

FIRST = PRELUDE.count("\n") + 1

LOCAL = "(give it a local name)"
SELF = "only names and variables of self can be assigned"

LINES: list[tuple[str, str, str, str]] = [
    # calls
    (
        "x = max(self.s, start=1)",
        "1",
        "max takes no argument `start` here",
        "its keyword arguments: key, default",
    ),
    ("x = len(self.s, key=1)", "1", "len takes no argument `key` here", "it takes no keyword arguments"),
    (
        "x = len(self.s, self.s)",
        "len(self.s, self.s)",
        "len takes 1 argument here, not 2",
        "see docs/language.md",
    ),
    (
        "x = range(1, 2, self.n)",
        "self.n",
        "the step of a range must be a number, and not 0",
        "write range(0, n, 2)",
    ),
    (
        "x = self.q[0:2:2]",
        "2",
        "a slice has no step but s[::-1]",
        "write Seq(s[i] for i in range(0, len(s), 2))",
    ),
    (
        "x = all((k > 1 for k in range(3)), start=1)",
        "1",
        "all takes no argument `start` here",
        "it takes no keyword arguments",
    ),
    (
        "x = 2**self.n",
        "self.n",
        "the exponent must be a number from 0 to 16",
        "write the product out, or as a `for` loop: n = n * 2",
    ),
    (
        "x = self.n / 2",
        "self.n / 2",
        "int in 0..3 has no operator /",
        "divide with //: models have no numbers but ints",
    ),
    (
        "x = self.d + self.n",
        "self.d + self.n",
        "bool has no operator +",
        "int(...) makes a number of it; bools have and, or, not, ==, !=, ^",
    ),
    (
        "x: Literal['a', 'b', 'c'] = 'a'\n        y: Literal['b', 'a'] = x",
        "x",
        "this is of type Literal['a', 'b', 'c'], and Literal['b', 'a'] is needed",
        "it may be 'c': declare the wider Literal there",
    ),
    (
        "x: Literal['a', 'b'] = 'a'\n        z = x < self.n",
        "x < self.n",
        "Literal['a', 'b'] and int in 0..3 are different types",
        "use two values of one type",
    ),
    ("x = self.half(j=1)", "1", "half has no parameter `j`", "its parameters: k"),
    ("x = self.half(1, k=2)", "2", "half has no parameter `k`", "its parameters: k"),
    ("x = Grant()", "Grant()", "Grant needs an argument for `turn`", "its parameters: turn"),
    ("x = len(**self.s)", "self.s", "** is not part of the modelling language", "write the arguments out"),
    ("x = nothing(1)", "nothing", "unknown name `nothing`", "define or import it above the model"),
    (
        "x = self.q[0](3)",
        "self.q[0]",
        "only named functions and methods can be called",
        "give the function a name",
    ),
    (
        "x = Client.prefix(1)",
        "Client.prefix",
        "`Client.prefix` is not part of the modelling language",
        "write it as a helper method or typed function",
    ),
    (
        "x = require(self.d)",
        "require(self.d)",
        "require is a statement, not a value",
        "put it on a line of its own",
    ),
    ("x = self.change()", "self.change()", "`change` returns nothing", "call it on a line of its own"),
    (
        "x = self.maybe.is_last()",
        "self.maybe",
        "this may be None, and None has no `is_last`",
        f"test it for None first {LOCAL}",
    ),
    (
        "x = [m.other() for m in self.msgs]",
        "m",
        "this is one of several records: Ask | Grant",
        "tell them apart first with isinstance or match",
    ),
    (
        "x = self.s.add(c)",
        "self.s.add(c)",
        ".add() changes a value in place, and returns nothing",
        "write self.s.add(c) on a line of its own",
    ),
    (
        "self.t = 't1'",
        "'t1'",
        "a string has a type only where a Literal is expected",
        "a parameter of the action ranges over its values: def act(self, x: Turn)",
    ),
    (
        "x = Slot.s1",
        "Slot.s1",
        "Slot has no `s1`",
        "a parameter of the action ranges over its values: def act(self, x: Slot)",
    ),
    (
        "x = self.t.value",
        "self.t.value",
        "Turn has no field `value`",
        "only records have fields; its number is int(self.t)",
    ),
    (
        "x = random.choice(self.q)",
        "random.choice",
        "`random.choice` is not part of the modelling language",
        "a choice is a parameter of the action: def act(self, x: T), and require(x in self.s)",
    ),
    (
        "x = self.t.soon()",
        "self.t.soon()",
        "Turn has no method `soon`",
        "see docs/language.md for what it has",
    ),
    ("self.half(1)", "self.half(1)", "the value of `half` is unused", "assign it, return it, or require it"),
    ("len(self.s)", "len(self.s)", "the value of this call is unused", "assign it, return it, or require it"),
    ("x = self.n()", "self.n()", "`n` is a variable, not a method", "write self.n"),
    (
        "x = [k for k in filter(lambda a, b: a, self.s)]",
        "lambda a, b: a",
        "this lambda must have one parameter",
        "write lambda x: ...",
    ),
    (
        "x = next(self.s)",
        "self.s",
        "models have no iterators",
        "write next(iter(s)), or next(x for x in s if ...)",
    ),
    # the functions of the language
    ("x = sum(self.s)", "self.s", "sum does not take Client values", "write sum(... for x in ...)"),
    ("x = sum(p for p in Client)", "p", "sum needs ints, and this is Client", "sum(1 for ...) counts"),
    (
        "x = max(self.s)",
        "self.s",
        "max needs values with an order, and these are Client",
        "give a key= of ints or ordered values",
    ),
    (
        "x = max(self.q, key=1)",
        "1",
        "a function of one argument is needed here",
        "write lambda x: ...",
    ),
    ("x = len(self.t)", "self.t", "Turn has no length", "len is for sorts and containers"),
    ("x = int(c)", "c", "Client cannot be converted to int", "int(...) takes bools, ordered and plain sorts"),
    (
        "x = sorted(self.s)",
        "self.s",
        "Client values cannot be sorted",
        "sorted takes ints, ordered sorts, tuples of these, or a key=; Seq(s) is in canonical order",
    ),
    (
        "x = sorted([1], reverse=self.d)",
        "self.d",
        "reverse= must be the constant True or False",
        "write reverse=True",
    ),
    (
        "x = [k for k in enumerate(self.s)]",
        "self.s",
        "enumerate needs a sequence, and this is Set[Client]",
        "write Seq(...), which is in canonical order, or sorted(..., key=...)",
    ),
    (
        "x = [k for k in zip(self.q, self.q, strict=True)]",
        "True",
        "zip(strict=True) may fail",
        "compare the lengths first, and write strict=False",
    ),
    (
        "x = [k for k in zip(self.q, self.s)]",
        "self.s",
        "zip needs sequences, and this is Set[Client]",
        "write Seq(...), which is in canonical order, or sorted(..., key=...)",
    ),
    ("x = first(Client)", "Client", "Client is not an ordered sort", "pass the class of a sort"),
    ("x = majorities(self.s)", "self.s", "self.s is not a sort", "pass the class of a sort"),
    (
        "x = replace(a, c)",
        "replace(a, c)",
        "replace takes one record, and its new fields by name",
        "write replace(record, field=value)",
    ),
    (
        "x = replace(self.ask, turn=None)",
        "self.ask",
        "replace needs a record, and this is Ask | None",
        "tell a union apart first; test an optional for None",
    ),
    ("x = replace(a, when=None)", "None", "Ask has no field `when`", "its fields: client, turn"),
    (
        "raise ValueError",
        "raise ValueError",
        "raise is not part of the modelling language",
        "guards are written require(...), claims assert; what never happens, `assert False`",
    ),
    # assignments and places
    ("x = y = 1", "x = y = 1", "only variables are assigned together", "write one assignment per line"),
    (
        "self.n: int = 1",
        "self.n: int = 1",
        "only names can be annotated",
        "declare variables in the body of the class",
    ),
    (
        "x, y = self.n",
        "self.n",
        "int in 0..3 does not unpack into 2 names",
        "use as many names as the tuple has parts",
    ),
    ("a.turn += 1", "a.turn", SELF, "a record is a value: write a = replace(a, turn=...)"),
    ("x = None", "x", "None alone gives `x` no type", "annotate it: x: T | None = None"),
    (
        "x = reversed(self.q)",
        "reversed(self.q)",
        "a Python iterator cannot be assigned to a name",
        "write Seq(...)",
    ),
    ("self = 1", "self", "`self` is the model itself", "choose another name"),
    ("c: int = 1", "c", "`c` is of type Client already", "one name has one type"),
    ("self.most = 1", "self.most", "`most` is a parameter, and constant", "make it a variable if it changes"),
    (
        "self.s[c] = True",
        "self.s[c]",
        "an element of Set[Client] cannot be changed in place",
        "assign a whole new value",
    ),
    (
        "self.rows[0][c] = True",
        "self.rows[0][c]",
        "what is inside an element of a Seq cannot be changed in place",
        "assign a whole new element",
    ),
    (
        "self.rows[0].update({c: True})",
        "self.rows[0]",
        "what is inside an element of a Seq cannot be changed in place",
        "assign a whole new element",
    ),
    (
        "a.add(c)",
        "a",
        "`a` may be shared, and cannot be changed in place",
        "change a copy: own = Set(a)",
    ),
    (
        "self.ask.add(c)",
        "self.ask",
        "this may be None, and cannot be changed in place",
        "assign a new value to it",
    ),
    (
        "self.m.add(c)",
        "self.m.add(c)",
        "Map[Client, bool] has no update `add`",
        "Set, Bag: add, remove, discard, clear; Seq: append, insert, extend, remove, pop, clear",
    ),
    (
        "self.ask.turn = None",
        "self.ask",
        "a field of Ask | None cannot be assigned",
        "require that it is not None first; tell a union apart first",
    ),
    # conditions, operators, subscripts
    ("x = isinstance(c, Ask)", "c", "isinstance needs a record, and this is Client", "compare it with =="),
    ("x = isinstance(a, Client)", "Client", "Client is not a record class", "isinstance is for records"),
    (
        "x = self.t is self.t",
        "self.t is self.t",
        "`is` is for None, bools and enum members",
        "compare values with ==",
    ),
    (
        "x = c < c",
        "c < c",
        "Client values have no order",
        "only ints, ordered sorts, tuples of these, and sets (inclusion) have an order",
    ),
    (
        "x = self.q < self.q",
        "self.q < self.q",
        "Seq[Slot] values have no order",
        "compare the first place where they differ: any(s[:i] == t[:i] and s[i] < t[i] for i in range(...))",
    ),
    ("x = c in self.t", "self.t", "`in` needs a container, and this is Turn", "use ==, or a Set"),
    (
        "x = None in self.m",
        "None",
        "the keys of this map are of type Client, not None",
        "use a value of that type",
    ),
    (
        "x = self.n + self.t",
        "self.t",
        "a number is needed, and this is Turn",
        "int(...) makes a number of it",
    ),
    ("x = ~self.n", "~self.n", "the operator ~ is not part of the modelling language", "write not, or -"),
    (
        "x = self.s | self.q",
        "self.s | self.q",
        "Set[Client] and Seq[Slot] are different types",
        "use two values of one type",
    ),
    (
        "x = self.maybe + 1",
        "self.maybe + 1",
        "Turn | None has no operator +",
        f"it may be None: test that first {LOCAL}",
    ),
    (
        "x = self.m | self.m",
        "self.m",
        "only a dict display or comprehension can override a Map",
        "write m | {key: value, ...}, or m | {k: value for k in ...}",
    ),
    ("x = self.maybe[0]", "self.maybe", "this may be None", f"test it for None first {LOCAL}"),
    ("x = self.pair[self.n]", "self.n", "the index of a tuple must be a constant", "unpack it: a, b = pair"),
    (
        "x = self.s[0]",
        "self.s[0]",
        "Set[Client] cannot be indexed this way",
        "Map: m[key]; Seq: s[i], s[i:j]; tuple: t[0]",
    ),
    (
        "x = [k for k in Map[Client, bool]]",
        "Map[Client, bool]",
        "Map[Client, bool] is a type, not a value",
        "write maps(Client, bool) for all its values",
    ),
    # words that people bring from other languages
    (
        "own = Set(self.s)\n        other = own\n        own.add(c)",
        "own",
        "`own` is changed in place, so nothing else may share it",
        "write Set(own)",
    ),
    (
        "own = self.s | self.s\n        own.add(c)",
        "own",
        "`own` may be shared, and cannot be changed in place",
        "write own = Set(self.s | self.s) where it is assigned",
    ),
    (
        "for k in self.s: k.add(c)",
        "k",
        "`k` may be shared, and cannot be changed in place",
        "change a copy: own = Set(k)",
    ),
    (
        "self.s.copy().add(c)",
        "self.s.copy()",
        "Set[Client] has no method `copy`",
        "see docs/language.md for what it has",
    ),
    (
        "x = len(filter(lambda k: k == c, self.s))",
        "filter(lambda k: k == c, self.s)",
        "a Python iterator has no length",
        "write len(Seq(...)), or sum(1 for ...)",
    ),
    (
        "x = next(k for k in {c})",
        "{c}",
        "the elements of a Python set have no order",
        "write Set(...): its elements come in canonical order",
    ),
    (
        "require(reversed(self.q) == self.q)",
        "reversed(self.q)",
        "a Python iterator is not compared by its elements here",
        "write Seq(reversed(self.q))",
    ),
    (
        "require(range(2) == [0, 1])",
        "range(2)",
        "a Python range is not compared by its elements here",
        "write Seq(range(2))",
    ),
    (
        "require(self.m.values() != [True])",
        "self.m.values()",
        "a Python view is not compared by its elements here",
        "write Seq(self.m.values())",
    ),
    (
        "require(self.s == Client)",
        "Client",
        "a Python class is not compared by its elements here",
        "write Set(Client)",
    ),
    (
        "require(Client > self.s)",
        "Client",
        "a Python class is not compared by its elements here",
        "write Set(Client)",
    ),
    (
        "self.s = Client",
        "Client",
        "this is a Python class, not a value of the language",
        "write Set(Client)",
    ),
    (
        "require(Set([Client]) == Set([self.s]))",
        "Client",
        "this is a Python class, not a value of the language",
        "write Set(Client)",
    ),
    (
        "all_of = Client\n        require(all_of == self.s)",
        "all_of",
        "a Python class is not compared by its elements here",
        "write Set(all_of)",
    ),
    (
        "match Client:\n            case every: require(every == self.s)",
        "Client",
        "this is a Python class, not a value of the language",
        "write Set(Client)",
    ),
    (
        "require(Client in subsets(Client))",
        "Client",
        "a Python class cannot be looked for in this container",
        "write Set(Client)",
    ),
    (
        "self.s = Client & Client",
        "Client",
        "a Python class has no such operator",
        "write Set(Client)",
    ),
    (
        "require(Client.isdisjoint(self.s))",
        "Client",
        "a Python class has no such method",
        "write Set(Client)",
    ),
    (
        "require(not filter(lambda k: k == c, self.s))",
        "filter(lambda k: k == c, self.s)",
        "a Python iterator is true even if nothing is in it",
        "write Set(filter(lambda k: k == c, self.s))",
    ),
    (
        "x = self.m.values()[0]",
        "self.m.values()",
        "a Python view cannot be indexed",
        "write Seq(self.m.values())",
    ),
    (
        "x = [i] + reversed(self.q)",
        "reversed(self.q)",
        "a Python iterator has no such operator",
        "write Seq(reversed(self.q))",
    ),
    (
        "require([i] in {self.q})",
        "[i]",
        "a Python list cannot be looked for in this container",
        "write Seq([i])",
    ),
    (
        "self.q = [i, i][1:]",
        "[i, i][1:]",
        "this is a Python list, not a value of the language",
        "write Seq([i, i][1:])",
    ),
    (
        "self.s = self.m.keys() & self.s",
        "self.m.keys() & self.s",
        "this is a Python set, not a value of the language",
        "write Set(self.m.keys() & self.s)",
    ),
    (
        "x = [j for j, k in product({i}, {i})]",
        "product({i}, {i})",
        "the elements of a Python set have no order",
        "write Set(...): its elements come in canonical order",
    ),
    (
        "x = [k for k in ({c} | self.m.keys())]",
        "{c} | self.m.keys()",
        "the elements of a Python set have no order",
        "write Set(...): its elements come in canonical order",
    ),
    (
        "own = [i]\n        if self.d: own = self.q\n        self.q = own",
        "own",
        "this is a Python list, not a value of the language",
        "write Seq(own)",
    ),
    (
        "own = [i]\n        other = own\n        other += [i]",
        "other",
        "this changes a Python list that may be shared, or that a loop runs through",
        "write other = other + ...",
    ),
    (
        "own = {i}\n        for j in Slot: own |= {j}; mine = own",
        "own",
        "this changes a Python set that may be shared, or that a loop runs through",
        "write own = own | ...",
    ),
    (
        "own = [i]\n        for j in own: own += [j]",
        "own",
        "this changes a Python list that may be shared, or that a loop runs through",
        "write own = own + ...",
    ),
    (
        "own = {c}\n        for k in Client: own |= self.s",
        "k",
        "`own` is a Python set before this loop, and a value of the language after a turn",
        "write own = Set(...) wherever it is assigned",
    ),
    ("x = choose()", "choose()", "choose takes 1 to 2 arguments here, not 0", "see docs/language.md"),
    (
        "x = choose(self.n)",
        "self.n",
        "int in 0..3 cannot be iterated over",
        "use a sort, range(...), or a container",
    ),
    (
        "x = subsets(self.n)",
        "self.n",
        "int in 0..3 cannot be iterated over",
        "use a sort, range(...), or a container",
    ),
    (
        "x = permutations(self.q)",
        "self.q",
        "permutations of Seq[Slot] are not part of the modelling language",
        "write permutations(Set(...)), or of a sort",
    ),
    (
        "self.q = next(p for p in permutations(Slot))",
        "p",
        "this is a Python tuple, not a value of the language",
        "write Seq(p)",
    ),
    (
        "x = maps(bool, bool)",
        "bool",
        "the keys of maps(...) must be a sort or an Enum",
        "write maps(Node, bool), and test the condition where the maps are used",
    ),
    (
        "x = [1 for f in maps(Client, int)]",
        "int",
        "the values of maps(...) must be a sort or an Enum",
        "write maps(Node, bool), and test the condition where the maps are used",
    ),
    (
        "x = [1 for f in product(Client, repeat=self.n)]",
        "self.n",
        "repeat= must be a number",
        "write product(A, A)",
    ),
    (
        "x = [1 for f in combinations(Client, 2)]",
        "combinations",
        "`combinations` is not part of the modelling language",
        "write subsets(s, k), whose members are sets",
    ),
    (
        "x = sorted(self.q, key=lambda k: c)",
        "lambda k: c",
        "keys of type Client have no order",
        "give a key= of ints or ordered values",
    ),
    (
        "x = sorted(self.q, key=lambda k: 1, reverse=self.d)",
        "self.d",
        "reverse= must be the constant True or False",
        "write reverse=True",
    ),
    # names and attributes
    ("x = self", "self", "`self` is the whole state, not a value", "name one of its variables: self.x"),
    ("x = Plain", "Plain", "`Plain` is a function or class, not a value", "call it: Plain(...)"),
    ("x = self.half", "self.half", "`half` is a method", "call it: self.half(...)"),
    (
        "x = self.maybe.sort",
        "self.maybe",
        "this may be None, and None has no `sort`",
        f"test it for None first {LOCAL}",
    ),
    ("x = Light.BLUE", "Light.BLUE", "Light has no `BLUE`", "look at its definition"),
    # displays, comprehensions, loops
    ("x = ()", "()", "an empty tuple is not part of the modelling language", "use None"),
    (
        "x = [k for k in self.t]",
        "self.t",
        "Turn cannot be iterated over",
        "use a sort, range(...), or a container",
    ),
    (
        "x = [k for k, j in self.s]",
        "k, j",
        "Client does not unpack into 2 names",
        "use as many names as the tuple has parts",
    ),
    (
        "x = [k for k[0] in self.s]",
        "k[0]",
        "a loop's target is a name or a tuple of names",
        "unpack nested tuples inside the loop",
    ),
    ("x = [1 for self in self.s]", "self", "`self` is the model itself", "choose another name"),
    (
        "for c in Client: pass",
        "c",
        "`c` is already defined in this function",
        "use another name for the loop",
    ),
    (
        "x = Map([(c, True)])",
        "[(c, True)]",
        "a Map is made from keys and values",
        "write Map({k: value for k in K})",
    ),
    # statements and patterns
    ("...", "...", "... is an empty body", "write `pass` where nothing happens"),
    (
        "return self.d",
        "self.d",
        "this function is annotated to return None",
        "annotate what it returns, or return nothing",
    ),
    ("match None:\n            case None: pass", "None", "this is always None here", "leave out the match"),
    (
        "match a:\n            case Ask(): pass\n            case other: pass",
        "other",
        "this case is unreachable",
        "the one before it matches everything",
    ),
    (
        "match self.q:\n            case [*_]: pass",
        "[*_]",
        "Seq[Slot] does not match a pattern of 1 parts",
        "only tuples are matched by parts: test len(s) == 0, and read s[0], s[1:]",
    ),
    (
        "match c:\n            case {}: pass",
        "{}",
        "this pattern is not part of the modelling language",
        "match records, None, values, tuples and names",
    ),
    (
        "match self.n:\n            case Light.RED: pass",
        "Light.RED",
        "this is of type Light, and the subject is int in 0..3",
        "match values of the subject's type",
    ),
    (
        "match self.ask:\n            case Ask(k, _) | k: pass",
        "Ask(k, _)",
        "the alternatives of a pattern cannot bind names",
        "write a case for each",
    ),
    (
        "match a:\n            case Ask(x, y, z): pass",
        "Ask(x, y, z)",
        "Ask has 2 fields",
        "its fields: client, turn",
    ),
    (
        "match a:\n            case Ask(when=x): pass",
        "x",
        "Ask has no field `when`",
        "its fields: client, turn",
    ),
]

METHODS: list[tuple[str, str, str, str]] = [
    (
        "def f(self, k: Literal['two words']) -> bool:\n        return True",
        "Literal['two words']",
        "'two words' in a Literal is not a name",
        'write Literal["idle", "busy"], with names as values, or an Enum',
    ),
    (
        "def f(self, k: Literal['red', 'green']) -> bool:\n        return k == 'blue'",
        "'blue'",
        "'blue' is not one of Literal['red', 'green']",
        "its values: 'red', 'green'",
    ),
    (
        "def f(self) -> bool:\n        return enabled(self.n)",
        "self.n",
        "enabled takes an action of the model",
        "write enabled(self.act, ...)",
    ),
    (
        "def f(self) -> bool:\n        return enabled(self.g)\n\n    def g(self) -> bool:\n        return True",
        "self.g",
        "`g` is not an action",
        "enabled takes methods marked @action; call a helper directly",
    ),
    (
        "def f(self) -> bool:\n        return enabled(self.g)\n\n    @action\n    def g(self) -> None:\n"
        "        self.d = True\n        require(self.n == 0)",
        "self.g",
        "`g` has a guard after a change, or in a loop that changes something",
        "put all guards of the action before its changes",
    ),
    (
        "def f(self) -> bool:\n        return enabled(self.g, True)\n\n    @action\n    def g(self, a: bool, b: bool) -> None:\n"
        "        require(a and b)",
        "enabled(self.g, True)",
        "enabled(self.g) takes all arguments of g, or none: then it is with any",
        "for some, write any(enabled(self.g, a, b) for ... in ...)",
    ),
    (
        "@action_constraint\n    def f(self, old: Self) -> bool:\n        return old.g()\n\n    def g(self) -> bool:\n"
        "        return True",
        "old.g()",
        "helpers cannot be called on the old state here",
        "read its variables: old.x",
    ),
    (
        "@action_constraint\n    def f(self) -> bool:\n        return True",
        "def f",
        "an action constraint has two parameters",
        "write def f(self, old: Self) -> bool",
    ),
    (
        "@constraint\n    def f(self, old: Self) -> bool:\n        return True",
        "Self",
        "typing.Self is not a type of the modelling language",
        "a state is a parameter of an @step_invariant or @action_constraint: def f(self, old: Self) -> bool",
    ),
    (
        "def f(self, k: Annotated[int, Range(3, 1)]) -> bool:\n        return True",
        "Annotated[int, Range(3, 1)]",
        "no int is within Range(3, 1)",
        "write the lower bound first",
    ),
    (
        "def f(self, k: Literal[1]) -> bool:\n        return True",
        "Literal[1]",
        "a Literal of ints is not a type of the modelling language",
        "write Annotated[int, Range(1, 1)]",
    ),
    (
        "def f(self) -> int:\n        return",
        "return",
        "a value of type int must be returned",
        "return a value",
    ),
    (
        "def f(self) -> int:\n        require(self.d)\n        return 1",
        "require(self.d)",
        "require belongs in actions and procedures",
        "return a bool here, and require it in the action",
    ),
    (
        "def f(self) -> int:\n        self.change()\n        return 1",
        "self.change()",
        "`change` may change variables, and a function with a value may not",
        "call it from an action",
    ),
    (
        "def f() -> int:\n        return 1",
        "def f",
        "a method needs `self`",
        "write it as the first parameter",
    ),
    (
        "def f(self, k: int = 1, *, up: bool) -> int:\n        return k\n    @invariant\n"
        "    def g(self) -> bool:\n        return self.f(1, True) > 0",
        "self.f(1, True)",
        "f takes 1 argument without a name, not 2",
        "its parameters: k, up",
    ),
    (
        "def f(self, k: 'Missing') -> int:\n        return 1",
        "'Missing'",
        "this annotation cannot be evaluated: name 'Missing' is not defined",
        "define its names above the model",
    ),
    (
        "@assume\n    def f(self) -> bool:\n        return self.d",
        "self.d",
        "an assumption is about sizes and parameters, not the variable `d`",
        "write an invariant",
    ),
    (
        "@refines(Plain)\n    def f(self, abstract: Plain) -> None:\n        pass",
        "def f",
        "@refines needs a model class",
        "write @refines(Abstract)",
    ),
    (
        "def f(self) -> bool:\n        return super().f()",
        "super().f()",
        "no base class has a method `f`",
        "use a method of self",
    ),
    (
        "def f(self) -> bool:\n        return super().f",
        "super().f",
        "no base class has a property `f`",
        "use a property of self",
    ),
    (
        "async def f(self) -> bool:\n        return True",
        "    async def f(self) -> bool:",
        "`f` is async, which is not part of the modelling language",
        "write def",
    ),
]


def refused(source: str, folder: Path) -> tuple[str, str, str]:
    """The piece of source pointed at, the message and the remedy."""
    file = folder / "model.py"
    file.write_text(source)
    with pytest.raises(ModelError) as caught:
        runpy.run_path(str(file))
    span = caught.value.span
    assert span is not None
    assert span.line >= FIRST
    line = source.splitlines()[span.line - 1]
    end = span.end_column if span.end_line == span.line else len(line)
    return line[span.column : end], caught.value.message, caught.value.remedy or ""


@pytest.mark.parametrize(("line", "at", "message", "remedy"), LINES, ids=[line[2] for line in LINES])
def test_a_line(line: str, at: str, message: str, remedy: str, tmp_path: Path) -> None:
    assert refused(f"{PRELUDE}        {line}\n", tmp_path) == (at, message, remedy)


@pytest.mark.parametrize(("method", "at", "message", "remedy"), METHODS, ids=[m[2] for m in METHODS])
def test_a_method(method: str, at: str, message: str, remedy: str, tmp_path: Path) -> None:
    assert refused(f"{PRELUDE}\n    {method}\n", tmp_path) == (at, message, remedy)
