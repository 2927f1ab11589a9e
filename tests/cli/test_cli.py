"""The command line: what it asks of the explorer, where its report goes, its exit status and its errors."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import click
import pytest

from ratified.bundled import models, protocols
from ratified.cli import main as cli
from ratified.cli import output, requests
from ratified.cli.commands import RENAMED, SECTIONS
from ratified.cli.exploring import ExploreOptions
from ratified.language.errors import ModelError
from ratified.results.result import Limits, Result, Verdict
from ratified.version import __version__
from tests.cli import samples
from tests.cli.conftest import Asked

Capture = pytest.CaptureFixture[str]
Golden = Callable[[str, str], None]


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    """Run the command line and return its status and what it wrote."""
    status = cli.run(list(arguments))
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize(
    ("verdict", "status"), [(Verdict.HOLDS, 0), (Verdict.VIOLATED, 1), (Verdict.UNDECIDED, 3)]
)
def test_the_exit_status_is_the_verdict(verdict: Verdict, status: int, asked: Asked, capsys: Capture) -> None:
    answers = {
        Verdict.HOLDS: samples.result,
        Verdict.VIOLATED: samples.violated,
        Verdict.UNDECIDED: samples.out_of_states,
    }
    asked.answer = answers[verdict]
    code, out, err = said(capsys, "check", "synod")
    assert (code, out.split()[0], err) == (status, verdict.name, "")


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ([], {"Acceptor": 3, "Ballot": 3}),
        (["--size", "small"], {"Acceptor": 3, "Ballot": 2}),
        (["Acceptor=5"], {"Acceptor": 5, "Ballot": 3}),
        (["--size", "small", "Acceptor=5", "fast=true"], {"Acceptor": 5, "Ballot": 2, "fast": True}),
        (["fast=False"], {"Acceptor": 3, "Ballot": 3, "fast": False}),
        (["fast=none"], {"Acceptor": 3, "Ballot": 3, "fast": None}),
        (["fast=-2"], {"Acceptor": 3, "Ballot": 3, "fast": -2}),
        (["fast=CALM"], {"Acceptor": 3, "Ballot": 3, "fast": "CALM"}),
        (['fast=[["a1", "a2"], []]'], {"Acceptor": 3, "Ballot": 3, "fast": [["a1", "a2"], []]}),
        (["fast={}"], {"Acceptor": 3, "Ballot": 3, "fast": []}),
        (["fast=a=b"], {"Acceptor": 3, "Ballot": 3, "fast": "a=b"}),
    ],
)
def test_a_model_is_made_at_the_size_that_was_asked_for(
    arguments: list[str], given: dict[str, object], asked: Asked, capsys: Capture
) -> None:
    assert said(capsys, "check", "synod", *arguments)[0] == 0
    assert [model.given for model in asked.models] == [given]


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], ExploreOptions()),
        (["--symmetry", "--deadlock", "--engine", "native"], ExploreOptions(Limits(), True, True, "native")),
        (["--no-symmetry"], ExploreOptions()),
        (["--size", "small"], ExploreOptions(symmetry=True)),
        (["--size", "small", "Ballot=3"], ExploreOptions(symmetry=True)),
        (["--size", "small", "--no-symmetry"], ExploreOptions()),
        (["--reduce"], ExploreOptions(reduction=True)),
        (["--size", "small", "--reduce"], ExploreOptions(reduction=True)),
        (["--symmetry", "--reduce"], ExploreOptions(symmetry=True, reduction=True)),
        (["--depth", "7", "--states", "1000"], ExploreOptions(Limits(depth=7, states=1000))),
        (["--seconds", "0.5", "--memory", "2G"], ExploreOptions(Limits(seconds=0.5, memory=2 * 1024**3))),
        (["--memory", "512M"], ExploreOptions(Limits(memory=512 * 1024**2))),
        (["--memory", "1.5 GiB"], ExploreOptions(Limits(memory=3 * 1024**3 // 2))),
        (["--memory", "4096"], ExploreOptions(Limits(memory=4096))),
    ],
)
def test_options_reach_the_explorer(
    arguments: list[str], options: ExploreOptions, asked: Asked, capsys: Capture
) -> None:
    assert said(capsys, "check", "synod", *arguments)[0] == 0
    assert asked.options == [options]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["check", "synod", "Acceptor"],
            "Error: 'Acceptor' is neither a model nor a setting; write Sort=3 or parameter=value.\n",
        ),
        (
            ["check", "synod", "Acceptor="],
            "Error: 'Acceptor=' is not a setting; write Sort=3 or parameter=value.\n",
        ),
        (
            ["check", "synod", "=3"],
            "Error: '=3' is neither a model nor a setting; write Sort=3 or parameter=value.\n",
        ),
        (["check", "synod", "A=1", "A=2"], "Error: A is given twice: 1 and 2.\n"),
        (
            ["check", "synod", "quorums=a1", "quorums=a2"],
            "Error: quorums is given twice: a1 and a2. Quote a set in braces, or the shell expands it.\n",
        ),
        (
            ["check", "synod", "--memory", "lots"],
            "Error: Invalid value for '--memory': 'lots' is not an amount of memory; write 512M or 2G\n",
        ),
        (
            ["check", "synod", "--depth", "0"],
            "Error: Invalid value for '--depth': 0 is not in the range x>=1.\n",
        ),
        (
            ["check", "synod", "--seconds", "nan"],
            "Error: Invalid value for '--seconds': nan is not in the range x>=0.\n",
        ),
        (
            ["conform", "paxos", "--seconds", "nan"],
            "Error: Invalid value for '--seconds': nan is not in the range x>=0.\n",
        ),
        (
            ["check", "synod", "--dump-c", "no/such/folder/synod.c"],
            "Error: no/such/folder/synod.c cannot be written: there is no folder no/such/folder\n",
        ),
        (
            ["check"],
            "Error: there is nothing to check: no model is named, and no pyproject.toml here or above has "
            "[tool.ratified]\n  name a model (`ratified list` shows what is bundled), or begin with "
            "`ratified init` (docs/ci.md)\n",
        ),
        (
            ["check", "synod", "--size", "huge"],
            "Error: Synod has no size 'huge'\n  its sizes: small, standard\n",
        ),
        (
            ["check", "unsized", "--size", "huge"],
            "Error: Unsized has no size 'huge'\n  it names no sizes; give each sort its own: Sort=3\n",
        ),
        (["check", "unsized"], "Error: Unsized needs a size for Acceptor\n  give one: Acceptor=3\n"),
        (
            ["check", "synod", "Learner=2"],
            "Error: Synod has no sort or parameter 'Learner'\n  it has Acceptor, Ballot, fast\n",
        ),
        (
            ["check", "synod", "quorums={a1, {a2, a3}"],
            "Error: quorums of Synod cannot be read: {a1, {a2, a3}, at character 1\n"
            "  sets are written with their members' names, in quotes: quorums='{{a1, a2}, {a2, a3}}'\n",
        ),
        (
            ["check", "synod", "quorums={a1, 2 + 3}"],
            "Error: quorums of Synod cannot be read: {a1, 2 + 3}, at character 6\n"
            "  sets are written with their members' names, in quotes: quorums='{{a1, a2}, {a2, a3}}'\n",
        ),
        (
            ["check", "synod", "fast={a1: 2, a2: 3, a1: 4}"],
            "Error: fast of Synod cannot be read: {a1: 2, a2: 3, a1: 4}, at character 16\n"
            "  sets are written with their members' names, in quotes: fast='{{a1, a2}, {a2, a3}}'\n",
        ),
        (
            ["verify", "paxos", "--size", "huge"],
            "Error: no model of paxos has a size 'huge'\n  their sizes: small, standard\n",
        ),
        (
            ["check", "synod", "-o", "no/such/folder/report.json"],
            "Error: no/such/folder/report.json cannot be written: there is no folder no/such/folder\n",
        ),
    ],
)
def test_a_mistake_is_one_message_and_status_2(
    arguments: list[str], message: str, asked: Asked, capsys: Capture
) -> None:
    status, out, err = said(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.endswith(message)
    assert "Traceback" not in err
    assert asked.models == []


UNBOUND = """\
Error: model.py:4:21: the map has no key b9
    4 |         self.next = b + 1
      |                     ^^^^^
  test for it first
