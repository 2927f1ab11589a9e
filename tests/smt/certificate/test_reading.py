"""What the checker reads as SMT-LIB 2.6 it understands as SMT-LIB does; what it does not understand it refuses, with its line."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ratified.certified import CertificateRejected, Flattening, Script, Terms, check

HEAD = "(declare-sort S 0)\n(declare-fun p (S) Bool)\n(declare-fun c () S)\n(declare-fun d () S)\n(declare-fun b () Bool)\n"


def read(*assertions: str, head: str = HEAD) -> Script:
    return Script(head + "".join(f"(assert {a})\n" for a in assertions) + "(check-sat)\n", Terms())


def clauses(assertion: str, head: str = HEAD) -> list[str]:
    """The clauses of an assertion, with variables as ?1, ?2, ..."""
    script = read(assertion, head=head)
    terms = script.terms

    def term(t: int) -> str:
        symbol, parts = terms.heads[t], terms.parts[t]
        name = f"?{symbol.name}" if symbol.owner == -2 else symbol.name
        return f"({' '.join([name, *map(term, parts)])})" if parts else name

    flat = Flattening(terms, script.assertions[0])
    return [" | ".join(term(x) if x > 0 else f"-{term(-x)}" for x in c) for c in flat.clauses]


MALFORMED = {
    "(assert (p c)\n": "line 7: the script ends before (check-sat), or in a command",
    "(assert (p c)))\n(check-sat)": "line 6: ) stands where a command should",
    "(assert (p #))\n(check-sat)": "line 6: '#' begins no token",
    "(assert (p é))\n(check-sat)": "line 6: 'é' begins no token",
    "(assert b\0)\n(check-sat)": "line 6: '\\x00' begins no token",
    "\ufeff(assert b)\n(check-sat)": "line 6: '\\ufeff' begins no token",
    "; a comment ends with the line\r(pop 1)\n(check-sat)": "line 6: the command is not understood",
    "(declare-fun |c| () S)(check-sat)": "line 6: c is declared twice",
    "(assert (= 1" + "0" * 1_000 + " 1))(check-sat)": f"line 6: 1{'0' * 1_000} does not take these",
    "(declare-fun @0.S () S)(check-sat)": "line 6: a name is expected that can be given",
    "(assert |p)\n(check-sat)": "line 6: '|' begins no token",
    '(assert "p)\n(check-sat)': "line 6: '\"' begins no token",
    "assert\n(check-sat)": "line 6: assert stands where a command should",
    "(assert (p c))\n": "line 7: the script ends before (check-sat), or in a command",
    "(check-sat)\n(assert (p c))": "line 7: something is said after (check-sat)",
    "(check-sat)\n(check-sat)": "line 7: something is said after (check-sat)",
    "\n\n(pop 1)(check-sat)": "line 8: the command is not understood",
    "()(check-sat)": "line 6: the command is not understood",
    "(assert)(check-sat)": "line 6: the command is not understood",
    "(assert (p c) (p d))(check-sat)": "line 6: the command is not understood",
    "(define-fun q () Bool true)(check-sat)": "line 6: the command is not understood",
    "(declare-sort S 0)(check-sat)": "line 6: S is declared twice",
    "(declare-sort T 1)(check-sat)": "line 6: the command is not understood",
    "(declare-fun c () S)(check-sat)": "line 6: c is declared twice",
    "(declare-fun q (T) Bool)(check-sat)": "line 6: a sort is expected, as declared",
    "(declare-fun and () Bool)(check-sat)": "line 6: a name is expected that can be given",
    "(declare-fun |let| () Bool)(declare-fun let () Bool)(check-sat)": "line 6: a name is expected that can be given",
    "(declare-fun @1 () S)(check-sat)": "line 6: a name is expected that can be given",
    "(declare-fun .x () S)(check-sat)": "line 6: a name is expected that can be given",
    "(declare-fun 7 () S)(check-sat)": "line 6: a name is expected that can be given",
    "(declare-sort Int 0)(check-sat)": "line 6: a name is expected that can be given",
    "(assert c)(check-sat)": "line 6: and does not take these",
    "(assert (p b))(check-sat)": "line 6: p is not for terms of these sorts",
    "(assert (p c d))(check-sat)": "line 6: p is not for terms of these sorts",
    "(assert (= c b))(check-sat)": "line 6: = does not take these",
    "(assert (= c))(check-sat)": "line 6: = does not take these",
    "(assert (and))(check-sat)": "line 6: a term is not understood",
    "(assert (q c))(check-sat)": "line 6: q does not take these",
    "(assert e)(check-sat)": "line 6: e does not take these",
    "(assert (ite b c b))(check-sat)": "line 6: ite does not take these",
    "(assert (< 1 c))(check-sat)": "line 6: < does not take these",
    "(assert (= 01 1))(check-sat)": "line 6: 01 does not take these",
    "(assert ((p) c))(check-sat)": "line 6: a term is not understood",
    "(assert (! b :named x))(check-sat)": "line 6: :named does not take these",
    "(assert (forall () b))(check-sat)": "line 6: a term is not understood",
    "(assert (forall ((x S) (x S)) b))(check-sat)": "line 6: a binder names nothing twice",
    "(assert (forall ((x T)) b))(check-sat)": "line 6: a sort is expected, as declared",
    "(assert (forall (x) b))(check-sat)": "line 6: a binder has pairs",
    "(assert (forall ((true Bool)) true))(check-sat)": "line 6: a name is expected that can be given",
    "(assert (forall ((p S)) (p c)))(check-sat)": "line 6: a term is not understood",
    "(assert (let ((x c) (x d)) b))(check-sat)": "line 6: a binder names nothing twice",
    "(assert (let ((x c) (y x)) b))(check-sat)": "line 6: x does not take these",
}


@pytest.mark.parametrize("rest", MALFORMED)
def test_what_is_malformed_is_refused_with_its_line(rest: str) -> None:
    with pytest.raises(CertificateRejected) as refused:
        Script(HEAD + rest, Terms())
    assert str(refused.value) == MALFORMED[rest]


def test_what_is_nested_too_deeply_is_refused_and_leaves_the_terms_usable() -> None:
    terms = Terms()
    for nested in ("(not " * 5_000 + "b" + ")" * 5_000, "(let ((x c)) " * 5_000 + "b" + ")" * 5_000):
        with pytest.raises(CertificateRejected, match=r"^line 6: maximum recursion depth exceeded"):
            Script(f"{HEAD}(assert {nested})\n(check-sat)\n", terms)
    check(Script(f"{HEAD}(assert (and b (not b)))\n(check-sat)\n", terms), "i 1.1\ni 1.2\nu : 1 2\n")


def test_what_grows_too_large_when_it_is_flattened_is_refused() -> None:
    formula = "b"
    for _ in range(20):
        formula = f"(= {formula} b)"
    with pytest.raises(
        CertificateRejected, match=r"^line 1: an assertion is too large when it is flattened$"
    ):
        check(read(formula), "i 1.1\n")


CLAUSES = {
    "(=> b (p c) (p d))": ["-b | -(p c) | (p d)"],
    "(= b (p c))": ["-b | (p c)", "b | -(p c)"],
    "(xor b (p c))": ["@1 | @2", "-@1 | b", "-@1 | -(p c)", "-@2 | -b", "-@2 | (p c)"],
    "(distinct c d)": ["-(= c d)"],
    "(ite b (p c) (p d))": ["-b | (p c)", "b | (p d)"],
    "(p (ite b c d))": ["-b | (p c)", "b | (p d)"],
    "(not (and b (p c)))": ["-b | -(p c)"],
    "false": [""],
    "true": [],
    "(or b true)": [],
    "(let ((c d) (d c)) (and (p c) (not (p d))))": ["(p d)", "-(p c)"],
    "(forall ((c S)) (p c))": ["(p ?1)"],
    "(forall ((x S)) (and (p x) (forall ((x S)) (not (p x)))))": ["(p ?1)", "-(p ?2)"],
    "(exists ((x S)) (p x))": ["(p @1)"],
    "(forall ((x S)) (exists ((y S)) (not (= x y))))": ["-(= ?1 (@1 ?1))"],
    "(exists ((x S)) (forall ((y S)) (= x y)))": ["(= ?2 @1)"],
    "(forall ((x S) (y S)) (or (p y) (exists ((z S)) (= z x))))": ["(p ?2) | (= ?1 (@1 ?1))"],
    "(or b (forall ((x S)) (p x)))": ["b | (p ?1)"],
    "(or (and b (p c)) (and (p d) (forall ((x S)) (p x))))": [
        "@1 | @2",
        "-@1 | b",
        "-@1 | (p c)",
        "-@2 | (p d)",
        "-@2 | (p ?1)",
    ],
    "(forall ((x S)) (or (and (p x) b) (and (p c) (p d))))": [
        "(@1 ?1) | @2",
        "-(@1 ?1) | (p ?1)",
        "-(@1 ?1) | b",
        "-@2 | (p c)",
        "-@2 | (p d)",
    ],
}


@pytest.mark.parametrize("assertion", CLAUSES)
def test_a_formula_is_flattened_to_clauses(assertion: str) -> None:
    assert clauses(assertion) == CLAUSES[assertion]


def test_a_formula_among_the_arguments_of_a_function_is_taken_out() -> None:
    head = HEAD + "(declare-fun f (Bool) S)\n"
    assert clauses("(p (f (p c)))", head) == ["-(p c) | (p (f true))", "(p c) | (p (f false))"]
    assert clauses("(forall ((v Bool)) (p (f v)))", head) == ["(p (f ?1))"]


def test_comparisons_are_all_of_one_kind() -> None:
    head = "(declare-fun i () Int)\n(declare-fun j () Int)\n"
    assert clauses("(< i j 7)", head) == ["-(<= j i)", "-(<= 7 j)"]
    assert clauses("(>= i j)", head) == ["(<= j i)"]
    assert clauses("(> i j)", head) == ["-(<= i j)"]


def test_names_that_look_like_new_functions_are_other_names() -> None:
    head = "(declare-sort S 0)\n(declare-fun |@1| () S)\n(declare-fun p (S) Bool)\n"
    script = read("(exists ((x S)) (p x))", "(not (p |@1|))", head=head)
    with pytest.raises(CertificateRejected, match=r"^line 5: the line does not hold"):
        check(script, "t |@1|\nt p 1\ni 1.1\ni 2.1\nu : 1 2\n")
    with pytest.raises(CertificateRejected, match=r"^line 5: the line does not hold"):
        check(script, "t @1.1\nt p 1\ni 1.1\ni 2.1\nu : 1 2\n")


def test_a_line_that_was_read_before_is_read_again_where_its_names_mean_something_else() -> None:
    terms = Terms()
    one = "(declare-sort S 0)\n(declare-fun q () Bool)\n(assert q)\n(check-sat)\n"
    Script(one, terms)
    with pytest.raises(CertificateRejected, match=r"^line 3: and does not take these$"):
        Script(one.replace("q () Bool", "q () S"), terms)
    with pytest.raises(CertificateRejected, match=r"^line 3: q does not take these$"):
        Script(one.replace("(declare-fun q () Bool)", "; no q"), terms)
    with pytest.raises(CertificateRejected, match=r"^line 5: something is said after \(check-sat\)$"):
        Script(f"{one}(assert q)\n", terms)


def test_a_line_that_was_read_before_declares_no_name_twice_and_is_read_to_its_end() -> None:
    terms = Terms()
    one = "(declare-sort S 0)\n(declare-fun q () Bool)\n(assert q)\n(check-sat)\n"
    assert Script(one, terms).assertions == Script(one, terms).assertions
    with pytest.raises(CertificateRejected, match=r"^line 3: q is declared twice$"):
        Script(one.replace("(assert q)", "(declare-fun q () Bool)"), terms)
    with pytest.raises(CertificateRejected, match=r"^line 2: S is declared twice$"):
        Script(f"(declare-sort S 0)\n{one}", terms)
    with pytest.raises(CertificateRejected, match=r"^line 3: x stands where a command should$"):
        Script(one.replace("(assert q)", "(assert q)x"), terms)
    with pytest.raises(
        CertificateRejected, match=r"^line 3: the script ends before \(check-sat\), or in a command$"
    ):
        Script("(declare-sort S 0)\n(declare-fun q () Bool)\n(assert q)x"[:-1], terms)


VALID = f"""; a comment, (assert false)
(set-logic UF)
{HEAD}(declare-fun |a b| () S)
(assert (forall ((x S)) (=> (p x) (exists ((y S)) (and (not (= x y)) (p y))))))
(assert (let ((z (ite b c |a b|))) (or (p z) (= c d))))
(check-sat)
"""
PROOF = "t c\nt p 1\nt @1.1 1\nt = 1 3\ni 1.1 1\ni 1.2 1\ne -4 4\nu -2 -4 : 1\nu : 1 2 3\n"
PIECES = st.sampled_from(
    [
        *'()|;"\\#!:@.-\n\t 0é',
        "(assert ",
        "forall",
        "let",
        "((x S))",
        "x",
        "true",
        "p",
        "c",
        "@1.1",
        "i ",
        "u ",
        "e ",
        "-1 ",
    ]
)


@st.composite
def changed(draw: st.DrawFn, text: str) -> str:
    """A text with pieces of it taken out, put in, or doubled."""
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        new = draw(st.one_of(PIECES, st.text(max_size=3), st.just(text[start:end] * 2)))
        text = text[:start] + new + text[end:]
    return text


@settings(max_examples=300, deadline=None)
@given(changed(VALID))
@example("")
@example("(")
@example("(assert |\n|)(check-sat)")
def test_any_text_is_a_script_or_refused(text: str) -> None:
    try:
        script = Script(text, Terms())
        for formula in script.assertions:
            Flattening(script.terms, formula)
    except CertificateRejected:
        return


@settings(max_examples=300, deadline=None)
@given(changed(PROOF))
@example("")
@example("\n")
@example("t\n")
@example("i .\n")
@example("u :\n")
@example("i 9999999999.1\n")
@example("|\n")
def test_any_text_is_refused_as_a_certificate_of_what_has_a_model(text: str) -> None:
    with pytest.raises(CertificateRejected, match=r"^line [0-9]+: "):
        check(Script(VALID, Terms()), text)
