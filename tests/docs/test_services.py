"""The pages about services: their programs print what they say, their links lead somewhere, their commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from ratified.bundled import models, protocols
from ratified.cli.commands import Commands
from ratified.cli.main import run

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = {page.stem: page for page in sorted((DOCS / "services").glob("*.md"))}
EVERY = {**PAGES, "services": DOCS / "services.md"}
PROGRAMS = [
    pytest.param(program, id=f"{name}-{n}")
    for name, page in PAGES.items()
    for n, program in enumerate(
        re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    )
]


def test_there_is_a_page_for_each_family_of_policies() -> None:
    assert list(PAGES) == ["balancing", "failover", "health", "hedging", "recovery", "retry"]


@pytest.mark.parametrize("name", PAGES)
def test_each_says_the_same_things_in_the_same_order(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")
    headings = [re.sub(r" (it|which)$", "", h) for h in re.findall(r"^## (.*)$", text, flags=re.MULTILINE)]
    assert [h.replace("choose it", "choose") for h in headings] == [
        "In five lines",
        "When to choose",
        "What it guarantees",
        "What it does not",
        "The bug that made it famous",
    ]
    assert text.count("](../pictures/services-") == 1


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_prints_what_its_comments_say(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(program, {})  # noqa: S102 - the page's own program
    promised = re.findall(r"(?:^|print\(.*\) +)# (.*)$", program, flags=re.MULTILINE)
    assert promised
    assert capsys.readouterr().out.splitlines() == promised


@pytest.mark.parametrize("name", EVERY)
def test_links_lead_somewhere(name: str) -> None:
    page = EVERY[name]
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        file, _, part = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), target
        headings = (
            re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), flags=re.MULTILINE) if part else []
        )
        assert not part or part in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}, (
            target
        )


@pytest.mark.parametrize("name", EVERY)
def test_commands_and_models_exist(name: str) -> None:
    text = " ".join(EVERY[name].read_text(encoding="utf-8").split())
    for command in re.findall(r"`ratified ([^`]*)`", text):
        words = shlex.split(command)
        assert words[0] in Commands().list_commands(None)  # type: ignore[arg-type]  # it does not look at it
        if words[0] in ("check", "prove", "graph") and len(words) > 1:
            assert words[1] in models
    for model in re.findall(r"`(services-[\w-]+)`", text):
        assert model in models


def test_the_table_is_what_its_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    ((command, table),) = re.findall(
        r"^\$ ratified (.*)\n((?:.*\n)+?)```",
        EVERY["services"].read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert run(shlex.split(command)) == 0
    assert f"\n{table}" in capsys.readouterr().out


def test_every_bug_that_a_system_had_is_in_the_table_and_planted_where_it_says() -> None:
    text = (
        EVERY["services"]
        .read_text(encoding="utf-8")
        .partition("Where real systems had them:")[2]
        .partition("\n\n`")[0]
    )
    told = dict(re.findall(r"`services-([\w-]+)`, `([\w-]+)`", text))
    bugs = {bug.name: bug for bug in protocols["services"].bugs}
    assert all(policy in bugs[name].planted_in for name, policy in told.items())
    assert {name for name, bug in bugs.items() if bug.seen_in} <= set(told)


def test_every_number_of_the_table_has_its_test() -> None:
    text = (
        EVERY["services"]
        .read_text(encoding="utf-8")
        .partition("## Checked against published numbers")[2]
        .partition("\n## ")[0]
    )
    named = re.findall(r"`(test_\w+)`", text)
    folder = Path(__file__).resolve().parents[1] / "impl" / "services"
    there = {
        name
        for file in folder.glob("test_*.py")
        for name in re.findall(r"^def (\w+)", file.read_text("utf-8"), re.MULTILINE)
    }
    assert len(named) > 30
    assert set(named) <= there


def test_what_the_page_on_hedging_says_of_its_picture() -> None:
    text = PAGES["hedging"].read_text(encoding="utf-8")
    picture = (DOCS / "pictures" / "services-hedging.svg").read_text(encoding="utf-8")
    ((hedged, plain),) = re.findall(r"answered within (\d+) ms instead of (\d+) ms", text)
    assert re.findall(r"p99 (\d+) ms", picture) == [plain, hedged]