"""


def test_a_step_that_goes_wrong_is_told_with_its_place(asked: Asked, capsys: Capture) -> None:
    def answer() -> Result:
        raise ModelError("the map has no key b9", span=samples.span(4, 20, 25), remedy="test for it first")

    asked.answer = answer
    assert said(capsys, "check", "synod") == (2, "", UNBOUND)


def test_the_run_to_a_step_that_goes_wrong_comes_first(asked: Asked, capsys: Capture, golden: Golden) -> None:
    def answer() -> Result:
        error = ModelError("the map has no key b9", span=samples.span(4, 20, 25), remedy="test for it first")
        error.trace = samples.trace()  # type: ignore[attr-defined]  # as the explorer's errors have it
        raise error

    asked.answer = answer
    status, out, err = said(capsys, "check", "synod")
    assert (status, out) == (2, "")
    assert err.endswith("\n\n" + UNBOUND)
    golden("step_goes_wrong.txt", err)


def test_an_interruption_that_nobody_caught_is_130(asked: Asked, capsys: Capture) -> None:
    def answer() -> Result:
        raise KeyboardInterrupt

    asked.answer = answer
    assert said(capsys, "check", "synod") == (130, "", "\n")  # a new line after the terminal's ^C


def test_a_fault_of_our_own_is_no_verdict(asked: Asked, capsys: Capture) -> None:
    def answer() -> Result:
        raise ZeroDivisionError("division by zero")

    asked.answer = answer
    status, out, err = said(capsys, "check", "synod")
    assert (status, out) == (2, "")
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith(
        "ZeroDivisionError: division by zero\n"
        "Error: this is a bug in Ratified, not in your model; please report the lines above\n"
    )


def test_running_out_of_memory_is_undecided(asked: Asked, capsys: Capture) -> None:
    def answer() -> Result:
        raise MemoryError

    asked.answer = answer
    assert said(capsys, "check", "synod") == (
        3,
        "",
        "Error: out of memory\n  --memory 2G stops before that, and reports what was found\n",
    )


def test_a_report_goes_to_a_file_and_text_stays(asked: Asked, folder: Path, capsys: Capture) -> None:
    asked.answer = samples.violated
    status, out, err = said(capsys, "check", "synod", "--format", "json", "-o", "report.json")
    assert (status, err) == (1, "")
    assert out.startswith("VIOLATED  Synod: agreement fails after 5 steps\n\nmodel ")
    assert json.loads((folder / "report.json").read_text())["verdict"] == "violated"


def test_a_quiet_run_prints_the_verdict_alone(asked: Asked, capsys: Capture) -> None:
    assert said(capsys, "check", "synod", "-q") == (
        0,
        "HOLDS  Synod: 3 properties hold in all 185,369 states\n",
        "",
    )


def test_a_quiet_run_keeps_a_report_for_programs_whole(asked: Asked, capsys: Capture) -> None:
    out = said(capsys, "check", "synod", "-q", "--format", "json")[1]
    assert json.loads(out)["checks"][0]["distinct"] == 185_369


@pytest.mark.parametrize(
    ("arguments", "no_color", "colored"),
    [([], None, False), (["--color"], None, True), (["--color"], "1", True), (["--no-color"], None, False)],
)
def test_colour_in_a_pipe_is_asked_for(
    arguments: list[str],
    no_color: str | None,
    colored: bool,
    asked: Asked,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert ("\x1b[" in said(capsys, "check", "synod", *arguments)[1]) is colored


@pytest.mark.parametrize(
    ("environment", "colored"),
    [
        ({}, True),
        ({"NO_COLOR": ""}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm"}, True),
    ],
)
def test_colour_on_a_terminal_may_be_taken_away(
    environment: dict[str, str], colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert output.colorful(sys.stdout, None) is colored


def test_verify_checks_every_model_of_the_protocol_in_order(asked: Asked, capsys: Capture) -> None:
    asked.answer = lambda: samples.violated() if wanted[len(asked.models) - 1].broken else samples.result()
    wanted = (*protocols["paxos"].models, *protocols["paxos"].broken)
    status, out, _ = said(capsys, "verify", "paxos", "--format", "json", "--size", "small")
    report = json.loads(out)
    assert status == 0
    assert [check["name"] for check in report["checks"]] == [model.name for model in wanted]
    assert all(check["as_expected"] for check in report["checks"])
    assert report["protocol"] == "paxos"
    assert all(model.given == {"Acceptor": 3, "Ballot": 2} for model in asked.models)


def test_a_broken_model_that_is_checked_by_itself_is_violated(asked: Asked, capsys: Capture) -> None:
    asked.answer = samples.violated
    status, out, _ = said(capsys, "check", "paxos-ignores-promise", "--format", "json")
    assert status == 1
    assert json.loads(out)["verdict"] == "violated"


def test_verify_fails_if_a_broken_variant_is_not_refuted(asked: Asked, capsys: Capture) -> None:
    status, out, _ = said(capsys, "verify", "paxos", "-q")
    broken = len(protocols["paxos"].broken)
    assert status == 1
    assert out.startswith("VIOLATED  paxos: ")
    assert out.endswith(f" at the sizes below, 0 of {broken} broken variants refuted\n")


def test_the_version(capsys: Capture) -> None:
    assert said(capsys, "--version") == (0, f"ratified {__version__}\n", "")


DRIVER = """
import os, signal, sys
from tests.cli import samples
from ratified.cli import exploring, named
from ratified.__main__ import main
named.load = lambda target: samples.Synod
def explore(model, options, progress):
    if options.symmetry:
        os.kill(os.getpid(), signal.SIGINT)
    return samples.violated()
