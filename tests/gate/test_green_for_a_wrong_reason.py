"""Ways to a green run for a wrong reason: each is tried, and none is green.

`red` runs the project by both commands and expects neither to pass. The list in docs/ci.md is this one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ratified.cli.main import run
from tests.gate.folders import BROKEN, CONFIGURED, LOCK, forget, places, write

TOOL = '[[tool.ratified.models]]\nmodel = "lock.py:Lock"\nsizes = { Client = 2 }\n'
NO_CLAIM = LOCK.partition("    @invariant")[0]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Work in a folder whose model is broken: whatever is green in it is so for a wrong reason."""
    monkeypatch.setattr(sys, "path", places())
    write(pytester.path, lock=BROKEN, toml=TOOL)
    return pytester


def by_pytest(project: pytest.Pytester, *options: str) -> int:
    """The exit status of pytest."""
    forget()
    found = project.runpytest_inprocess(
        "-p", "no:hypothesispytest", "-p", "no:anyio", "-W", "default", *options
    )
    return int(found.ret)


def checked(*options: str) -> int:
    """The exit status of `ratified check`."""
    forget()
    return run(["check", *options])


def red(project: pytest.Pytester, *options: str) -> bool:
    """Whether neither is green. For pytest, having collected nothing is a status of its own, and not 0."""
    return by_pytest(project, *options) != 0 and checked() != 0


CONFIGURATIONS = {
    "a key that is misspelt": TOOL.replace("sizes", "size"),
    "a table that is misspelt": TOOL.replace("models", "model"),
    "a tool that is misspelt": TOOL.replace("ratified", "ratifed"),
    "one table where a list is meant": TOOL.replace("[[", "[").replace("]]", "]"),
    "no models": "[tool.ratified]\nmodels = []\n",
    "no sizes": TOOL.replace("{ Client = 2 }", "[]"),
    "no claims": TOOL + "claims = []\n",
    "a claim that is not there": TOOL + 'claims = ["exclusion"]\n',
    "a file that is not there": TOOL.replace("lock.py", "lok.py"),
    "a class that is not there": TOOL.replace(":Lock", ":Lok"),
    "a sort that is not there": TOOL.replace("Client", "Clint"),
    "a size of nothing": TOOL.replace("= 2", "= 0"),
    "a violation of a claim that is not there": TOOL + 'expect = "violated:exclusion"\n',
    "a violation of something else": TOOL + 'expect = "violated:deadlock"\n',
    "a count in place of a verdict": TOOL + "states = 5\n",
    "two entries of one name": TOOL + TOOL,
    "a limit that nothing fits in": TOOL + "limits = { states = 1 }\n",
    "a limit of no time": TOOL + "limits = { seconds = 0 }\n",
}


@pytest.mark.parametrize("way", CONFIGURATIONS)
def test_a_configuration_that_asks_for_nothing(way: str, project: pytest.Pytester) -> None:
    write(project.path, toml=CONFIGURATIONS[way])
    assert red(project)


def test_a_model_without_claims(project: pytest.Pytester) -> None:
    write(project.path, lock=NO_CLAIM)
    assert red(project)


def test_a_model_that_holds_while_something_else_is_refused(project: pytest.Pytester) -> None:
    write(project.path, lock=LOCK, toml=TOOL + TOOL.replace("lock.py", "lok.py").replace("2", "3"))
    assert red(project)


def test_another_violation_comes_first(project: pytest.Pytester) -> None:
    """What was not decided is chosen by name."""
    more = "\n    @invariant\n    def free(self) -> bool:\n        return True\n"
    write(project.path, lock=BROKEN + more)
    assert red(project, "-k", "free")


def test_a_verdict_of_a_model_that_has_changed(project: pytest.Pytester) -> None:
    write(project.path, lock=LOCK)
    assert (by_pytest(project), checked()) == (0, 0)
    write(project.path, lock=BROKEN)
    assert red(project)


def test_a_link_that_points_to_another_model_by_now(project: pytest.Pytester) -> None:
    (project.path / "lock.py").unlink()
    write(project.path, safe=LOCK, unsafe=BROKEN)
    (project.path / "lock.py").symlink_to("safe.py")
    assert checked() == 0
    (project.path / "lock.py").unlink()
    (project.path / "lock.py").symlink_to("unsafe.py")
    assert red(project)


