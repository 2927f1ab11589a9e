"""Generated proof scripts: small models with a flag that a step sets under a condition, and the lemma that it is never set.

`provable_model(seed)` composes idioms (`idioms.py`) over a few variables that other steps change. Conditions are true nowhere, at
some sizes, or in some states that may not be reachable, so that two thirds of the lemmas are inductive and the rest fail for
reasons near the edges of the language. Names may be words of SMT-LIB, of solvers, of the translation, or of other things of the
model.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace

from tests.generate.choices import Chooser, RandomSource
from tests.generate.climbing import climbing
from tests.generate.declared import ASSUMES, DECLARED, VARIABLES
from tests.generate.idiom import Idiom
from tests.generate.idioms import IDIOMS
from tests.generate.models import GeneratedModel, random_model
from tests.generate.renaming import renamed
from tests.generate.updates import Lines, indented

IMPORTED = (
    *("AtMost", "Bag", "Map", "Model", "Ordered", "Param", "Range", "Seq", "Set", "Sort", "Symmetric"),
    *(
        "action",
        "assume",
        "at_size",
        "first",
        "invariant",
        "last",
        "lemma",
        "majorities",
        "record",
        "require",
    ),
    "step_invariant",
)

TYPES = {
    "a": "Node",
    "b": "Node",
    "c": "Ballot",
    "d": "Ballot",
    "e": "Ballot",
    "i": "Small",
    "j": "Small",
    "k": "Small",
}
TYPES |= {"o": "Node | None", "s": "Set[Node]", "t": "Set[Node]", "p": "Phase"}


def provable_model(seed: int) -> GeneratedModel:
    """The proof script of a seed."""
    return ProvableWriter(Chooser(RandomSource(seed))).model()


def claimed_model(seed: int) -> GeneratedModel:
    """The general model of a seed, each of its invariants a lemma; one that has none gets one that says nothing."""
    made = random_model(seed)
    head, imported, rest = made.text.partition("from ratified import ")
    text = head + imported + "lemma, " + rest.replace("    @invariant\n", "    @lemma\n")
    if "    @lemma\n" not in text:
        text += "\n    @lemma\n    def anything(self) -> bool:\n        return True\n"
    return replace(made, text=text)


class ProvableWriter:
    """Writes one file."""

    def __init__(self, choose: Chooser) -> None:
        self.choose = choose
        self._number = 0

    def model(self) -> GeneratedModel:
        """A file with a model that is its own proof script."""
        if self.choose.chance(6):
            return self._file(*climbing(self.choose))
        idioms = [self.choose.pick(IDIOMS) for _ in self.choose.several(1, 3, 38)]
        self.assumes = [a for i in idioms for a in i.assumes if self.choose.chance(60)]
        if self.choose.chance(8):
            self.assumes.append("several")
        if self.choose.chance(2):
            self.assumes.append("never_so")
        steps = [self._step(number, idiom) for number, idiom in enumerate(idioms)]
        body = [line for step in steps for line in step]
        claims = self._claims(idioms)
        words = set(re.findall(r"\w+", "\n".join([*body, *claims]))) | {
            v for i in idioms for v in i.variables[:1]
        }
        variables = [v for v in VARIABLES if v in words]
        movers = [VARIABLES[v][1] for v in variables if self.choose.chance(85)]
        if "height" in variables:
            self.assumes.append("positive")  # or there is no first value
        assumed = [self._assume(name) for name in dict.fromkeys(self.assumes)]
        words |= set(re.findall(r"\w+", "\n".join(line for lines in (*movers, *assumed) for line in lines)))
        words |= set(re.findall(r"\w+", " ".join(VARIABLES[v][0] for v in variables)))
        declared = [text for name, text in DECLARED.items() if name in words]
        declared += [VARIABLES[v][0] for v in variables]
        if far := self.choose.chance(2):
            declared.append("far: Set[Far.Node]")
            movers.append(("def move_far(self, n: Far.Node) -> None:", "    self.far.add(n)"))
        lines = [line for mover in movers for line in ("", *indented(["@action", *mover]))]
        if self.choose.chance(3):  # it cannot begin
            lines += [
                "",
                *indented(["def init(self) -> None:", "    require(len(Node) > 2 and len(Node) < 2)"]),
            ]
        lines += [*(line for each in assumed for line in ["", *indented(each)]), *body, *claims]
        return self._file([*declared, "bad: bool"], lines, far=far)

    def _file(self, declared: Lines, methods: Lines, *, far: bool = False) -> GeneratedModel:
        lines = [*self._world(far), "", "", "class Script(Model):", '    """Sets a flag, or does not."""', ""]
        text = renamed(_assembled([*lines, *indented(declared), *methods]), self.choose)
        return GeneratedModel(text, "Script", {})

    def _world(self, far: bool) -> Lines:
        low = self.choose.pick([2, 2, 2, 1])
        return [
            *(
                ("", "", "class Far:", "    class Node(Sort):", '        """A node of its own."""')
                if far
                else ()
            ),
            *("", "", "class Node(Sort):", '    """A node."""'),
            *("", "", "class Ballot(Ordered):", '    """A ballot."""'),
            *("", "", "class Phase(Enum):", "    IDLE = 1", "    BUSY = 2", "    DONE = 3"),
            *("", "", f"Small = Annotated[int, Range({low}, 4)]"),
            *(
                "",
                "",
                "@record",
                "class Ask:",
                '    """Asks."""',
                "",
                "    sender: Node",
                "    ballot: Ballot",
            ),
            *(
                "",
                "",
                "@record",
                "class Grant:",
                '    """Grants."""',
                "",
                "    sender: Node",
                "    mark: bool | None",
            ),
            *(
                "",
                "",
                "class Other:",
                '    """Has a record of its own."""',
                "",
                "    @record",
                "    class Ask:",
            ),
            *('        """Asks for another thing."""', "", "        sender: Node", "        ballot: Ballot"),
        ]

    def _assume(self, name: str) -> Lines:
        return [
            "@assume",
            f"def {name}(self) -> bool:",
            f'    """It is {name}."""',
            f"    return {self._bound(ASSUMES[name][1])}",
        ]

    # --- steps ----------------------------------------------------------------------------------------------------------

    def _step(self, number: int, idiom: Idiom) -> Lines:
        fill = self._filling(idiom)
        before = [fill(line) for line in idiom.lines]
        condition = fill(self.choose.pick(idiom.conditions))
        condition = f"({condition})" if " if " in condition else condition
        helper, lines = self._required(number, condition, bool(idiom.lines))
        body = [*before, *lines]
        used = set(re.findall(r"\w+", "\n".join(body)))
        parameters = [name for name in TYPES if name in used]
        written = "".join(f", {name}: {TYPES[name]}" for name in parameters)
        return [
            *helper,
            "",
            *indented(["@action", f"def see{number}(self{written}) -> None:", *indented(body)]),
        ]

    def _filling(self, idiom: Idiom) -> Callable[[str], str]:
        """What replaces placeholders: the same expression for the same one, throughout."""
        known: dict[str, str] = {}

        def one(match: re.Match[str]) -> str:
            name = match[1]
            if name not in known:
                known[name] = self._expression(name, idiom)
            return known[name]

        return lambda text: re.sub(r"\$([a-z]\d?)", one, text)

    def _expression(self, name: str, idiom: Idiom) -> str:
        if name in ("x", "y", "z", "q", "i2", "k2", "v2"):
            return self._bound_name(name)
        plain = name if self.choose.chance(55) else None
        if plain:
            return plain
        ways = {
            "Node": [
                "a",
                "b",
                "(a if a == b else b)",
                "(self.log[0] if len(self.log) > 0 else a)",
                "(a if self.bad else a)",
            ],
            "Ballot": [
                "c",
                "d",
                "self.cur",
                "first(Ballot)",
                "max(c, d)",
                "(c if c.is_last() else c + 1)",
                "min(self.cur, d)",
            ],
            "Small": [
                "i",
                "j",
                "self.level",
                "min(i, j)",
                "(i if i > 2 else j)",
                "max(self.level, i)",
                "(i + 1 if i < 4 else i)",
            ],
            "Node | None": [
                "o",
                "self.who",
                "None",
                "(o if a == b else self.who)",
                "(a if self.bad else None)",
            ],
            "Set[Node]": [
                "s",
                "t",
                "self.seen",
                "{a}",
                "Set(n for n in Node if n != a)",
                "(s | {a})",
                "(self.seen - s)",
                "{a, b}",
            ],
            "Phase": ["p", "self.phase", "Phase.IDLE", "(Phase.BUSY if self.bad else p)"],
        }
        return self.choose.pick(ways[TYPES[name]])

    def _bound_name(self, name: str) -> str:
        """A fresh name; now and then one that hides a parameter, or that another quantifier binds too."""
        hides = {"x": "b", "y": "a", "z": "e", "i2": "k"}
        if name in hides and self.choose.chance(4):
            return hides[name]
        if self.choose.chance(30):
            return {"x": "n", "y": "m", "z": "l", "q": "w", "i2": "h", "k2": "g", "v2": "f"}[name]
        self._number += 1
        return f"{name[0]}{self._number}"

    def _bound(self, text: str) -> str:
        names = {"x": "n0", "y": "m0", "z": "l0"}
        return re.sub(r"\$([xyz])", lambda m: names[m[1]], text)

    def _required(self, number: int, condition: str, stateful: bool) -> tuple[Lines, Lines]:
        """A helper, if there is one, and the statements that set the flag where a condition is true."""
        setting = ["self.bad = True"]
        locals_ = [n for n in TYPES if re.search(rf"(?<![.\w]){n}\b", condition)]
        ways: list[tuple[int, Callable[[], tuple[Lines, Lines]]]] = [
            (5, lambda: ([], [f"require({condition})", *setting])),
            (2, lambda: ([], [f"found = {condition}", "require(found)", *setting])),
            (2, lambda: ([], [f"if {condition}:", *indented(setting)])),
            (2, lambda: ([], [f"if not ({condition}):", "    return", *setting])),
            (2, lambda: ([], [f"require(({condition}) if self.bad or not self.bad else False)", *setting])),
            (1, lambda: ([], [f"require(not (False if {condition} else True))", *setting])),
            (1, lambda: ([], [f"self.bad = self.bad or ({condition})"])),
            (
                1,
                lambda: (
                    [],
                    ["found = False", f"if {condition}:", "    found = True", "require(found)", *setting],
                ),
            ),
        ]
        if not stateful:
            ways.append((5, lambda: self._helped(number, condition, locals_, setting)))
            ways.append((4, lambda: ([], self._rebound(condition, locals_, setting))))
        return self.choose.weighted(ways)

    def _helped(self, number: int, condition: str, names: list[str], setting: Lines) -> tuple[Lines, Lines]:
        """A helper whose parameters may have the names of other things of the caller."""
        order = list(names)
        if len(order) > 1 and self.choose.chance(50):
            order = [*order[1:], order[0]]
        called, text = dict(zip(order, order, strict=True)), condition
        for one, other in (("a", "b"), ("c", "d"), ("s", "t"), ("i", "j")):
            if one in order and other in order and self.choose.chance(60):
                text = _swapped(text, one, other)
                called[one], called[other] = other, one
        written = "".join(f", {n}: {TYPES[n]}" for n in order)
        body = [f"return {text}"]
        if self.choose.chance(60):
            body = _branching(text)
        helper = ["", *indented([f"def told{number}(self{written}) -> bool:", *indented(body)])]
        call = f"self.told{number}({', '.join(called[n] for n in order)})"
        return helper, [f"require({call})", *setting]

    def _rebound(self, condition: str, names: list[str], setting: Lines) -> Lines:
        """Local names for the parameters, which are bound to others before what was computed with them is asked."""
        if not names:
            return [f"require({condition})", *setting]
        text, lines, after = condition, Lines(), Lines()
        for name in names:
            text = re.sub(rf"(?<![.\w]){name}\b", f"{name}_0", text)
            lines.append(f"{name}_0 = {name}")
            others = [n for n, t in TYPES.items() if t == TYPES[name] and n != name]
            if others:
                after.append(f"{name}_0 = {self.choose.pick(others)}")
        if self.choose.chance(40):
            return [
                *lines,
                f"found = Set(n for n in Node if {text})",
                *after,
                "require(any(n in found for n in Node))",
                *setting,
            ]
        return [*lines, f"found = {text}", *after, "require(found)", *setting]

    # --- claims ---------------------------------------------------------------------------------------------------------

    def _claims(self, idioms: list[Idiom]) -> Lines:
        lines = ["", *indented(["@lemma", "def never(self) -> bool:", "    return not self.bad"])]
        of_state = [
            c for i in idioms if not i.lines for c in i.conditions if not re.search(r"\$[a-eijkopst]\b", c)
        ]
        if of_state and self.choose.chance(35):
            fill = self._filling(idioms[0])
            mark = self.choose.pick(["@invariant", "@lemma"])
            lines += [
                "",
                *indented(
                    [mark, "def more(self) -> bool:", f"    return not ({fill(self.choose.pick(of_state))})"]
                ),
            ]
        if self.choose.chance(15):
            claim = self.choose.pick(
                ["not old.bad or self.bad", "self.bad == old.bad", "old.bad or not self.bad or True"]
            )
            lines += [
                "",
                *indented(["@step_invariant", "def steady(self, old: Self) -> bool:", f"    return {claim}"]),
            ]
        return lines


def _branching(text: str) -> Lines:
    """The body of a helper that returns a condition, with a branch for what decides it."""
    match ast.parse(text, mode="eval").body:
        case ast.BoolOp(ast.And(), [first, *rest]):
            last = ast.unparse(ast.BoolOp(ast.And(), rest) if len(rest) > 1 else rest[0])
            return [f"if not ({ast.unparse(first)}):", "    return False", f"return {last}"]
        case ast.BoolOp(ast.Or(), [first, *rest]):
            last = ast.unparse(ast.BoolOp(ast.Or(), rest) if len(rest) > 1 else rest[0])
            return [f"if {ast.unparse(first)}:", "    return True", f"return {last}"]
        case ast.IfExp(test, then, orelse):
            return [
                f"if {ast.unparse(test)}:",
                f"    return {ast.unparse(then)}",
                f"return {ast.unparse(orelse)}",
            ]
    return [f"if {text}:", "    return True", "return False"]


def _swapped(text: str, one: str, other: str) -> str:
    return re.sub(rf"(?<![.\w])({one}|{other})\b", lambda m: other if m[1] == one else one, text)


def _assembled(lines: Lines) -> str:
    body = "\n".join(lines).strip("\n")
    used = set(re.findall(r"\w+", body))
    typing = [name for name in ("Annotated", "Self") if name in used]
    head = ["from enum import Enum", *([f"from typing import {', '.join(typing)}"] if typing else []), ""]
    head.append(f"from ratified import {', '.join(n for n in IMPORTED if n in used)}")
    return "\n".join(['"""A generated proof script."""', "", *head, "", "", body, ""])
