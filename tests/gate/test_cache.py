"""The cache of verdicts: the same is found again, and whatever may make a difference is not the same."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from ratified.cli.exploring import ExploreOptions
from ratified.cli.gate import verdicts
from ratified.cli.gate.sources import UnknownSourcesError, closure
from ratified.cli.gate.verdicts import Cache, key_of
from ratified.cli.loading import load
from ratified.results.result import Limits
from tests.gate.folders import BROKEN, CONFIGURED, LOCK, said, write

Capture = pytest.CaptureFixture[str]

HELPED = "from helpers import LIMIT\nfrom parts.more import ready\n" + LOCK.replace(
    "require(self.granted is None)", "require(self.granted is None)\n        require(ready(LIMIT))"
)
HELPERS = "LIMIT = 3\n"
MORE = "def ready(limit: int) -> bool:\n    return limit > 2\n"


def checked(capsys: Capture, *options: str) -> str:
    """The first line of what `ratified check` says."""
    status, out, err = said(capsys, "check", "-q", *options)
    assert (status, err) == (0, "")
    return out


KNOWN = "HOLDS  pyproject.toml: 1 of 1 is as expected; 1 unchanged\n"
EXPLORED = "HOLDS  pyproject.toml: 1 of 1 is as expected\n"


@pytest.fixture
def helped(folder: Path) -> Path:
    """Fill the folder with a model that imports two modules of the project, one of them in a package."""
    (folder / "parts").mkdir()
    write(folder, lock=HELPED, helpers=HELPERS)
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "more.py").write_text(MORE)
    return folder


def test_what_is_unchanged_is_told_since_when(folder: Path, capsys: Capture) -> None:
    assert checked(capsys) == EXPLORED
    status, out, _ = said(capsys, "check")
    assert status == 0
    assert out.splitlines()[0] == KNOWN.strip()
    assert out.splitlines()[3].endswith("unchanged since WHEN")
    assert checked(capsys, "--no-cache") == EXPLORED
    report = json.loads(said(capsys, "check", "--format", "json")[1])
    explored = json.loads(said(capsys, "check", "--no-cache", "--format", "json")[1])
    (kept,), (found,) = report["checks"], explored["checks"]
    assert kept["unchanged_since"] is not None
    for volatile in ("unchanged_since", "seconds", "memory_bytes"):
        kept.pop(volatile)
        found.pop(volatile)
    assert kept == found


CHANGES: dict[str, Callable[[Path], object]] = {
    "the model": lambda f: write(f, lock=HELPED.replace("self.granted = c\n", "self.granted = c  # c\n")),
    "a module that it imports": lambda f: write(f, helpers="LIMIT = 4\n"),
    "a module in a package": lambda f: (f / "parts" / "more.py").write_text(MORE.replace("> 2", ">= 2")),
    "a package": lambda f: (f / "parts" / "__init__.py").write_text("DEBUG = True\n"),
    "the size": lambda f: write(f, toml=CONFIGURED.replace("Client = 2", "Client = 3")),
    "the engine": lambda f: write(f, toml=CONFIGURED + 'engine = "reference"\n'),
    "symmetry": lambda f: write(f, toml=CONFIGURED + "symmetry = true\n"),
    "reduction": lambda f: write(f, toml=CONFIGURED + "reduction = true\n"),
    "deadlock": lambda f: write(f, toml=CONFIGURED + "deadlock = true\n"),
    "the claims": lambda f: write(f, toml=CONFIGURED + 'claims = ["mutual_exclusion"]\n'),
    "a limit": lambda f: write(f, toml=CONFIGURED + "limits = { states = 100 }\n"),
    "another limit": lambda f: write(f, toml=CONFIGURED + "limits = { seconds = 100 }\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_anything_is_explored(change: str, helped: Path, capsys: Capture) -> None:
    assert (checked(capsys), checked(capsys)) == (EXPLORED, KNOWN)
    CHANGES[change](helped)
    assert (checked(capsys), checked(capsys)) == (EXPLORED, KNOWN)


def test_a_change_that_breaks_it_is_never_hidden(folder: Path, capsys: Capture) -> None:
    assert checked(capsys) == EXPLORED
    write(folder, lock=BROKEN)
    assert said(capsys, "check", "-q")[0] == 1
    write(folder, lock=LOCK)
    assert checked(capsys) == KNOWN


def key(folder: Path, target: str = "lock.py:Lock", how: ExploreOptions | None = None, **sizes: int) -> str:
    return key_of(load(target)(**(sizes or {"Client": 2})), how or ExploreOptions(), folder)


def test_a_key_is_of_what_was_loaded_and_of_what_stands_there(folder: Path) -> None:
    """A source that was edited after it was loaded has the key of neither."""
    before, loaded = key(folder), load("lock.py:Lock")(Client=2)
    write(folder, lock=BROKEN)
    assert len({before, key_of(loaded, ExploreOptions(), folder), key(folder)}) == 3


def test_a_key_says_all_options(folder: Path) -> None:
    options = [
        ExploreOptions(),
        ExploreOptions(limits=Limits(depth=5)),
        ExploreOptions(limits=Limits(states=5)),
        ExploreOptions(limits=Limits(seconds=5)),
        ExploreOptions(limits=Limits(memory=2**30)),
        ExploreOptions(symmetry=True),
        ExploreOptions(reduction=True),
        ExploreOptions(deadlock=True),
        ExploreOptions(engine="native"),
        ExploreOptions(claims=("mutual_exclusion",)),
    ]
    assert len({key(folder, how=how) for how in options}) == len(options)


def test_a_key_says_with_what(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {key(folder)}
    places: list[tuple[object, str, object]] = [
        (sys, "version", "4.0"),
        (sys, "platform", "elsewhere"),
        (platform, "machine", lambda: "other"),
    ]
    for where, name, value in places:
        monkeypatch.setattr(where, name, value)
        verdicts.surroundings.cache_clear()
        keys.add(key(folder))
    monkeypatch.setenv("CC", "another-compiler")
    verdicts.surroundings.cache_clear()
    keys.add(key(folder))
    monkeypatch.undo()
    verdicts.surroundings.cache_clear()
    assert len(keys) == 5


def test_a_key_says_which_sources_of_ratified(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = folder / "copy"
    (package / "explore").mkdir(parents=True)
    for name in ("version.py", "explore/search.py", "explore/search.h"):
        (package / name).write_text("1")
    monkeypatch.setattr(verdicts, "PACKAGE", package)
    keys = set()
    for name in ("version.py", "explore/search.py", "explore/search.h", "explore/new.c"):
        verdicts.surroundings.cache_clear()
        keys.add(key(folder))
        (package / name).write_text("2")
    verdicts.surroundings.cache_clear()
    keys.add(key(folder))
    monkeypatch.undo()
    verdicts.surroundings.cache_clear()
    assert len(keys) == 5


def test_a_folder_may_be_moved(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs of CI check out where they like."""
    here = key(folder)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "deeper" / "down"
    shutil.copytree(folder, elsewhere)
    monkeypatch.chdir(elsewhere)
    assert key(elsewhere) == here


