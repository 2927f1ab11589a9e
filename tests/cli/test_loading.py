"""From what a person types to a model's class; every way in which that can go wrong has its exact message."""

from __future__ import annotations

import linecache
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratified.cli.loading import TargetError, load
from ratified.language import Model, RatifiedError

LIGHT = """\
from ratified.language import Model, action, invariant


class Light(Model):
    red: bool = True

    @action
    def change(self) -> None:
        self.red = not self.red
"""

REFUSED = LIGHT.replace("self.red = not self.red", "while True:\n            pass")

TWO = LIGHT + "\n\nclass Dimmer(Light):\n    level: bool = False\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder; forget afterwards what was imported from it."""
    monkeypatch.chdir(tmp_path)
    modules, path = set(sys.modules), list(sys.path)
    yield tmp_path
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    sys.path[:] = path


def wrong(target: str) -> str:
    """Return the message that loading a target ends in."""
    linecache.checkcache()
    with pytest.raises(RatifiedError) as caught:
        load(target)
    return str(caught.value)


@pytest.mark.parametrize(
    "target",
    ["light.py", "light.py:Light", "./light.py", "inner/light.py", "light:Light", "inner.light:Light"],
)
def test_a_model_is_found(target: str, folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "light.py").write_text(LIGHT)
    (folder / "inner" / "light.py").write_text(LIGHT)
    found = load(target)
    assert issubclass(found, Model)
    assert found.__name__ == "Light"


def test_a_model_is_found_by_its_absolute_path(folder: Path) -> None:
    (folder / "light.py").write_text(LIGHT)
    assert load(f"{folder}/light.py:Light").__name__ == "Light"


def test_nothing_is_left_beside_the_file(folder: Path) -> None:
    (folder / "light.py").write_text(LIGHT)
    load("light.py")
    assert [path.name for path in folder.iterdir()] == ["light.py"]


def test_a_file_may_be_named_like_a_module_of_python(folder: Path) -> None:
    (folder / "queue.py").write_text(LIGHT)
    load("queue.py")
    import queue

    assert Path(queue.__file__).parent != folder


def test_a_file_may_import_its_neighbours(folder: Path) -> None:
    (folder / "neighbour_of_light.py").write_text(LIGHT)
    (folder / "dimmer.py").write_text(
        "from neighbour_of_light import Light\n\n\nclass Dimmer(Light):\n    level: bool = False\n"
    )
    assert load("dimmer.py").__name__ == "Dimmer"  # the imported Light is not the file's own
    assert load("dimmer.py:Light").__name__ == "Light"


def test_a_model_whose_name_starts_with_an_underscore_is_not_meant(folder: Path) -> None:
    (folder / "light.py").write_text(
        LIGHT.replace("class Light", "class _Base") + "\n\nclass Light(_Base):\n    level: bool = False\n"
    )
    assert load("light.py").__name__ == "Light"


