"""Expressions over states: the language's own front end reads them, and nothing evaluates them as Python."""

from __future__ import annotations

import pytest

from ratified import ModelError
from ratified.diagram.explorer.walk import Walker
from ratified.language.query import LONGEST, Answers, condition, expressions, read_by
from ratified.models.raft.raft import Raft

RAFT = Raft(Server=2, Value=1)
STATE = Walker(RAFT).state((0, 2))  # a server has timed out


@pytest.mark.parametrize(
    ("text", "value", "reads"),
    [
        ("role[s1] == CANDIDATE", True, {"role"}),
        ("self.role[s2] == Role.CANDIDATE", False, {"role"}),
        ("term[s1]", 2, {"current_term"}),
        ("sum(current_term[i] for i in Server)", 3, {"current_term"}),
        ("is_quorum(s1, votes_granted[s1])", False, {"votes_granted"}),
        ("any(isinstance(m, RequestVote) and m.term == 2 for m in messages)", False, {"messages"}),
        ("voted_for[s1] is None", True, {"voted_for"}),
        ("max_term", 2, set()),
        ("len(log[s1]) < max_log", True, {"log"}),
    ],
)
def test_answers(text: str, value: object, reads: set[str]) -> None:
    query = expressions(RAFT, text)
    assert Answers(RAFT, query)(STATE) == (value,)
    assert read_by(query) == reads


def test_several_at_once() -> None:
    query = expressions(RAFT, "role[s1], term")
    assert [text for text, _ in query.parts] == ["role[s1]", "term"]
    assert query.text == "role[s1], term"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('true')", "`__import__` is not part of the modelling language"),
        ("open('/etc/passwd')", "`open` is not part of the modelling language"),
        ("().__class__.__bases__", "tuple is not part of the modelling language"),
        ("self.__class__ == 1", "the model has no variable `__class__`"),
        ("(lambda: True)()", "only named functions and methods can be called"),
        ("[x for x in (1).__class__.mro()] == []", "int has no field `__class__`"),
        ("f'{role}' == ''", "an f-string is not part of the modelling language"),
        ("(x := 3) == 3", "an assignment expression (:=) is not part of the modelling language"),
        ("role = 1", "this is not an expression: invalid syntax"),
        ("import os", "this is not an expression: invalid syntax"),
        ("role[s1] ==", "this is not an expression: invalid syntax"),
        ("", "there is no expression"),
        ("(" * 500 + "1" + ")" * 500, "not an expression"),
        ("1 == " + "-" * 1900 + "1", "nested too deeply"),
        ("x" * (LONGEST + 1), "the expression has 2,001 characters"),
        ("nobody", "the model has no variable `nobody`"),
        ("s3 == s1", "the model has no variable `s3`"),
        ("role", "a condition must be a bool, and this is Map[Server, Role]"),
        ("become_leader(s1)", "`become_leader` returns nothing"),
        ("\x00", "not an expression"),
    ],
)
def test_what_is_no_condition_on_states(text: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        condition(RAFT, text)
    assert message in str(caught.value)


def test_the_message_points_at_the_place() -> None:
    with pytest.raises(ModelError) as caught:
        condition(RAFT, "role[s1] == CANDIDATE and trem[s1] == 2")
    assert str(caught.value).splitlines()[:3] == [
        "<expression>:1:27: the model has no variable `trem`",
        "    1 | role[s1] == CANDIDATE and trem[s1] == 2",
        "      |                           ^^^^",
    ]
    assert "its variables: current_term, voted_for" in str(caught.value)