OUTSIDE = {
    "import os\n": "it imports os, which is not the project's own",
    "import random\n": "it imports random, which is not the project's own",
    "import json\n": "it imports json, which is not the project's own",
    "from pathlib import Path\n": "it imports pathlib, which is not the project's own",
    "import click\n": "it imports click, which is not the project's own",
    "import pytest\n": "it imports pytest, which is not the project's own",
    "from enum import sys\n": "lock.py uses sys in line 1",
    "import enum\nplace = enum.sys\n": "lock.py uses sys in line 2",
    "with open('lock.py') as file:\n    text = file.read()\n": "lock.py uses open in line 1",
    "seven = eval('7')\n": "lock.py uses eval in line 1",
    "exec('seven = 7')\n": "lock.py uses exec in line 1",
    "random = __import__('random')\n": "lock.py uses __import__ in line 1",
    "try:\n    import quick_locks\nexcept ImportError:\n    quick = False\n": "it imports quick_locks, which is not there",
}


@pytest.mark.parametrize(("line", "why"), OUTSIDE.items())
def test_a_model_that_looks_at_more_than_sources_is_not_kept(
    line: str, why: str, folder: Path, capsys: Capture
) -> None:
    write(folder, lock=line + LOCK)
    with pytest.raises(UnknownSourcesError) as refused:
        closure(load("lock.py:Lock"))
    assert str(refused.value) == why
    assert (checked(capsys), checked(capsys)) == (EXPLORED, EXPLORED)
    assert not (folder / ".ratified-cache").exists()


def test_a_file_in_the_place_of_one_of_pythons_is_followed(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    import_module("fractions")  # which is put back in the end
    monkeypatch.delitem(sys.modules, "fractions")
    write(folder, fractions="LIMIT = 3\n", lock=f"from fractions import LIMIT\n{LOCK}")
    assert [source.file.name for source in closure(load("lock.py:Lock"))] == ["fractions.py", "lock.py"]
    monkeypatch.delitem(sys.modules, "fractions")
    write(folder, fractions="import os\nLIMIT = 3\n")
    assert checked(capsys) == EXPLORED
    assert not (folder / ".ratified-cache").exists()
    monkeypatch.delitem(sys.modules, "fractions")


def test_a_helper_that_looks_at_more_is_enough(helped: Path, capsys: Capture) -> None:
    (helped / "parts" / "more.py").write_text(f"import os\n{MORE}")
    assert (checked(capsys), checked(capsys)) == (EXPLORED, EXPLORED)


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ("limits = { states = 2 }", 3),
        ("limits = { depth = 1 }", 3),
        ("limits = { seconds = 0 }", 3),
        ('limits = { states = 2 }\nundecided = "allow"', 0),
        ('limits = { states = 2 }\nexpect = "undecided"', 0),
    ],
)
def test_what_is_undecided_is_not_kept(settings: str, status: int, folder: Path, capsys: Capture) -> None:
    write(folder, toml=f"{CONFIGURED}{settings}\n")
    first, second = said(capsys, "check", "-q"), said(capsys, "check", "-q")
    assert (first[0], second[0]) == (status, status)
    assert "unchanged" not in second[1]
    assert not (folder / ".ratified-cache").exists()