def test_what_a_file_prints_stays_out_of_the_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "light.py").write_text(LIGHT + '\nprint("hello")\n')
    load("light.py")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "hello\n")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "paxo",
            "there is no bundled model 'paxo'\n  did you mean paxos or multi-paxos? `ratified list` shows what is bundled; "
            "write a model of your own as path.py:Class or module:Class",
        ),
        (
            "zzz",
            "there is no bundled model 'zzz'\n  `ratified list` shows what is bundled; "
            "write a model of your own as path.py:Class or module:Class",
        ),
        (
            "z" * 300,  # longer than the name of a file may be
            f"there is no bundled model '{'z' * 300}'\n  `ratified list` shows what is bundled; "
            "write a model of your own as path.py:Class or module:Class",
        ),
        ("lihgt.py", "lihgt.py: there is no such file\n  . has light.py, notes.py"),
        (
            "nowhere/light.py:Light",
            "nowhere/light.py: there is no such file\n  paths are relative to the folder you are in",
        ),
        (
            "notes.txt",
            "notes.txt is not a Python file\n  give a file that ends in .py, as path.py or path.py:Class",
        ),
        ("folder", "folder is a folder\n  give a file that ends in .py, as path.py or path.py:Class"),
        ("folder.py", "folder.py is a folder\n  give a file that ends in .py"),
        ("a/b", "a/b: there is no such file\n  give a file that ends in .py, as path.py or path.py:Class"),
        ("light.py:Lihgt", "light.py has no class `Lihgt`\n  choose light.py:Light"),
        ("light.py:action", "`action` in light.py is not a model\n  choose light.py:Light"),
        ("two.py", "two.py has 2 models\n  choose two.py:Light or two.py:Dimmer"),
        ("notes.py", "notes.py has no model\n  a model is a class that derives from ratified.Model"),
        (
            "notes.py:Model",
            "`Model` in notes.py is not a model\n  a model is a class that derives from ratified.Model",
        ),
        (
            "no.such:Light",
            "there is no module 'no'\n  it must be importable from here; a file is given as path.py:Class",
        ),
        (
            "json.such:Light",
            "there is no module 'json.such'\n  it must be importable from here; a file is given as path.py:Class",
        ),
    ],
)
def test_a_name_that_means_nothing(target: str, message: str, folder: Path) -> None:
    (folder / "light.py").write_text(LIGHT)
    (folder / "two.py").write_text(TWO)
    (folder / "notes.py").write_text("from ratified.language import Model\n")
    (folder / "notes.txt").touch()
    (folder / "folder").mkdir()
    if target == "folder.py":
        (folder / "folder.py").mkdir()
    if target == "lihgt.py":
        (folder / "two.py").unlink()
    assert wrong(target) == message


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = (1,\n", "bad.py:1:5: SyntaxError: '(' was never closed\n    1 | x = (1,\n      |     ^"),
        (
            "if True:\nx = 1\n",
            "bad.py:2:1: IndentationError: expected an indented block after 'if' statement on line 1\n"
            "    2 | x = 1\n      | ^",
        ),
        (
            "import json\nprint(jsn.loads)\n",
            "bad.py:2:7: importing bad.py fails with NameError: name 'jsn' is not defined\n"
            "    2 | print(jsn.loads)\n      |       ^^^",
        ),
        (
            "é = 1; 1 / 0\n",
            "bad.py:1:8: importing bad.py fails with ZeroDivisionError: division by zero\n"
            "    1 | é = 1; 1 / 0\n      |        ^^^^^",
        ),
        (
            "import no_such_module\n",
            "bad.py:1:1: importing bad.py fails with ModuleNotFoundError: No module named 'no_such_module'\n"
            "    1 | import no_such_module\n      | ^^^^^^^^^^^^^^^^^^^^^",
        ),
        (
            "import json\njson.loads('{')\n",
            "bad.py:2:1: importing bad.py fails with JSONDecodeError: "
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"
            "    2 | json.loads('{')\n      | ^^^^^^^^^^^^^^^",
        ),
        (
            "raise KeyboardInterrupt and ValueError\n",
            "bad.py:1:1: importing bad.py fails with ValueError\n"
            "    1 | raise KeyboardInterrupt and ValueError\n      | " + "^" * 38,
        ),
        (
            "import sys\nsys.exit(0)\n",
            "bad.py:2:1: bad.py exits when it is imported\n    2 | sys.exit(0)\n      | ^^^^^^^^^^^\n"
            '  put the code that runs it as a program under `if __name__ == "__main__":`',
        ),
        (
            "import os\nos._exit(0)\n",
            "bad.py:2:1: bad.py exits when it is imported\n    2 | os._exit(0)\n      | ^^^^^^^^^^^\n"
            '  put the code that runs it as a program under `if __name__ == "__main__":`',
        ),
        ("x = '\0'\n", "bad.py: SyntaxError: source code string cannot contain null bytes"),
    ],
)
def test_a_file_that_does_not_import(source: str, message: str, folder: Path) -> None:
    (folder / "bad.py").write_text(source)
    assert wrong("bad.py") == message


def test_a_file_that_is_part_of_a_package(folder: Path) -> None:
    (folder / "part.py").write_text("from . import other\n")
    assert wrong("part.py") == (
        "part.py:1:1: importing part.py fails with ImportError: attempted relative import with no known parent package\n"
        "    1 | from . import other\n      | ^^^^^^^^^^^^^^^^^^^\n"
        f"  name it as part of its package, from the folder above: {folder.name}.part"
    )


def test_a_file_that_is_not_utf_8(folder: Path) -> None:
    (folder / "bad.py").write_bytes(b"x = 1\ny = '\xff'\n")
    assert wrong("bad.py").startswith(
        "bad.py:2:8: SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xff"
    )


def test_a_neighbour_that_does_not_parse_is_told_at_its_own_place(folder: Path) -> None:
    (folder / "neighbour_that_does_not_parse.py").write_text("def f(:\n    pass\n")
    (folder / "bad.py").write_text("import neighbour_that_does_not_parse\n")
    assert wrong("bad.py") == (
        "neighbour_that_does_not_parse.py:1:7: SyntaxError: invalid syntax\n    1 | def f(:\n      |       ^"
    )


