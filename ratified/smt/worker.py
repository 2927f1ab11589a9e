"""A solver in a process of its own: reads jobs as lines of JSON, answers in lines of JSON. Run with `python -m`.

Guarantees: knows SMT-LIB text and solvers only; an answer says what the solver said, and how much processor time it took.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Mapping
from typing import Any


def with_z3(text: str, seconds: float, effort: int) -> str:
    """What Z3 answers to a script."""
    import z3

    context = z3.Context()
    # The time-out is an option of the script; the answer comes as Z3's own command line would print it.
    limits = f"(set-option :timeout {max(1, int(seconds * 1000))})\n(set-option :rlimit {effort})\n"
    limited = limits + text
    try:
        return str(z3.Z3_eval_smtlib2_string(context.ref(), limited))
    except z3.Z3Exception as problem:
        # Raised with all that was printed where a command fails: after "unknown" there may be no model to ask for.
        return problem.value.decode() if isinstance(problem.value, bytes) else str(problem.value)


STRATEGIES: tuple[tuple[Mapping[str, str], float], ...] = (
    ({}, 0.25),  # instances of what is there: most of what is unsatisfiable is found so within a second
    ({"finite-model-find": "true"}, 0.25),  # whatever has a finite model; else the answer would be "unknown"
    ({"enum-inst": "true", "trigger-active-sel": "min"}, 0.5),  # instances of everything, one after the other
)
"""What cvc5 tries, one after the other, and the share of the time that each has at least."""


def with_cvc5(text: str, seconds: float, effort: int) -> str:
    """What cvc5 answers to a script: the first of its strategies that knows."""
    deadline = time.monotonic() + seconds
    said = ""
    left = 1.0
    for options, share in STRATEGIES:
        given = max(0.001, deadline - time.monotonic()) * share / left
        left -= share
        said = _cvc5(text, given, int(effort * share), options)
        if not said.startswith("unknown"):
            break
    return said


def _cvc5(text: str, seconds: float, effort: int, options: Mapping[str, str]) -> str:
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("tlimit-per", str(max(1, int(seconds * 1000))))
    if effort:
        solver.setOption("rlimit-per", str(effort))
    # Quantifiers stay where they stand: drawn to the front, those of different parts of a formula get in each other's way.
    solver.setOption("prenex-quant", "none")
    solver.setOption("produce-models", "true")
    for name, value in options.items():
        solver.setOption(name, value)
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "script")
    symbols = parser.getSymbolManager()
    answers = []
    while not (command := parser.nextCommand()).isNull():
        answers.append(str(command.invoke(solver, symbols)))
    return "".join(answers)


def with_certificate(text: str, seconds: float, effort: int) -> str:  # noqa: ARG001  # a solver's arguments
    """`unsat` and a certificate of it, or `unknown`."""
    from ratified.smt.certificate.finder import NotFound, certificate
    from ratified.smt.certificate.making import BUSY

    try:
        told = json.loads(text)
        rare = frozenset(told["rare"])
        return f"unsat\n{certificate(told['script'], seconds / BUSY, rare, told['like'])}"
    except NotFound as problem:
        return f"unknown\n{problem}"


def with_ethos(text: str, seconds: float, effort: int) -> str:  # noqa: ARG001  # a solver's arguments
    """What ethos says of cvc5's proof."""
    from ratified.smt.certificate.ethos import opinion

    return opinion(text, seconds)


def expanded(text: str, seconds: float, effort: int) -> str:  # noqa: ARG001  # a solver's arguments
    """Whether a script has a model where sorts have so many elements: `sat` and its tables, `unsat` or `unknown`."""
    from ratified.smt.expanded import Unsaid, solved

    told = json.loads(text)
    try:
        found = solved(told["script"], told["sizes"], effort // STEPS_A_CONFLICT if effort else -1)
    except Unsaid as problem:
        return f"unknown\n{problem}"
    if found is None or isinstance(found, bool):
        return "unknown" if found is None else "unsat"
    tables = {symbol: list(table.items()) for symbol, table in found.items()}
    return f"sat\n{json.dumps(tables)}"


STEPS_A_CONFLICT = 200
"""Z3's steps that take about as long as a conflict of a SAT solver."""

SOLVERS = {
    "z3": with_z3,
    "cvc5": with_cvc5,
    "certificate": with_certificate,
    "ethos": with_ethos,
    "expanded": expanded,
}


def main() -> None:
    """Answer jobs until there are no more."""
    for name in sys.argv[1:]:
        __import__(name)
    gc.set_threshold(100_000, 50)  # certificates are found among very many terms, few of which are in circles
    send = sys.stdout
    sys.stdout = sys.stderr  # what a library prints is no answer
    send.write('{"ready": true}\n')
    send.flush()
    for line in sys.stdin:
        job: dict[str, Any] = json.loads(line)
        started = time.process_time()
        try:
            said = SOLVERS[job["solver"]](job["text"], job["seconds"], job["effort"])
        except Exception as problem:  # noqa: BLE001  # whatever a solver raises is its answer
            said = f"(error {json.dumps(str(problem))})"
        answer = {"said": said, "seconds": time.process_time() - started}
        send.write(json.dumps(answer) + "\n")
        send.flush()


if __name__ == "__main__":
    main()