def test_a_violation_is_not_kept(folder: Path, capsys: Capture) -> None:
    write(folder, lock=BROKEN, toml=CONFIGURED + 'expect = "violated"\n')
    assert (checked(capsys), checked(capsys)) == (EXPLORED, EXPLORED)


def test_what_is_expected_is_judged_anew(folder: Path, capsys: Capture) -> None:
    assert checked(capsys) == EXPLORED
    write(folder, toml=CONFIGURED + "states = 3\n")
    assert checked(capsys) == KNOWN
    write(folder, toml=CONFIGURED + "states = 4\n")
    status, out, _ = said(capsys, "check")
    assert status == 1
    assert "HOLDS  Lock[Client=2]: 1 property holds in all 3 states; but 4 states were expected" in out
    write(folder, toml=CONFIGURED + 'expect = "violated"\n')
    assert said(capsys, "check", "-q")[0] == 1


def kept(folder: Path) -> Path:
    (file,) = (folder / ".ratified-cache").glob("*.json")
    return file


def altered(text: str) -> str:
    """The file with another count in it, as a person might edit it."""
    return text.replace('"distinct": 3', '"distinct": 4')


def cut_short(text: str) -> str:
    return text[: len(text) // 2]


def of_another_schema(text: str) -> str:
    return text.replace("ratified-verdict/1", "ratified-verdict/2")


DAMAGE: dict[str, Callable[[str], str] | str] = {
    "cut short": cut_short,
    "empty": "",
    "edited": altered,
    "a list": "[]",
    "no verdict": '{"digest": "0"}',
    "another schema": of_another_schema,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_told_and_explored(damage: str, folder: Path, capsys: Capture) -> None:
    assert checked(capsys) == EXPLORED
    file = kept(folder)
    change = DAMAGE[damage]
    file.write_text(change if isinstance(change, str) else change(file.read_text()))
    status, out, err = said(capsys, "check")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == EXPLORED.strip()
    assert f"note        .ratified-cache/{file.name} is damaged, and not used\n" in out
    assert checked(capsys) == KNOWN  # it was written anew


def test_a_file_under_another_key_is_not_used(folder: Path, capsys: Capture) -> None:
    checked(capsys)
    text = kept(folder).read_text()
    kept(folder).unlink()
    write(folder, toml=CONFIGURED.replace("2", "3"))
    checked(capsys)
    kept(folder).write_text(text)
    assert checked(capsys) == EXPLORED


def test_a_folder_that_cannot_be_written_is_told_once(folder: Path, capsys: Capture) -> None:
    toml = 'cache = "lock.py/cache"\n'
    two = CONFIGURED.replace("{ Client = 2 }", "[{ Client = 2 }, { Client = 3 }]")
    write(folder, toml=f"[tool.ratified]\n{toml}{two}")
    status, out, err = said(capsys, "check")
    assert (status, err) == (0, "")
    assert out.count("the cache lock.py/cache cannot be ") == 1
    assert "note        the cache lock.py/cache cannot be read: Not a directory\n" in out


def test_a_cache_that_was_asked_for_by_name_and_is_none(folder: Path, capsys: Capture) -> None:
    assert said(capsys, "check", "--cache", "lock.py") == (
        2,
        "",
        "Error: lock.py is not a folder, so it cannot be the cache\n",
    )


def test_a_cache_may_be_shared_or_left_out(folder: Path, capsys: Capture) -> None:
    assert checked(capsys, "--cache", "elsewhere") == EXPLORED
    assert checked(capsys) == EXPLORED
    assert checked(capsys, "--cache", "elsewhere") == KNOWN
    assert (folder / "elsewhere" / ".gitignore").read_text() == "*\n"
    write(folder, toml=f"[tool.ratified]\ncache = false\n{CONFIGURED}")
    assert checked(capsys) == EXPLORED


def test_one_model_that_is_named_is_kept_only_where_that_is_asked(folder: Path, capsys: Capture) -> None:
    assert said(capsys, "check", "lock.py", "Client=2", "-q")[0] == 0
    assert not (folder / ".ratified-cache").exists()
    options = ("check", "lock.py", "Client=2", "-q", "--cache", "c")
    said(capsys, *options)
    assert said(capsys, *options) == (
        0,
        "HOLDS  Lock: 1 property holds in all 3 states; unchanged since WHEN\n",
        "",
    )


def test_files_are_written_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(folder / "cache")
    cache.keep("k" * 64, {"name": "one"})

    def fails(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fails)
    cache.keep("k" * 64, {"name": "two"})
    monkeypatch.undo()
    assert cache.trouble == "the cache cache cannot be written: No space left on device"
    found = cache.find("k" * 64)
    assert found is not None
    assert found["name"] == "one"
    assert sorted(p.name for p in (folder / "cache").iterdir()) == [".gitignore", f"{'k' * 40}.json"]