exploring.explore = explore
main()
"""


def driven(checkout: Path, *arguments: str, stdout: int) -> subprocess.CompletedProcess[str]:
    """Run the command line, with a stand-in for the explorer, as a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", DRIVER, *arguments],
        cwd=checkout,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "status"), [(("check", "synod"), 1), (("check", "--help"), 0), (("--version",), 0)]
)
def test_a_reader_who_leaves_early_is_not_told_off(
    checkout: Path, arguments: tuple[str, ...], status: int
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        made = driven(checkout, *arguments, stdout=writer)
    finally:
        os.close(writer)
    assert (made.returncode, made.stderr) == (status, "")


def test_control_c_is_130_without_a_traceback(checkout: Path) -> None:
    made = driven(checkout, "check", "synod", "--symmetry", stdout=subprocess.PIPE)
    assert (made.returncode, made.stdout, made.stderr) == (
        130,
        "",
        "\n",
    )  # a new line after the terminal's ^C


def test_every_command_is_there_under_its_name(capsys: Capture) -> None:
    assert said(capsys, "--help")[0] == 0
    for section, names in SECTIONS.items():
        for name in names:
            status, out, _ = said(capsys, name, "--help")
            assert (status, out.splitlines()[0].split()[:3]) == (0, ["Usage:", "ratified", name]), section


def test_a_command_says_in_a_line_what_it_does(capsys: Capture) -> None:
    assert "..." not in said(capsys, "--help")[1].partition("Models:")[2]


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_of_a_command_answers_with_the_new_one(old: str, new: str, capsys: Capture) -> None:
    status, out, err = said(capsys, old, "paxos")
    assert (status, out) == (2, "")
    assert err.endswith(f"Error: '{old}' is now '{new}'.\n")


def every_command(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from every_command(command, f"{path}{name} ")
            else:
                yield f"{path}{name}", command


def fields_of(request: type) -> Iterator[str]:
    """Yield the fields of a request and of its parts."""
    types = get_type_hints(request)
    for field in fields(request):
        part = types[field.name]
        yield from fields_of(part) if isinstance(part, type) and is_dataclass(part) else [field.name]


SPLIT = {"drive": ["command"], "trace": ["settings"]}
"""Fields that are read from the words of another argument."""


@pytest.mark.parametrize(("name", "command"), list(every_command(cli.commands)))
def test_a_request_has_a_field_for_everything_that_can_be_asked(name: str, command: click.Command) -> None:
    request = getattr(requests, f"{name.title().replace(' ', '')}Request")
    asked = [*(str(parameter.name) for parameter in command.params), *SPLIT.get(name, ())]
    assert sorted(fields_of(request)) == sorted(asked)


def examples(command: click.Command) -> list[list[str]]:
    """Return the command lines in the help of a command."""
    lines = re.findall(r"^ +ratified (.+)$", command.help or "", flags=re.MULTILINE)
    return [shlex.split(line) for line in lines]


@pytest.mark.parametrize(("name", "command"), list(every_command(cli.commands)))
def test_the_examples_in_help_can_be_asked_for(name: str, command: click.Command) -> None:
    for words in examples(command):
        assert words[: len(name.split())] == name.split()
        with command.make_context(name, words[len(name.split()) :]) as context:
            model = context.params.get("model")
            assert model is None or model in models or ":" in model


@pytest.mark.parametrize(("name", "command"), list(every_command(cli.commands)))
def test_every_option_says_what_it_is_for(name: str, command: click.Command) -> None:
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help
