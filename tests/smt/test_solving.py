"""A solver's answer says what it said, also where a command of its script failed after that."""

from __future__ import annotations

import pytest

from ratified.smt.solving import Job, Pool, SolverAnswer

GIVES_UP = """(set-logic ALL)
(declare-const x Int)
(assert (= (* x x x x) (+ x 17)))
(assert (forall ((y Int)) (> (* y x) x)))
(check-sat)
(get-model)
"""


@pytest.mark.parametrize(
    ("text", "verdict", "rest"),
    [
        (GIVES_UP, "unknown", '(error "line 8 column 10: model is not available")'),
        (
            "(assert false)\n(check-sat)\n(get-model)\n",
            "unsat",
            '(error "line 5 column 10: model is not available")',
        ),
        ("(assert tru)\n(check-sat)\n", "unknown", '(error "line 3 column 8: unknown constant tru")'),
    ],
)
def test_a_command_that_fails_takes_no_verdict_away_and_gives_none(
    text: str, verdict: str, rest: str
) -> None:
    answers: list[SolverAnswer] = []

    def heard(answer: SolverAnswer) -> list[Job]:
        answers.append(answer)
        return []

    with Pool(1) as pool:
        pool.run([Job(None, "z3", text, 20, 100)], heard)
    assert [(answer.verdict, rest in answer.rest) for answer in answers] == [(verdict, True)]