def test_a_module_that_does_not_import(folder: Path) -> None:
    (folder / "module_that_fails.py").write_text("value = {}['x']\n")
    assert wrong("module_that_fails:Light") == (
        "module_that_fails.py:1:9: importing module_that_fails fails with KeyError: 'x'\n"
        "    1 | value = {}['x']\n      |         ^^^^^^^"
    )


def test_a_module_that_lacks_another_is_told_at_its_place(folder: Path) -> None:
    (folder / "module_that_lacks.py").write_text("import no_such_module\n")
    assert wrong("module_that_lacks:Light") == (
        "module_that_lacks.py:1:1: importing module_that_lacks fails with "
        "ModuleNotFoundError: No module named 'no_such_module'\n"
        "    1 | import no_such_module\n      | ^^^^^^^^^^^^^^^^^^^^^"
    )


def test_a_model_that_the_language_refuses_keeps_the_languages_own_message(folder: Path) -> None:
    (folder / "bad.py").write_text(REFUSED)
    message = wrong("bad.py")
    assert message.startswith("bad.py:9:9: ")
    assert "    9 |         while True:\n" in message
    assert "importing" not in message


def test_a_model_that_is_refused_is_in_nobodys_way(folder: Path) -> None:
    also = "class Lamp(Light):\n    on: bool = False\n\n\n" + LIGHT.partition("\n\n\n")[2].replace(
        "Light", "Bulb"
    )
    (folder / "some.py").write_text(f"{REFUSED}\n\n{also}")
    assert load("some.py:Bulb").module.name == "Bulb"
    assert wrong("some.py") == "some.py has 3 models\n  choose some.py:Light or some.py:Lamp or some.py:Bulb"
    for refused in ("Light", "Lamp"):
        assert wrong(f"some.py:{refused}").startswith(
            "some.py:9:9: while is not part of the modelling language\n    9 |         while True:\n"
        )
    (folder / "some_that_is_refused.py").write_text(f"{REFUSED}\n\n{also}")
    assert load("some_that_is_refused:Bulb").module.name == "Bulb"


def test_outside_of_the_command_line_a_class_is_refused_where_it_is_defined(folder: Path) -> None:
    (folder / "defined_and_refused.py").write_text(REFUSED)
    made = subprocess.run(
        [sys.executable, "defined_and_refused.py"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 1
    assert "ModelError: defined_and_refused.py:9:9: while is not part" in made.stderr


def test_a_path_may_have_a_colon(folder: Path) -> None:
    (folder / "a:b.py").write_text(LIGHT)
    assert load("a:b.py").__name__ == load("a:b.py:Light").__name__ == "Light"
    assert wrong("a:b.py:Lamp") == "a:b.py has no class `Lamp`\n  choose a:b.py:Light"


def test_a_pipe_is_no_file(folder: Path) -> None:
    os.mkfifo(folder / "pipe.py")
    assert wrong("pipe.py:Light") == "pipe.py is a pipe\n  give a file that ends in .py"


def test_the_command_tells_it_with_status_2_and_no_traceback(folder: Path) -> None:
    (folder / "bad.py").write_text("x = (1,\n")
    made = subprocess.run(
        [sys.executable, "-m", "ratified", "check", "bad.py"], capture_output=True, text=True, check=False
    )
    assert (made.returncode, made.stdout) == (2, "")
    assert (
        made.stderr
        == "Error: bad.py:1:5: SyntaxError: '(' was never closed\n    1 | x = (1,\n      |     ^\n"
    )


@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        (
            "raft-any-log-wins",
            "only implementations have raft-any-log-wins",
            "ratified mutants raft any-log-wins",
        ),
        ("raft-lost-log", "only the model of the proof has raft-lost-log", "ratified prove raft-lost-log"),
    ],
)
def test_a_bug_that_no_model_has_says_where_it_is(name: str, message: str, remedy: str) -> None:
    with pytest.raises(TargetError) as caught:
        load(name)
    assert (caught.value.message, caught.value.remedy) == (message, remedy)


def test_what_a_file_does_at_the_end_does_not_change_the_status(tmp_path: Path) -> None:
    (tmp_path / "locks.py").write_text(
        "import atexit, os\n"
        "from ratified import Model, invariant\n"
        "atexit.register(os._exit, 0)\n"
        "@atexit.register\n"
        "def last() -> None:\n"
        "    print('the end')\n"
        "class Locks(Model):\n"
        "    taken: bool\n"
        "    @invariant\n"
        "    def never(self) -> bool:\n"
        "        return self.taken\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "ratified", "check", "locks.py:Locks"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("VIOLATED  Locks: never")
    assert done.stdout.endswith("the end\n")
