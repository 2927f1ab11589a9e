"""What is configured is read as it is meant; what cannot be meant is one message with its place, and status 2."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ratified.cli.gate.configuration import Configuration, read
from ratified.cli.gate.finding import find
from ratified.cli.gate.places import places
from ratified.language.errors import Span
from tests.gate.folders import CONFIGURED, said, write

Capture = pytest.CaptureFixture[str]

EVERYTHING = """\
[tool.ratified]
cache = "verdicts"
undecided = "allow"
limits = { seconds = 60, memory = "2G" }

[[tool.ratified.models]]
model = "lock.py:Lock"
sizes = [{ Client = 2 }, "small"]
parameters = { strict = true }
engine = "native"
symmetry = false
deadlock = true
limits = { states = 1_000, seconds = 2.5 }
claims = ["mutual_exclusion"]
undecided = "fail"

[[tool.ratified.models]]
model = "lock.py:Leased"
name = "leases"
expect = "violated:mutual_exclusion"
states = 13
depth = 4

[[tool.ratified.proofs]]
model = "proof.py:Proof"
goals = ["mutual_exclusion"]
solver = "cvc5"
cross_check = true
timeout = 5
seconds = 100

[[tool.ratified.conformance]]
driver = "drive.py:Locks"
sizes = { Client = 2 }
seconds = 3
seed = 7
"""


def configured(folder: Path, text: str) -> Configuration:
    write(folder, toml=text)
    file = find(folder)
    assert file is not None
    found = read(file)
    assert found is not None
    return found


def test_everything_that_can_be_said(folder: Path) -> None:
    found = configured(folder, EVERYTHING)
    two, small, leased = found.models
    assert (found.cache, found.limits.seconds, found.limits.memory) == (folder / "verdicts", 60, 2 * 2**30)
    assert [m.label for m in found.models] == [
        "Lock[Client=2,strict=true]",
        "Lock[small,strict=true]",
        "leases",
    ]
    assert (two.size, dict(two.settings)) == (None, {"Client": 2, "strict": True})
    assert (small.size, dict(small.settings)) == ("small", {"strict": True})
    assert (two.engine, two.symmetry, two.deadlock, two.claims) == (
        "native",
        False,
        True,
        ("mutual_exclusion",),
    )
    assert (two.limits.seconds, two.limits.states, two.limits.memory) == (2.5, 1_000, 2 * 2**30)
    assert not two.expect.undecided_allowed
    assert (leased.expect.verdict.value, leased.expect.claim) == ("violated", "mutual_exclusion")
    assert (leased.expect.states, leased.expect.depth, leased.deadlock) == (13, 4, None)
    (proof,) = found.proofs
    assert (proof.label, proof.goals, proof.solver) == ("Proof[proof]", ("mutual_exclusion",), "cvc5")
    assert (proof.cross_check, proof.timeout, proof.seconds, proof.undecided_allowed) == (True, 5, 100, True)
    (conformance,) = found.conformance
    assert (conformance.label, dict(conformance.settings)) == ("Locks[conformance]", {"Client": 2})
    assert (conformance.seconds, conformance.seed) == (3, 7)


def test_ratified_toml_says_the_same_without_a_prefix(folder: Path) -> None:
    expected = configured(folder, EVERYTHING)
    (folder / "pyproject.toml").unlink()
    text = EVERYTHING.replace("[tool.ratified]\n", "").replace("tool.ratified.", "")
    (folder / "ratified.toml").write_text(text)
    found = read(folder / "ratified.toml")
    assert found is not None
    assert [e.label for e in found.entries] == [e.label for e in expected.entries]
    assert (found.limits, found.cache) == (expected.limits, expected.cache)


def test_the_nearest_configuration_above_is_meant(folder: Path) -> None:
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    (folder / "a" / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert find(inner) == folder / "pyproject.toml"


WRONG = {
    'model = "lock.py:Lock"\nsize = { Client = 2 }\n': (
        "pyproject.toml:3:1: there is no key 'size' here\n"
        "    3 | size = { Client = 2 }\n"
        "      | ^^^^\n"
        "  did you mean sizes?"
    ),
    'model = "lock.py:Lock"\nquickly = true\n': (
        "pyproject.toml:3:1: there is no key 'quickly' here\n"
        "    3 | quickly = true\n"
        "      | ^^^^^^^\n"
        "  the keys here are model, name, sizes, parameters, engine, symmetry, reduction, deadlock, limits, claims, "
        "expect, states, depth, undecided"
    ),
    "sizes = { Client = 2 }\n": (
        "pyproject.toml:1:17: model is missing: it says what to check\n"
        "    1 | [[tool.ratified.models]]\n"
        "      |                 ^^^^^^\n"
        '  write model = "path.py:Class"'
    ),
    'model = "lock.py:Lock"\nsizes = []\n': (
        "pyproject.toml:3:9: sizes is empty, so nothing would be checked\n"
        "    3 | sizes = []\n"
        "      |         ^^\n"
        "  leave sizes out for the standard size"
    ),
    'model = "lock.py:Lock"\nsizes = [{ Client = 2 }, 3]\n': (
        "pyproject.toml:3:26: a size is a table such as { Client = 3 }, or a name, not 3\n"
        "    3 | sizes = [{ Client = 2 }, 3]\n"
        "      |                          ^"
    ),
    'model = "lock.py:Lock"\nsizes = [{ Client = 2 }, { Client = 3 }]\nstates = 3\n': (
        "pyproject.toml:4:10: states is that of one size, and there are 2\n"
        "    4 | states = 3\n"
        "      |          ^\n"
        "  write an entry for each size"
    ),
    'model = "lock.py:Lock"\nsizes = { Client = 2.5 }\n': (
        "pyproject.toml:3:20: Client = 2.5 is no size and no parameter\n"
        "    3 | sizes = { Client = 2.5 }\n"
        "      |                    ^^^"
    ),
    'model = "lock.py:Lock"\nclaims = []\n': (
        "pyproject.toml:3:10: claims is empty, so nothing would be checked\n"
        "    3 | claims = []\n"
        "      |          ^^\n"
        "  leave claims out for all of them"
    ),
    'model = "lock.py:Lock"\nexpect = "hold"\n': (
        "pyproject.toml:3:10: 'hold' is not holds, violated, violated:CLAIM or undecided\n"
        '    3 | expect = "hold"\n'
        "      |          ^^^^^^\n"
        "  did you mean holds?"
    ),
    'model = "lock.py:Lock"\nexpect = "violated"\nundecided = "allow"\n': (
        "pyproject.toml:4:13: a verdict that is expected to be violated cannot be undecided as well\n"
        '    4 | undecided = "allow"\n'
        "      |             ^^^^^^^"
    ),
    'model = "lock.py:Lock"\nengine = "nativ"\n': (
        "pyproject.toml:3:10: engine is one of auto, reference, native, not 'nativ'\n"
        '    3 | engine = "nativ"\n'
        "      |          ^^^^^^^\n"
        "  did you mean native?"
    ),
    'model = "lock.py:Lock"\ndeadlock = 1\n': (
        "pyproject.toml:3:12: deadlock must be true or false, not 1\n"
        "    3 | deadlock = 1\n"
        "      |            ^"
    ),
    'model = "lock.py:Lock"\nstates = true\n': (
        "pyproject.toml:3:10: states must be a whole number from 0 on, not true\n"
        "    3 | states = true\n"
        "      |          ^^^^"
    ),
    'model = "lock.py:Lock"\nlimits = { seconds = nan }\n': (
        "pyproject.toml:3:22: seconds must be a number of seconds, not nan\n"
        "    3 | limits = { seconds = nan }\n"
        "      |                      ^^^"
    ),
    'model = "lock.py:Lock"\nlimits = { memory = "lots" }\n': (
        "pyproject.toml:3:21: 'lots' is not an amount of memory\n"
        '    3 | limits = { memory = "lots" }\n'
        "      |                     ^^^^^^\n"
        "  write 512M or 2G"
    ),
    f'model = "lock.py:Lock"\nsizes = {{ Client = 2 }}\n\n{CONFIGURED}': (
        "pyproject.toml:6:9: there are two entries Lock[Client=2]; the other is at pyproject.toml:2:9\n"
        '    6 | model = "lock.py:Lock"\n'
        "      |         ^^^^^^^^^^^^^^\n"
        '  remove one, or tell them apart: name = "..."'
    ),
    'model = "lock.py:Lock\n': (
        "pyproject.toml:2:22: this is not valid TOML: Illegal character '\\n'\n"
        '    2 | model = "lock.py:Lock\n'
        "      |                      ^"
    ),
}


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_what_cannot_be_meant(text: str, message: str, folder: Path, capsys: Capture) -> None:
    write(folder, toml=f"[[tool.ratified.models]]\n{text}")
    assert said(capsys, "check") == (2, "", f"Error: {message}\n")


WRONG_AS_A_WHOLE = {
    '[tool.ratified]\nmodels = ["lock.py:Lock"]\n': (
        "pyproject.toml:2:11: this must be a table\n"
        '    2 | models = ["lock.py:Lock"]\n'
        "      |           ^^^^^^^^^^^^^^"
    ),
    "[tool.ratified]\nmodels = []\n": (
        "pyproject.toml:2:10: models lists nothing, so nothing would be checked\n"
        "    2 | models = []\n"
        "      |          ^^\n"
        "  leave models out"
    ),
    '[tool.ratified.models]\nmodel = "lock.py:Lock"\n': (
        "pyproject.toml:1:16: models is a list of tables\n"
        "    1 | [tool.ratified.models]\n"
        "      |                ^^^^^^\n"
        "  write [[tool.ratified.models]] in two brackets"
    ),
    '[[tool.ratified.model]]\nmodel = "lock.py:Lock"\n': (
        "pyproject.toml:1:17: there is no key 'model' here\n"
        "    1 | [[tool.ratified.model]]\n"
        "      |                 ^^^^^\n"
        "  did you mean models?"
    ),
    '[[tool.ratifed.models]]\nmodel = "lock.py:Lock"\n': (
        "pyproject.toml:1:8: there is no tool 'ratifed'\n"
        "    1 | [[tool.ratifed.models]]\n"
        "      |        ^^^^^^^\n"
        "  did you mean ratified?"
    ),
    "[tool.ratified]\n": (
        "pyproject.toml configures nothing to check\n  list models there: [[tool.ratified.models]]"
    ),
}


@pytest.mark.parametrize(("text", "message"), WRONG_AS_A_WHOLE.items())
def test_a_table_that_cannot_be_meant(text: str, message: str, folder: Path, capsys: Capture) -> None:
    write(folder, toml=text)
    assert said(capsys, "check") == (2, "", f"Error: {message}\n")


def test_two_configurations_of_one_folder(folder: Path, capsys: Capture) -> None:
    (folder / "ratified.toml").write_text('[[models]]\nmodel = "lock.py"\n')
    assert said(capsys, "check") == (
        2,
        "",
        "Error: ratified.toml and pyproject.toml both configure Ratified\n  keep one of the two\n",
    )


def test_reports_for_programs_say_so_as_well(folder: Path, capsys: Capture) -> None:
    write(folder, toml=CONFIGURED.replace("sizes", "size"))
    says = "pyproject.toml:3:1: there is no key 'size' here"
    status, out, err = said(capsys, "check", "--format", "json")
    report = json.loads(out)
    assert (status, err, report["exit_status"], report["verdict"]) == (2, "", 2, "undecided")
    assert report["refused"][0]["message"].startswith(says)
    assert report["refused"][0]["place"]["line"] == 3
    (case,) = ET.fromstring(said(capsys, "check", "--format", "junit")[1]).iter("testcase")
    assert (case.get("name"), case[0].tag, case[0].get("message")) == ("refused", "error", says)
    (run,) = json.loads(said(capsys, "check", "--format", "sarif")[1])["runs"]
    (found,) = run["results"]
    assert (found["ruleId"], found["level"]) == ("refused", "error")
    assert found["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "pyproject.toml"}
    out = said(capsys, "check", "--format", "github")[1]
    assert out.startswith("::error file=pyproject.toml,line=3,col=1,title=ratified configuration::")


LOCATED = """\
# a comment with [brackets] and = signs
top = 1
"quoted key" = 'its' # no end
[a.b]
c.d = [ 1, { e = "x,]}", f = [2,
  3] }, ]
