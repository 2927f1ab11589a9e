"""Names that TLA+, TLC, its configurations and the exporter have uses for: a model may have any of them."""

from __future__ import annotations

import re
import zipfile
from enum import Enum
from pathlib import Path

import pytest

from ratified.cli.loading import load
from ratified.explore import check
from ratified.interchange.names import KEYWORDS, legal, told_apart
from ratified.language import Model
from ratified.results.result import Result, Verdict
from ratified.tla import compare, export
from ratified.tla.names import RESERVED, NameSupply, module_name
from ratified.tla.tlc import Tlc
from tests.tla.hostile import DEPTH, FALSE_AFTER, STATES, hostile_model
from tests.tla.service import Service

pytestmark = pytest.mark.xdist_group("tlc")

MODELS = 8


@pytest.mark.slow
def test_a_model_is_the_same_under_any_names(service: Service, tmp_path: Path) -> None:
    for seed in range(MODELS):
        made = hostile_model(seed)
        (tmp_path / f"hostile{seed}.py").write_text(made.text)
        model: Model = load(f"{tmp_path / f'hostile{seed}.py'}:{made.name}")(**made.sizes)
        found = check(model)
        assert found.violation is not None
        assert len(found.violation.trace) == FALSE_AFTER, seed
        agreement = service.compared(model, export(model), found, 60)
        assert (agreement.verdict, agreement.differences) == (Verdict.HOLDS, ()), seed
        others = model.claiming(tuple(r.name for r in found.properties if r.name != made.false))
        found = check(others)
        assert (found.distinct, found.depth) == (STATES, DEPTH), seed
        agreement = service.compared(others, export(others), found, 60)
        assert (agreement.verdict, agreement.differences) == (Verdict.HOLDS, ()), seed


def test_every_operator_of_a_standard_module_is_taken(tlc: Tlc) -> None:
    with zipfile.ZipFile(tlc.jar) as jar:
        modules = [name for name in jar.namelist() if re.search(r"StandardModules/\w+\.tla$", name)]
        texts = {Path(name).stem: jar.read(name).decode() for name in modules}
        overridden = [Path(n).stem for n in jar.namelist() if re.fullmatch(r"tlc2/module/\w+\.class", n)]
    assert {"Naturals", "Sequences", "Bags", "TLC", "Randomization"} <= texts.keys()
    for text in texts.values():
        defined = re.findall(r"^([A-Za-z]\w*)(?:\([^)]*\))? *==", text, re.MULTILINE)
        assert set(defined) <= RESERVED
    for name in (*texts, *overridden):
        assert module_name(name, ()) == f"{name}_"


def test_names_are_told_apart() -> None:
    assert legal("ω") == "u3c9"
    assert legal("_1") == "x1"
    assert legal("WF_a") == "xWF_a"
    assert told_apart(["_x", "x", "IN", "ω", "u3c9"]) == {
        "_x": "x_",
        "x": "x",
        "IN": "IN_",
        "ω": "u3c9_",
        "u3c9": "u3c9",
    }
    assert {"IN", "LET", "ENABLED"} <= KEYWORDS
    assert module_name("Paxos", {"paxos"}) == "Paxos_"
    assert module_name("Paxos", ()) == "Paxos"


def test_a_name_given_late_is_one_that_nothing_has_had_or_will_have() -> None:
    names = NameSupply()
    operator = names.operator()
    assert operator.give("seen") == "seen"
    assert names.give_late("seen") == "seen_"
    assert operator.give("seen_") == "seen__"
    assert operator.give("INVARIANT") == "INVARIANT_"


STRANGE = '''
from enum import Enum
from typing import Annotated

from ratified import Map, Model, Range, Sort, action, invariant, record

Choice = Enum("Choice", ["None", "a b", "é", "u", "TRUE"])
D = Annotated[int, Range(0, 2)]


@record
class Low:
    type: D
    kind: D
    tag: D
    type_: D
    _tag: bool


@record
class LOW:
    DOMAIN: Choice


class Strange(Model):
    """Says *) before its end, and (* too."""

    one: Low | LOW | None
    chosen: Choice | None
    told: Map[Choice, D]

    @action
    def choose(self, c: Choice, low: bool) -> None:
        self.chosen = c
        self.told[c] = 1
        self.one = Low(1, 0, 2, 0, low) if low else LOW(c)

    @invariant
    def few(self) -> bool:
        return sum(self.told[c] for c in Choice) < 3 or self.chosen != Choice.é


class Bare(Model):
    """No variables."""

    @action
    def rest(self) -> None:
        pass
'''


def strange(name: str, folder: Path) -> Model:
    """A model out of the file above."""
    (folder / "strange.py").write_text(STRANGE)
    made: Model = load(f"{folder / 'strange.py'}:{name}")()
    return made


def test_members_fields_and_tags_that_tla_cannot_write(service: Service, tmp_path: Path) -> None:
    model = strange("Strange", tmp_path)
    made = export(model)
    text = made.modules["Strange.tla"]
    assert made.form.kind == "type__"
    assert 'Choice == {"None_", "axu20b"' not in text
    assert len({made.form.member(m) for m in type_of(model)}) == 5
    assert "None" not in {made.form.member(m) for m in type_of(model)}
    assert all(ord(c) < 128 for line in text.splitlines() if not line.startswith("(*") for c in line)
    found = check(model)
    assert isinstance(found, Result)
    agreement = service.compared(model, made, found, 60)
    assert (agreement.verdict, agreement.differences) == (Verdict.HOLDS, ())
    assert agreement.trace is not None
    assert len(agreement.trace) == 4


def type_of(model: Model) -> type[Enum]:
    """The enum of the model above."""
    named: type[Enum] = vars(__import__("sys").modules[type(model).__module__])["Choice"]
    return named


def test_a_model_without_variables(service: Service, tmp_path: Path) -> None:
    model = strange("Bare", tmp_path)
    made = export(model)
    assert "VARIABLE\n    nothing\n" in made.modules["Bare.tla"]
    found = check(model)
    assert service.compared(model, made, found, 60).verdict is Verdict.HOLDS
    assert compare(model, made, found, service.explore(made.files, made.name, 60)).theirs.distinct == 1
