"""Random models that refine something: an abstract model that is a copy or nearly one, a mapping that may forget variables.

`random_refinement(seed)` gives a file as the generated models are. Of the abstract model, a guard or a change may be taken out:
so refinements hold, fail early or late, or have no answer, each in a good part of the cases.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace

from tests.generate.models import GeneratedModel, random_model

_VARIABLE = re.compile(r"^    (\w+): ((?!Param).+?)(?: = (.+))?$", re.MULTILINE)
_GUARD = re.compile(r"^ +require\(.*\)$")
_CHANGE = re.compile(r"^ +self\.\w+.*(?: [-+]?= |\.add\(|\.append\().*$")


def random_refinement(seed: int) -> GeneratedModel:
    """The model of a seed; `as_coarse` is what it claims to refine."""
    return refining(random_model(seed), random.Random(seed))  # nothing is secret here


def refining(made: GeneratedModel, dice: random.Random) -> GeneratedModel:
    """A model with a variant that refines a copy of it, or nearly."""
    start = made.text.index("\nclass Base(")
    classes = made.text[start:]
    other = classes.replace("class Base(", "class OtherBase(").replace(
        "class Variant(Base)", "class OtherVariant(OtherBase)"
    )
    if dice.random() < 0.6:
        other = _changed(other, dice)
    abstract = f"Other{made.name}"
    mapping = "\n".join(f"        abstract.{name} = {value}" for name, value in _mapping(classes, dice))
    text = made.text[:start].replace(
        "\nfrom ratified import", "\nfrom ratified import refines, require\nfrom ratified import", 1
    )
    return replace(
        made,
        text=f"{text}{other}\n{classes}\n\nclass Fine({made.name}):\n"
        f'    """Refines the other one, perhaps."""\n\n'
        f"    @refines({abstract})\n    def as_coarse(self, abstract: {abstract}) -> None:\n{mapping}\n",
        name="Fine",
    )


def _mapping(classes: str, dice: random.Random) -> list[tuple[str, str]]:
    """What each variable of the abstract model is given: mostly its namesake, else a constant or another of the same type."""
    variables = [(m[1], m[2], m[3]) for m in _VARIABLE.finditer(classes) if "(" not in m[1]]
    found = []
    for name, annotation, default in variables:
        value = f"self.{name}"
        if dice.random() < 0.2:
            same = [n for n, a, _ in variables if a == annotation]
            constant = default or ("None" if annotation.endswith("| None") else None)
            value = dice.choice([f"self.{n}" for n in same] + ([constant] * 3 if constant else []))
        found.append((name, value))
    return found


def _changed(classes: str, dice: random.Random) -> str:
    """A guard or a change of a variable taken out."""
    lines = classes.split("\n")
    places = [k for k, line in enumerate(lines) if _GUARD.match(line) or _CHANGE.match(line)]
    if places:
        k = dice.choice(places)
        indent = lines[k][: len(lines[k]) - len(lines[k].lstrip())]
        lines[k] = (
            f"{indent}require({dice.choice(['False', 'True'])})"
            if _GUARD.match(lines[k])
            else f"{indent}pass"
        )
    return "\n".join(lines)
