"""`ratified check` of many: one report, and the worst status."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ratified.cli import exploring
from ratified.explore import check
from tests.gate.folders import BROKEN, CONFIGURED, LOCK, said, squeezed, write

Capture = pytest.CaptureFixture[str]

SEVERAL = """\
[[tool.ratified.models]]
model = "lock.py:Lock"
sizes = [{ Client = 2 }, { Client = 3 }]

[[tool.ratified.models]]
model = "leased.py:LeasedLock"
sizes = { Client = 2 }
expect = "violated:mutual_exclusion"
"""

LEASED = """\
from lock import Lock
from ratified import action

class LeasedLock(Lock):
    @action
    def expire(self) -> None:
        self.granted = None
"""


def test_what_is_configured_is_checked_in_one_report(folder: Path, capsys: Capture) -> None:
    write(folder, toml=SEVERAL, leased=LEASED)
    status, out, err = said(capsys, "check", "--no-cache")
    assert (status, squeezed(out), err) == (
        0,
        "HOLDS pyproject.toml: 3 of 3 are as expected\n"
        "\n"
        "checked states time\n"
        "Lock[Client=2] holds 3 T s\n"
        "Lock[Client=3] holds 4 T s\n"
        "LeasedLock[Client=2] violated: mutual_exclusion, 3 steps, as expected 7 T s\n",
        "",
    )


def test_from_a_folder_below_too(folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    status, out, _ = said(capsys, "check", "-q")
    assert (status, out) == (0, f"HOLDS  {folder / 'pyproject.toml'}: 1 of 1 is as expected\n")


def test_without_a_configuration_there_is_nothing_to_check(folder: Path, capsys: Capture) -> None:
    (folder / "pyproject.toml").unlink()
    status, out, err = said(capsys, "check")
    assert (status, out) == (2, "")
    assert err.startswith("Error: there is nothing to check: no model is named, and no pyproject.toml here")


def test_settings_follow_the_model_that_they_are_of(folder: Path, capsys: Capture) -> None:
    write(folder, leased=LEASED)
    status, out, _ = said(capsys, "check", "lock.py", "Client=4", "leased.py:LeasedLock", "Client=2")
    assert status == 1
    assert squeezed(out).splitlines()[:5] == [
        "VIOLATED 2 models: 1 of 2 is as expected",
        "",
        "checked states time",
        "lock.py[Client=4] holds 5 T s",
        "leased.py:LeasedLock[Client=2] VIOLATED: mutual_exclusion, 3 steps 7 T s",
    ]
    assert "leased.py:LeasedLock[Client=2]: mutual_exclusion fails after 3 steps" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Client=2"], "'Client=2' comes before any model; write MODEL Client=2."),
        (
            ["lock.py", "Client"],
            "'Client' is neither a model nor a setting; write Sort=3 or parameter=value.",
        ),
        (["lock.py", "Client=2", "Client=3"], "Client is given twice: 2 and 3."),
        (
            ["lock.py", "Client=2", "lock.py", "Client=2"],
            "lock.py[Client=2] is named twice\n  name it once, or at two sizes",
        ),
        (
            ["lock.py", "lock.py:Lock", "--expect", "holds"],
            "--expect needs a single model, named on the command line.",
        ),
        (["--diagram", "x.svg"], "--diagram needs a single model, named on the command line."),
        (["--size", "small"], "--size needs a single model, named on the command line."),
        (["--deadlock"], "--deadlock needs a single model, named on the command line."),
    ],
)
def test_what_cannot_be_asked_of_many(
    arguments: list[str], message: str, folder: Path, capsys: Capture
) -> None:
    status, out, err = said(capsys, "check", *arguments)
    assert (status, out) == (2, "")
    assert err.endswith(f"Error: {message}\n")


GONE = '[[tool.ratified.models]]\nmodel = "lok.py:Lock"\nname = "gone"\n'
VIOLATED = '[[tool.ratified.models]]\nmodel = "broken.py:Lock"\nname = "broken"\nsizes = { Client = 2 }\n'
CUT = CONFIGURED.replace("sizes", 'name = "cut"\nlimits = { states = 2 }\nsizes')


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([CONFIGURED], 0),
        ([CONFIGURED, CUT], 3),
        ([CONFIGURED, CUT, VIOLATED], 1),
        ([CONFIGURED, CUT, VIOLATED, GONE], 2),
        ([CONFIGURED, GONE], 2),
    ],
)
def test_the_status_is_the_worst(parts: list[str], status: int, folder: Path, capsys: Capture) -> None:
    write(folder, toml="".join(parts), broken=BROKEN)
    assert said(capsys, "check", "-q")[0] == status


def test_what_is_refused_does_not_hide_the_others(folder: Path, capsys: Capture) -> None:
    write(folder, toml=GONE + VIOLATED + CONFIGURED, broken=BROKEN)
    status, out, err = said(capsys, "check")
    assert (status, err) == (2, "")
    assert squeezed(out).startswith(
        "ERROR pyproject.toml: 1 of 3 is as expected, 1 refused\n"
        "\n"
        "checked states time\n"
        "broken[Client=2] VIOLATED: mutual_exclusion, 2 steps 5 T s\n"
        "Lock[Client=2] holds 3 T s\n"
        "gone REFUSED\n"
    )
    assert (
        "REFUSED  gone\n"
        "pyproject.toml:2:9: lok.py: there is no such file\n"
        '    2 | model = "lok.py:Lock"\n'
        "      |         ^^^^^^^^^^^^^\n"
        "  . has broken.py, lock.py\n"
    ) in out
    assert "VIOLATED  broken[Client=2]: mutual_exclusion fails after 2 steps\n" in out
    report = json.loads(said(capsys, "check", "--format", "json")[1])
    assert [c["name"] for c in report["checks"]] == ["broken[Client=2]", "Lock[Client=2]"]
    assert [r["name"] for r in report["refused"]] == ["gone"]
    suites = ET.fromstring(said(capsys, "check", "--format", "junit")[1])
    assert [(s.get("name"), s.get("errors")) for s in suites] == [
        ("broken[Client=2]", "0"),
        ("Lock[Client=2]", "0"),
        ("gone", "1"),
    ]


SIZES = {
    "sizes = { Client = 0 }": (
        "pyproject.toml:3:9: the size of Client must be at least 1, not 0\n"
        "    3 | sizes = { Client = 0 }\n"
        "      |         ^^^^^^^^^^^^^^\n"
        "  write Client=1 or more\n"
    ),
    "sizes = { Clent = 2 }": (
        "pyproject.toml:3:9: Lock has no sort or parameter 'Clent'\n"
        "    3 | sizes = { Clent = 2 }\n"
        "      |         ^^^^^^^^^^^^^\n"
        "  it has: Client\n"
    ),
    'sizes = "huge"': (
        "pyproject.toml:3:9: Lock has no size 'huge'\n"
        '    3 | sizes = "huge"\n'
        "      |         ^^^^^^\n"
        "  it names no sizes; give each sort its own: Sort=3\n"
    ),
    'sizes = { Client = 2 }\nclaims = ["exclusion"]': (
        "pyproject.toml:4:10: Lock has no claim 'exclusion'\n"
        '    4 | claims = ["exclusion"]\n'
        "      |          ^^^^^^^^^^^^^\n"
        "  its claims: mutual_exclusion\n"
    ),
    'sizes = { Client = 2 }\nexpect = "violated:exclusion"': (
        "pyproject.toml:4:10: Lock has no claim 'exclusion'\n"
        '    4 | expect = "violated:exclusion"\n'
        "      |          ^^^^^^^^^^^^^^^^^^^^\n"
        "  its claims: mutual_exclusion\n"
    ),
}


@pytest.mark.parametrize(("setting", "message"), SIZES.items())
def test_what_a_model_cannot_be(setting: str, message: str, folder: Path, capsys: Capture) -> None:
    write(folder, toml=CONFIGURED.replace("sizes = { Client = 2 }", setting))
    status, out, _ = said(capsys, "check")
    assert status == 2
    assert message in out


def test_a_mistake_in_a_model_keeps_its_place_and_says_who_asked(folder: Path, capsys: Capture) -> None:
    write(folder, lock=LOCK.replace("def release(self, c: Client)", "def release(self, c: Clint)"))
    status, out, _ = said(capsys, "check")
    assert status == 2
    assert "\nlock.py:" in out
    assert "  configured at pyproject.toml:2:9\n" in out


def test_a_report_is_written_for_status_2_too(folder: Path, capsys: Capture) -> None:
    report = folder / "report.json"
    report.write_text("yesterday's")
    write(folder, toml=CONFIGURED.replace("sizes", "size"))
    status, out, _ = said(capsys, "check", "--format", "json", "-o", "report.json")
    assert status == 2
    assert out.startswith("ERROR  configuration: 0 of 1 are as expected, 1 refused\n")
    assert json.loads(report.read_text())["exit_status"] == 2


def test_after_ctrl_c_the_others_are_told_by_name(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, toml=SEVERAL, leased=LEASED)

    def interrupted(*given: object, **more: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(exploring, "check", interrupted)
    status, out, _ = said(capsys, "check", "--format", "json")
    report = json.loads(out)
    assert (status, report["verdict"], report["checks"]) == (3, "undecided", [])
    assert [(o["name"], o["kind"], o["verdict"]) for o in report["others"]] == [
        ("Lock[Client=2]", "not-checked", "undecided"),
        ("Lock[Client=3]", "not-checked", "undecided"),
        ("LeasedLock[Client=2]", "not-checked", "undecided"),
    ]


def test_a_run_that_was_interrupted_is_not_allowed_to_be_undecided(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, toml=CONFIGURED + 'undecided = "allow"\n')
    real = check

    def interrupted(*given: object, **more: object) -> object:
        from dataclasses import replace

        from ratified.results.result import Verdict

        return replace(real(*given, **more), verdict=Verdict.UNDECIDED, stopped="interrupted")  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(exploring, "check", interrupted)
    status, out, _ = said(capsys, "check", "--no-cache")
    assert status == 3
    assert "; interrupted; but it was interrupted" in out.replace("\n          ", " ")


UNDECIDED = CUT + 'undecided = "allow"\n'


def test_undecided_may_be_allowed(folder: Path, capsys: Capture) -> None:
    write(folder, toml=UNDECIDED)
    status, out, _ = said(capsys, "check")
    assert status == 0
    assert "cut[Client=2]  undecided, as expected" in out


def test_targets_are_named_from_the_configuration(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "package").mkdir()
    (folder / "package" / "locks.py").write_text(LOCK)
    write(folder, toml=CONFIGURED.replace("lock.py:Lock", "package/locks.py:Lock"))
    monkeypatch.chdir(folder / "package")
    assert said(capsys, "check", "-q")[0] == 0