[[t]]
x = '''
[no.table]
y = 2
'''
[[t]]
x = \"\"\"a \\\"\"\" b\"\"\"
[t.inner]
z = 1979-05-27 07:32:00
"""


def test_every_key_and_value_has_its_place() -> None:
    text = LOCATED
    found = places(text, "f.toml")

    def paths(value: object, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
        inner: dict[str | int, object] = {}
        if isinstance(value, dict):
            inner = dict(value)
        elif isinstance(value, list):
            inner = dict(enumerate(value))
        return {path}.union(*(paths(v, (*path, k)) for k, v in inner.items())) if inner else {path}

    assert paths(tomllib.loads(text)) <= {(), *found.keys, *found.values}

    def at(span: Span) -> str:
        lines = text.splitlines()
        return lines[span.line - 1][span.column : span.end_column if span.end_line == span.line else None]

    assert at(found.values["top",]) == "1"
    assert at(found.keys["quoted key",]) == '"quoted key"'
    assert at(found.values["a", "b", "c", "d", 1, "e"]) == '"x,]}"'
    assert at(found.values["a", "b", "c", "d", 1, "f", 1]) == "3"
    assert at(found.values["t", 1, "x"]) == '"""a \\""" b"""'
    assert at(found.values["t", 1, "inner", "z"]) == "1979-05-27 07:32:00"
    assert at(found.keys["t", 0, "x"]) == "x"
