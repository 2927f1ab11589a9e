"""Which generated proof scripts find the faults of each kind (`kinds.py`), and how: the table in docs/trust.md.

A fault is found by holding formulas to CPython, or by what the engines say with that left out: a failure, or what cannot be
explained (`Compared.noticed`), as it would stop a run without any fault. `found.json` has the seeds that found each, for a test.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import multiprocessing
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, FrameType
from unittest import mock

from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.smt import proving
from ratified.smt.first_order.equality import Equality
from ratified.smt.first_order.obligations import Translation
from ratified.smt.script import script_of
from ratified.smt.smtlib import text
from tests.generate.engines import FINITE_EVERY, compared, load_script
from tests.generate.kinds import FAULTS, FINITE, KINDS
from tests.generate.planted import holds
from tests.generate.planting import Kind, all_changes, planted
from tests.generate.provable import provable_model

FOUND = Path(__file__).with_name("found.json")
"""For each fault the seeds that find it, by formulas and by engines."""

HELD = 60
"""So many scripts whose translation a fault changes are held to CPython."""

SHORT = 60
"""Letters of what engines say that the table has."""

ASKED, ASKED_OF_ALL = 8, 40
"""The engines are asked about so many scripts whose translation a fault changes; or that have what it needs."""


@dataclass(frozen=True, slots=True)
class Script:
    """A generated script, by its seed; `cls` is None if its file cannot be read.

    `written` is its translation in a number (None: it is refused), `uses` the functions that come up with it.
    """

    seed: int
    source: str
    cls: type[Model] | None
    written: int | None = None
    uses: frozenset[CodeType] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """Which seed finds a fault by holding formulas to CPython, and which by the engines without that; None if none does."""

    formulas: int | None = None
    engines: int | None = None
    how: str = ""


def script_at(seed: int, folder: Path) -> Script:
    """The script of a seed; of its translation nothing is known."""
    made = provable_model(seed)
    try:
        cls = load_script(made, folder)
    except RatifiedError:
        return Script(seed, made.text, None)
    return Script(seed, made.text, cls)


def translated(script: Script) -> Script:
    """A script with what is known of its translation."""
    if (cls := script.cls) is None:
        return script
    uses = set[CodeType]()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            uses.add(frame.f_code)

    sys.setprofile(note)
    try:
        said = written(cls)
    finally:
        sys.setprofile(None)
    return replace(script, written=said, uses=frozenset(uses))


def written(cls: type[Model]) -> int | None:
    """What a script is translated to, obligations and the states after steps, in a number; None if it is refused."""
    try:
        translation = Translation(script_of(cls))
        obligations = translation.obligations()
        said = [text(f.formula) for o in obligations for f in o.facts]
        same = Equality(translation.theory.shapes)
        for path in {id(p): p for o in obligations for p in o.paths}.values():
            for name, shape in translation.state.items():
                with contextlib.suppress(RatifiedError):
                    said.append(text(translation.definitions.plain(same(path.after[name], shape))))
    except RatifiedError:
        return None
    except Exception:  # noqa: BLE001  # whatever a fault leads to is something else
        return 0
    return hash(tuple(said))


def matters(fault: Kind, changed: Collection[CodeType], script: Script) -> bool:
    """Whether a fault, which is planted by changing some functions, has anything to do with a script."""
    if fault.needs:
        found = bool(re.search(fault.needs, script.source))
        return (
            found
            and (script.cls is None) == of_reading(fault)
            and (not of_bmc(fault) or script.seed % FINITE_EVERY == 0)
        )
    if script.cls is None or script.uses.isdisjoint(changed):
        return False
    return written(script.cls) != script.written


def of_reading(fault: Kind) -> bool:
    """Whether a fault lets a file be read that is to be refused."""
    return fault.module.startswith("ratified.language.compile")


def of_bmc(fault: Kind) -> bool:
    """Whether a fault is one of bounded model checking."""
    return fault.module.startswith(FINITE)


def by_formulas(script: Script, fault: Kind | None) -> bool:
    """Whether holding the formulas of a script to CPython finds something wrong, with a fault planted or without."""
    assert script.cls is not None
    with contextlib.nullcontext() if fault is None else planted(fault):
        return holds(script.cls) == "found"


def by_engines(script: Script, fault: Kind, folder: Path, *, right: bool = False) -> str:
    """What the engines that a fault is for say that a run would stop at, with it planted, or as they are if that is `right`."""
    with contextlib.nullcontext() if right else planted(fault):
        return _asked(fault, script, folder)


def _asked(fault: Kind, script: Script, folder: Path) -> str:
    """What the engines say by themselves that a run would stop at."""
    try:
        cls = load_script(provable_model(script.seed), folder) if script.cls is None else script.cls
        with mock.patch.object(proving, "validated", return_value=None):
            return compared(cls, second=False, finite=of_bmc(fault), held=False).noticed
    except RatifiedError:
        return ""
    except Exception as crash:  # noqa: BLE001  # whatever a fault leads to
        return f"crash: {type(crash).__name__}"


def found_by(fault: Kind, scripts: Sequence[Script], folder: Path) -> Found:
    """Look for a fault among scripts, by formulas, and by the engines among the first on which it has an effect."""
    most = ASKED_OF_ALL if fault.needs else ASKED
    changed = {right for _, right, _ in all_changes(fault)}
    with planted(fault):
        concerned = (s for s in scripts if matters(fault, changed, s))
        several = list(itertools.islice(concerned, most))
        formulas = None
        if not fault.needs:
            more = itertools.islice(itertools.chain(several, concerned), HELD)
            formulas = next((s.seed for s in more if s.cls is not None and holds(s.cls) == "found"), None)
        for script in several:
            if said := _asked(fault, script, folder):
                return Found(formulas, script.seed, said)
    return Found(formulas)


_SCRIPTS: list[Script] = []
"""What the processes that look for faults have from the one that they are copies of."""


def _found(given: tuple[Kind, Path]) -> Found:
    return found_by(given[0], _SCRIPTS, given[1])


def table(number: int, folder: Path, found: dict[str, Found], *, processes: int = 3) -> Iterator[str]:
    """The table, a line as soon as it is known; `found` gets what each fault is found by."""
    _SCRIPTS[:] = (translated(script_at(seed, folder)) for seed in range(number))
    yield "| kind | planted fault | formulas compared with CPython | engines alone | what they report |"
    yield "|---|---|---|---|---|"
    named = {faults[0].says: kind for kind, faults in KINDS.items()}
    with multiprocessing.get_context("fork").Pool(processes, maxtasksperchild=1) as pool:
        for fault, one in zip(FAULTS, pool.imap(_found, [(f, folder) for f in FAULTS]), strict=True):
            found[fault.says] = one
            by = ("no" if seed is None else str(seed + 1) for seed in (one.formulas, one.engines))
            yield f"| {named.get(fault.says, '')} | {fault.says} | {' | '.join(by)} | {_short(one.how)} |"


def _short(said: str) -> str:
    """What fits into a column."""
    return said if len(said) <= SHORT else f"{said[:SHORT].rpartition(' ')[0]} ..."


def keep(found: dict[str, Found]) -> None:
    """Write the seeds down."""
    seeds = {f.says: {"formulas": found[f.says].formulas, "engines": found[f.says].engines} for f in FAULTS}
    FOUND.write_text(json.dumps(seeds, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def kept() -> dict[str, Found]:
    """The seeds that were written down."""
    seeds = json.loads(FOUND.read_text(encoding="utf-8"))
    return {says: Found(one["formulas"], one["engines"]) for says, one in seeds.items()}
