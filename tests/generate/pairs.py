"""Every engine held against every other: what each says of a generated model, compared wherever two of them speak of the same.

An engine says of a model at a size some of: how many states there are, on how many levels, over how many transitions; whether
its claims hold; how long a shortest run is that violates one; how long runs are among which there is none. `differ` compares what
two of them have both said, and nothing else. Guarantees: what ran out, or was refused, is compared with nothing; a disagreement
is told with the model's seed.

Models are taken in turn from `claiming_model` (every construct, liveness, refinements, bounds that are left) and from
`provable_model` (proof scripts, explored at size 2). Some pairs are held together more closely than by such numbers: transition
for transition, formula for formula, obligation for obligation (`Asked.closely`).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from ratified.explore import check
from ratified.explore.native.engine import check_native
from ratified.explore.simulate import simulate
from ratified.itf import as_itf, follow, read_itf
from ratified.itf.format import typed
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.evaluate import TreeMachine
from ratified.language.ir import Kind
from ratified.language.machine import PythonMachine, StepError
from ratified.language.model import Model
from ratified.results.errors import EvaluationError
from ratified.results.result import BEYOND_BOUNDS, Limits, PropertyKind, Result, Trace, Verdict
from ratified.smt.finite.bounded import bounded
from ratified.smt.first_order.obligations import Translation
from ratified.smt.proving import ProofOptions, prove_script
from ratified.smt.result import Status
from ratified.smt.script import Lemma, ProofScript, script_of
from ratified.smt.validation.validate import TranslationFault, validate
from ratified.tla import export, tlc
from ratified.tla.crosscheck import compare
from ratified.tla.tlc import TlcResult
from tests.explore.native import differential
from tests.generate import agreement
from tests.generate.claiming import claiming_model
from tests.generate.engines import in_this_process, load_script
from tests.generate.models import GeneratedModel
from tests.generate.provable import provable_model
from tests.generate.running import load
from tests.generate.said import NOTHING, STATES_MOST, Said, differ, searched
from tests.smt.finite import agreement as circuits
from tests.tla.service import Service

DEPTH = 3
SECONDS = 4.0
SAFETY = (PropertyKind.INVARIANT, PropertyKind.STEP_INVARIANT)


# --- the engines ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """A generated model at a size; `script` if it is a proof script."""

    seed: int
    model: Model
    script: bool


Engine = Callable[[Case], Mapping[str, Said]]
"""What engines say of a model, by their names; some are asked together."""


@dataclass(slots=True)
class Asked:
    """The engines, and what two of them need for it. `tlc` is left out where it is not installed."""

    tlc: Service | None
    _told: dict[tuple[str, ...], TlcResult] = field(default_factory=dict)

    def engines(self) -> Mapping[str, Callable[[Case], Mapping[str, Said]]]:
        """Each under its name, or what answers for several at once under all of theirs."""
        found: dict[str, Callable[[Case], Mapping[str, Said]]] = {
            "CPython": lambda c: {"CPython": searched(PythonMachine(c.model))},
            "evaluator": lambda c: {"evaluator": searched(TreeMachine(c.model))},
            "reference": lambda c: {"reference": _explored(_reference, c)},
            "symmetry": lambda c: {"symmetry": _reduced(_explored(_symmetric, c))},
            "native": lambda c: {"native": _explored(_native, c)},
            "walks": lambda c: {"walks": _walked(c)},
            "bmc": lambda c: _bounded(c, "sat", "bmc", "k-induction"),
            "bmc by Z3": lambda c: _bounded(c, "z3", "bmc by Z3"),
            "prover": _proved,
        }
        if self.tlc is not None:
            found["TLC"] = lambda c: {"TLC": self._checked(c)}
        return found

    def _checked(self, case: Case) -> Said:
        """What TLC says of the exported module."""
        assert self.tlc is not None
        exported = export(case.model)
        key = tuple(exported.files.values())
        if key not in self._told:
            self._told[key] = self.tlc.explore(exported.files, exported.name, 60)
        told = self._told[key]
        match told.verdict, told.kind:
            case "holds", _ if told.distinct:
                return Said(told.distinct, told.depth, verdict="holds", raw=told)
            case "violated", "invariant" | "step" if told.violated not in _refinements(case):
                return Said(verdict="violated", failed=told.violated, shortest=len(told.states), raw=told)
            case "error", "evaluation" if told.states:
                return Said(verdict="error", shortest=len(told.states), raw=told)
        return Said(raw=told)

    def alone(self, case: Case) -> Mapping[str, Said]:
        """What TLC says in a process of its own: of one that has explored other models before, something may be left behind."""
        assert self.tlc is not None
        exported = export(case.model)
        told = tlc.run(self.tlc.tool, exported.files, exported.name, seconds=60)
        self._told[tuple(exported.files.values())] = told
        return {"TLC": self._checked(case)}

    def closely(self, case: Case, pair: tuple[str, str], said: Mapping[str, Said]) -> list[str] | None:
        """What is wrong between two engines that are held together more closely; None if these are not, here."""
        one, other = (said.get(name, NOTHING).raw for name in pair)
        match pair:
            case "CPython", "evaluator":
                return _disagreeing(lambda: agreement.agree(case.model, 25))
            case "evaluator", "bmc":
                return _disagreeing(lambda: circuits.agree(case.model, 8, 2))
            case "CPython", "prover":
                return _disagreeing(lambda: _formulas(case))
            case "reference", "native" if isinstance(one, Result) and isinstance(other, Result):
                mine, theirs = differential.told(one), differential.told(other)
                return [f"{w}: {mine[w]} and {theirs[w]}" for w in mine if mine[w] != theirs[w]]
            case "reference" | "native", "TLC" if other is not None and one is not None:
                found = compare(case.model, export(case.model), one, other)
                return None if found.undecided or found.ask_about else list(found.differences)
            case "walks", "ITF":
                return None if one is None else _written(case.model, one)
            case "prover", "prover (cvc5)" if one is not None:
                return [f"{c.name}: one sat, one unsat" for c in one.cells if c.contradicted]
            case "k-induction", "prover" if (
                one is not None and said.get("prover", NOTHING).verdict == "holds"
            ):
                return _inductive(one, said["prover"])
        return None


def _disagreeing(held: Callable[[], object]) -> list[str] | None:
    try:
        return None if held() is None else []
    except (agreement.Disagreement, TranslationFault) as wrong:
        return [str(wrong)]
    except RatifiedError:
        return None


def _explored(explore: Callable[[Model], Result], case: Case) -> Said:
    """What an explorer says."""
    try:
        found = explore(case.model)
    except EvaluationError as error:
        return Said(verdict="error", shortest=len(error.trace) if error.trace else None, raw=error)
    except ModelError as error:
        return Said(verdict="nothing") if "no initial state" in error.message else NOTHING
    except RatifiedError:
        return NOTHING  # what the native engine does not take
    failed = found.violation
    if not found.distinct:
        return Said(raw=found)  # whatever init does leaves a bound
    if found.stopped not in (None, BEYOND_BOUNDS) and (
        failed is None or failed.kind is PropertyKind.LIVENESS
    ):
        return Said(clear=found.depth, liveness="liveness violated" if failed else "")
    if failed is not None and failed.kind in SAFETY:
        return Said(verdict="violated", failed=failed.name, shortest=len(failed.trace), raw=found)
    if failed is not None and failed.kind is not PropertyKind.LIVENESS:
        return Said(liveness=f"{failed.kind.value} violated", raw=found)
    others = [p for p in found.properties if p.kind not in SAFETY]
    decided = others and all(p.verdict is Verdict.HOLDS for p in others)
    liveness = "liveness violated" if failed else "holds" if decided else ""
    return Said(found.distinct, found.depth, found.generated, "holds", liveness=liveness, raw=found)


_FEW = Limits(states=STATES_MOST)


def _reference(model: Model) -> Result:
    return check(model, limits=_FEW, engine="reference")


def _symmetric(model: Model) -> Result:
    return check(model, limits=_FEW, engine="reference", symmetry=True)


def _native(model: Model) -> Result:
    return check_native(model, limits=_FEW, flags=("-O0",), threads=1)


def _refinements(case: Case) -> set[str]:
    """Claims that TLC takes for one of steps, and of which the plainest searches know nothing."""
    return {f.name for f in case.model.module.of_kind(Kind.REFINEMENT)}


def _reduced(said: Said) -> Said:
    """Of orbits, fewer are counted: whatever is not told of one alone."""
    return Said(
        None, said.levels, None, said.verdict, shortest=said.shortest, failed=said.failed, met=said.states
    )


def _walked(case: Case) -> Said:
    """What random walks say: of what is wrong, that it is; of what is not, nothing."""
    try:
        found = simulate(case.model, runs=12, length=12, seed=case.seed)
    except EvaluationError as error:
        return Said(
            verdict="error",
            shortest=len(error.trace) if error.trace else None,
            at_least=True,
            raw=error.trace,
        )
    except ModelError as error:
        return Said(verdict="nothing") if "no initial state:" in error.message else NOTHING
    if (failed := found.violation) is None:
        return Said(met=found.distinct, raw=found.first)
    if failed.kind not in SAFETY:
        return Said(raw=found.first)
    length = len(failed.trace)
    return Said(verdict="violated", failed=failed.name, shortest=length, at_least=True, raw=failed.trace)


def _written(model: Model, run: Trace) -> list[str]:
    """A run, written in ITF, read, and followed by the model."""
    states = typed(model, read_itf(as_itf(model, run), "run"), "run")
    try:
        followed = follow(model, states)
    except StepError as problem:  # as the walk was told, which ended there
        return [] if problem.state == states[-1] else [f"no answer in {problem.state}"]
    return [] if followed.wrong is None else [f"state {followed.wrong} of a run is not explained"]


def _bounded(case: Case, solver: str, name: str, inductive: str = "") -> Mapping[str, Said]:
    """What bounded model checking says, and k-induction (`inductive`) of the same question."""
    try:
        found = bounded(
            case.model, DEPTH, solver=solver, limits=Limits(seconds=SECONDS), induction=bool(inductive)
        )
    except EvaluationError as error:
        return {name: Said(verdict="error", shortest=len(error.trace) if error.trace else None)}
    except RatifiedError as problem:
        if "no initial state" in problem.message:
            return {name: Said(verdict="nothing")}
        return {name: Said(against=problem.message if "disagree" in problem.message else "")}
    claims = frozenset(found.claims)
    if (failed := found.violation) is not None:
        return {
            name: Said(
                verdict="violated", failed=failed.name, shortest=len(failed.trace), claims=claims, raw=found
            )
        }
    clear = 0 if found.steps is None else found.steps + 1
    said = {name: Said(verdict="holds" if found.complete else "", claims=claims, clear=clear, raw=found)}
    if inductive:
        said[inductive] = Said(verdict="holds" if found.proved_by else "", claims=claims, raw=found)
    return said


def _script(case: Case) -> ProofScript:
    """A proof script; of a model that is none, that all its invariants together are inductive."""
    if case.script:
        return script_of(type(case.model))
    module = case.model.module
    invariants = module.of_kind(Kind.INVARIANT)
    if not invariants:
        raise ModelError(f"{module.name} has no invariants")
    return ProofScript(module.name, module, tuple(Lemma(f, None) for f in invariants), ())


def _formulas(case: Case) -> object:
    translation = Translation(_script(case))
    return validate(type(case.model), translation, translation.obligations(), units=60_000)


def _proved(case: Case) -> Mapping[str, Said]:
    """What the prover says by Z3, and by cvc5 of the same obligations."""
    options = ProofOptions("z3", "cvc5", SECONDS if case.script else 1.0, 1, counterexamples=case.script)
    try:
        with in_this_process():
            proof = prove_script(_script(case), type(case.model), options)
    except TranslationFault as fault:
        return {"prover": Said(against=fault.message)}
    except RatifiedError:
        return {}
    claims = frozenset({*proof.lemmas, *proof.goals})
    said = {}
    for name, solver in (("prover", "z3"), ("prover (cvc5)", "cvc5")):
        verdict = "holds" if all(_by(solver, cell) for cell in proof.cells) else ""
        unconfirmed = any(c.counterexample and c.counterexample.confirmed is False for c in proof.cells)
        against = "a counterexample that CPython does not confirm" if unconfirmed and solver == "z3" else ""
        said[name] = Said(verdict=verdict, claims=claims, against=against, raw=proof)
    return said


def _by(solver: str, cell: Any) -> bool:
    """Whether a solver has proved an obligation, or nobody needed to."""
    answers = {o.answer for o in cell.opinions if o.solver == solver}
    return answers == {"unsat"} or (cell.status is Status.PROVED and not cell.opinions)


def _inductive(found: Any, proved: Said) -> list[str] | None:
    """What is inductive at every size is so at this one: k-induction needs no more than one step."""
    if proved.claims != frozenset(found.claims) or found.stopped or found.complete:
        return None
    if found.proved_by is None:
        return ["inductive at every size, and not at this one"]
    return [] if found.proved_by == 1 else [f"inductive, and {found.proved_by} steps were needed"]


# --- pairs ----------------------------------------------------------------------------------------------------------------

NAMES = (
    *("CPython", "evaluator", "reference", "symmetry", "native", "walks", "ITF", "bmc", "bmc by Z3"),
    *("k-induction", "prover", "prover (cvc5)", "TLC"),
)
PAIRS = tuple(combinations(NAMES, 2))

Pair = tuple[str, str]
Compared = tuple[set[str], list[str]]


@dataclass(slots=True)
class Held:
    """What came of holding two engines together: on how many models, what was compared, what they disagreed about."""

    models: int = 0
    compared: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[int, str]] = field(default_factory=list)
    found: list[str] = field(default_factory=list)


def text_of(seed: int) -> str:
    """The text of the model of a seed."""
    return (provable_model if seed % 2 else claiming_model)(seed).text


def cases(
    seeds: Collection[int], folder: Path, make: Callable[[int], GeneratedModel] | None = None
) -> Iterator[Case]:
    """The models of some seeds; odd ones are proof scripts, at size 2. Those that are no models are left out.

    With `make`, what that makes of each seed, and no proof scripts.
    """
    for seed in seeds:
        with contextlib.suppress(RatifiedError):
            if seed % 2 and make is None:
                script = load_script(provable_model(seed), folder)
                yield Case(seed, script(**{t.sort.__name__: 2 for t in script.module.sorts}), script=True)
            else:
                yield Case(seed, load((make or claiming_model)(seed), folder), script=False)


def ask(asked: Asked, case: Case, only: Collection[str] = ()) -> dict[str, Said]:
    """What the engines say, or some of them."""
    said: dict[str, Said] = {}
    for name, engine in asked.engines().items():
        if not only or name in only:
            said.update(engine(case))
    return said


def judged(
    asked: Asked, case: Case, said: dict[str, Said], pairs: Collection[Pair] = PAIRS
) -> dict[Pair, Compared]:
    """What was compared between the engines of each pair, and what they disagree about. TLC is asked once more if it is one."""
    found = {pair: _between(asked, case, pair, said) for pair in pairs}
    if any(wrong for pair, (_, wrong) in found.items() if "TLC" in pair):
        said.update(asked.alone(case))
        found |= {pair: _between(asked, case, pair, said) for pair in pairs if "TLC" in pair}
    return found


def _between(asked: Asked, case: Case, pair: Pair, said: Mapping[str, Said]) -> Compared:
    one, other = (said.get(name, NOTHING) for name in pair)
    compared, wrong = differ(one, other)
    closely = asked.closely(case, pair, said)
    if closely is not None:
        compared.add("closely")
        wrong += closely
    if pair[0] == "CPython" and other.against:
        compared.add("closely")
        wrong.append(other.against)
    return compared, wrong


def hold(
    asked: Asked, models: Iterable[Case], told: Callable[[str], object] | None = None
) -> dict[Pair, Held]:
    """Hold every engine against every other on these models: what came of it."""
    table = {pair: Held() for pair in PAIRS}
    for number, case in enumerate(models, 1):
        for pair, (compared, wrong) in judged(asked, case, ask(asked, case)).items():
            held = table[pair]
            held.models += bool(compared)
            held.compared.update(compared)
            held.wrong += [(case.seed, text) for text in wrong]
            if told:
                for text in wrong:
                    told(f"seed {case.seed}: {' and '.join(pair)}: {text.splitlines()[0]}")
        if told and number % 20 == 0:
            told(f"{number} models")
    return table


def lines(table: Mapping[Pair, Held], models: int) -> list[str]:
    """The table as text, pairs that were never compared left out; at the end, what they disagree about."""
    rows = ["| pair | models | what was compared | disagreements | faults found |", "|---|---|---|---|---|"]
    for pair, held in table.items():
        if held.models:
            what = ", ".join(f"{word} {held.compared[word]}" for word in sorted(held.compared))
            row = f"{pair[0]}, {pair[1]} | {held.models} | {what} | {len(held.wrong)} | {len(held.found)}"
            rows.append(f"| {row} |")
    wrong = [
        f"seed {seed}: {' and '.join(pair)}: {text}" for pair, h in table.items() for seed, text in h.wrong
    ]
    return [f"{models} models", "", *rows, "", f"disagreements: {len(wrong)}", *wrong]
