"""A solver in a process of its own: reads jobs as lines of JSON, answers in lines of JSON. Run with `python -m`.

Guarantees: knows SMT-LIB text and solvers only; an answer says what the solver said, and how much processor time it took.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def with_z3(text: str, seconds: float, effort: int) -> str:
    """What Z3 answers to a script."""
    import z3

    context = z3.Context()
    # The time-out is an option of the script; the answer comes as Z3's own command line would print it.
    limits = f"(set-option :timeout {max(1, int(seconds * 1000))})\n(set-option :rlimit {effort})\n"
    limited = limits + text
    return str(z3.Z3_eval_smtlib2_string(context.ref(), limited))


def with_cvc5(text: str, seconds: float, effort: int) -> str:
    """What cvc5 answers to a script. Without finite model finding it would answer "unknown" where there is a model."""
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("tlimit-per", str(max(1, int(seconds * 1000))))
    if effort:
        solver.setOption("rlimit-per", str(effort))
    solver.setOption("finite-model-find", "true")
    solver.setOption("produce-models", "true")
    logic = text.partition("(set-logic ")[2].partition(")")[0]
    solver.setLogic(logic)
    parser = cvc5.InputParser(solver)
    parser.setStringInput(
        cvc5.InputLanguage.SMT_LIB_2_6, text.replace(f"(set-logic {logic})\n", "", 1), "script"
    )
    symbols = parser.getSymbolManager()
    answers = []
    while not (command := parser.nextCommand()).isNull():
        answers.append(str(command.invoke(solver, symbols)))
    return "".join(answers)


SOLVERS = {"z3": with_z3, "cvc5": with_cvc5}


def main() -> None:
    """Answer jobs until there are no more."""
    for name in sys.argv[1:]:
        __import__(name)
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