def test_a_verdict_that_was_put_into_the_cache_of_another_key(project: pytest.Pytester) -> None:
    write(project.path, lock=LOCK)
    assert checked() == 0
    (kept,) = (project.path / ".ratified-cache").glob("*.json")
    write(project.path, lock=BROKEN)
    for name in range(3):  # whatever it is called
        (kept.parent / f"{name:040}.json").write_text(kept.read_text())
    assert red(project)


def test_a_model_that_reads_the_environment(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    careful = "import os\n\nCAREFUL = 'CAREFUL' in os.environ\n\n" + LOCK.replace(
        "require(self.granted is None)", "require(self.granted is None or not CAREFUL)"
    )
    write(project.path, lock=careful)
    monkeypatch.setenv("CAREFUL", "1")
    assert (by_pytest(project), checked()) == (0, 0)
    monkeypatch.delenv("CAREFUL")
    assert red(project)


def test_models_outside_of_the_folders_of_tests(project: pytest.Pytester) -> None:
    (project.mkdir("tests") / "test_one.py").write_text("def test_one(): pass\n")
    write(project.path, toml=TOOL + '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n')
    assert red(project)


def test_models_where_pytest_does_not_look(project: pytest.Pytester) -> None:
    (project.path / "lock.py").rename(project.mkdir("build") / "lock.py")
    write(project.path, toml=TOOL.replace("lock.py", "build/lock.py"), test_one="def test_one(): pass\n")
    assert red(project)


def test_a_wrong_configuration_while_other_tests_are_asked_for(project: pytest.Pytester) -> None:
    write(project.path, toml=TOOL.replace("sizes", "size"), test_one="def test_one(): pass\n")
    assert red(project, "test_one.py")


def test_two_configurations(project: pytest.Pytester) -> None:
    (project.path / "ratified.toml").write_text(
        '[[models]]\nmodel = "safe.py:Lock"\nsizes = { Client = 2 }\n'
    )
    write(project.path, safe=LOCK)
    assert red(project)


def test_a_size_for_a_sort_that_no_model_has(project: pytest.Pytester) -> None:
    write(project.path, lock=LOCK)
    assert by_pytest(project, "--ratified-size=Clint=5") != 0


def test_an_undecided_run_under_a_limit_of_the_command_line(project: pytest.Pytester) -> None:
    write(project.path, lock=LOCK)
    assert by_pytest(project, "--ratified-seconds=0") != 0
    assert checked("--seconds", "0") != 0
    assert checked("--states", "1") != 0


IN_TESTS = {
    "an answer taken for true": "from ratified import check\n\ndef test_it():\n    assert check(Lock(Client=2))\n",
    "the fixture never called": "def test_it(ratified_check):\n    Lock(Client=2)\n",
    "the fixture given another verdict": (
        "from ratified import Verdict\n\n"
        "def test_it(ratified_check):\n    ratified_check(Lock(Client=2), Verdict.UNDECIDED)\n"
    ),
    "the fixture given another claim": (
        "from ratified import Verdict\n\n"
        "def test_it(ratified_check):\n"
        "    ratified_check(Lock(Client=2), Verdict.VIOLATED, claim='deadlock')\n"
    ),
    "a marked model without sizes": "from ratified import model_test\n\nmodel_test(Client=[])(Lock)\n",
    "something marked that is no model": "from ratified import model_test\n\nmodel_test(Client=[1])(len)\n",
    "a marked model at no size": "from ratified import model_test\n\n@model_test()\nclass Other(Lock):\n    pass\n",
}


@pytest.mark.parametrize("way", IN_TESTS)
def test_an_ordinary_test_that_tests_nothing(way: str, project: pytest.Pytester) -> None:
    write(project.path, toml="", test_lock=f"from lock import Lock\n{IN_TESTS[way]}")
    assert by_pytest(project) != 0


IMPLEMENTATIONS = {
    "a function that returns nothing": "def held():\n    pass\n",
    "a function that returns true": "def held():\n    return True\n",
    "a function that is undecided": "from ratified import Verdict\n\ndef held():\n    return Verdict.UNDECIDED\n",
    "a function that pytest would skip": "import pytest\n\ndef held():\n    pytest.skip('later')\n",
    "a function that ends the process": "import os\n\ndef held():\n    os._exit(0)\n",
    "a run without events": "from ratified import Followed\n\ndef held():\n    return Followed()\n",
    "a history without operations": (
        "from ratified.follow.linearizability import History, Register, check_history\n\n"
        "def held():\n    return check_history(History(()), Register())\n"
    ),
    "a driver that sees nothing": (
        "import lock\nfrom ratified import Driver\n\n"
        "class held(Driver):\n    model = lock.Lock\n    def reset(self): pass\n    def acquire(self, c): pass\n"
        "    def release(self, c): pass\n    def observe(self): return {}\n"
    ),
    "nothing of that name": "",
    "a class that is nothing": "class held:\n    pass\n",
    "a state machine without rules": (
        "from hypothesis.stateful import RuleBasedStateMachine\n\nclass held(RuleBasedStateMachine):\n    pass\n"
    ),
}


@pytest.mark.parametrize("way", IMPLEMENTATIONS)
def test_an_implementation_that_is_not_held_to_anything(way: str, project: pytest.Pytester) -> None:
    write(
        project.path,
        impl=IMPLEMENTATIONS[way],
        toml='[[tool.ratified.conformance]]\ndriver = "impl.py:held"\n',
    )
    assert red(project)


ASSERTS_TOO_MUCH = LOCK.replace(
    "require(self.granted is None)", "require(self.granted is None)\n        assert self.granted is not None"
)


@pytest.mark.parametrize("given", [{"PYTHONOPTIMIZE": "1"}, {}])
def test_a_model_that_asserts_where_python_leaves_assertions_out(
    given: dict[str, str], project: pytest.Pytester
) -> None:
    write(project.path, lock=ASSERTS_TOO_MUCH)
    words = [sys.executable, *([] if given else ["-O"]), "-m", "ratified", "check"]
    made = subprocess.run(
        words, cwd=project.path, env={**os.environ, **given}, capture_output=True, text=True, check=False
    )
    assert made.returncode == 2
    assert "Python skips assertions (-O, or PYTHONOPTIMIZE is set), and this model has one" in made.stdout
    assert "run Python without -O, and unset PYTHONOPTIMIZE" in made.stdout


ENDS = (
    "import sys\nsys.exit(0)",
    "import os\nos._exit(0)",
    "raise SystemExit",
    "import pytest\npytest.skip('later', allow_module_level=True)",
    "import pytest\npytest.importorskip('nothing_of_this_name')",
)


@pytest.mark.parametrize("ends", ENDS)
def test_a_file_that_ends_the_process_or_its_tests_as_if_all_were_well(
    ends: str, project: pytest.Pytester
) -> None:
    write(project.path, lock=f"{ends}\n{LOCK}", test_one="def test_one(): pass\n")
    assert red(project)


@pytest.mark.parametrize(
    "options", [("-k", "nothing"), ("--deselect", "lock.py"), ("-m", "nothing"), ("--ignore", "lock.py")]
)
def test_everything_is_left_out(options: tuple[str, ...], project: pytest.Pytester) -> None:
    write(project.path, lock=LOCK)
    assert by_pytest(project, *options) == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_worker_that_dies(project: pytest.Pytester) -> None:
    write(project.path, lock=LOCK, toml="")
    (project.path / "test_it.py").write_text(
        "import os\nfrom lock import Lock\n\ndef test_it(ratified_check):\n    os._exit(0)\n"
    )
    found = project.runpytest_subprocess(
        *("-n", "1", "-p", "no:hypothesispytest", "-p", "no:anyio", "-W", "default")
    )
    assert found.ret != 0


def test_yesterdays_report(project: pytest.Pytester) -> None:
    write(project.path, toml=TOOL.replace("sizes", "size"))
    for name, options in (("a.xml", ["--format", "junit"]), ("a.json", ["--format", "json"])):
        (project.path / name).write_text("green")
        assert checked(*options, "-o", name) == 2
        assert "there is no key 'size'" in Path(name).read_text()
    (project.path / "b.xml").write_text("green")
    assert by_pytest(project, "--junitxml=b.xml") != 0
    assert "there is no key 'size'" in Path("b.xml").read_text()


def test_the_project_is_red_and_mended_it_is_green(project: pytest.Pytester) -> None:
    """What all of the above stand on."""
    assert red(project)
    write(project.path, lock=LOCK, toml=CONFIGURED)
    assert (by_pytest(project), checked()) == (0, 0)
