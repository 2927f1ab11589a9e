"""The language server as an editor sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ratified.cli.commands.init import contents
from tests.editor.client import Editor, edit

LOCK = contents(Path("nowhere"))["lock.py"]
"""The model that `ratified init` writes; `granted` stands in line 13, `mutual_exclusion` in line 31."""


def test_a_model_of_rafts_size_and_what_is_typed_into_it(tmp_path: Path, checkout: Path) -> None:
    file = tmp_path / "raft.py"
    raft = (checkout / "models/raft/raft.py").read_text(encoding="utf-8")
    line = next(n for n, text in enumerate(raft.splitlines(), 1) if "def election_safety" in text)
    wrong = raft.replace("def election_safety(self) -> bool", "def election_safety(self) -> int")
    half = raft.replace("def election_safety(self) -> bool", "def election_safety(self")

    async def session(editor: Editor) -> None:
        assert await editor.problems(file, raft) == []
        assert await editor.problems(file, wrong) == [
            f"{line}:34-{line}:37 an invariant returns bool | write `-> bool`"
        ]
        (syntax,) = await editor.problems(file, half)
        assert syntax.startswith(f"{line}:24-")
        assert f"{line}: " not in await editor.lenses(file)
        assert len(await editor.lenses(file)) == 3  # of the last text that could be read
        assert await editor.problems(file, raft) == []

    edit(session)


def test_the_text_in_the_editor_counts_and_not_the_file(tmp_path: Path) -> None:
    file = tmp_path / "lock.py"
    file.write_text(LOCK.replace("self.granted = c", "self.granted = 1"))

    async def session(editor: Editor) -> None:
        assert await editor.problems(file, LOCK) == []
        assert await editor.problems(tmp_path / "nowhere.py", LOCK.replace(" -> bool", "")) == [
            "31:5-31:25 `mutual_exclusion` has no return annotation | write `-> None`, `-> bool`..."
        ]

    edit(session)


TWO_CLASSES = """
class Careless(Lock):
    \"\"\"Has all that its base has.\"\"\"


class Counter(Model):
    \"\"\"Another.\"\"\"

    many: Map[int, bool]
    name: str

class Later(Model):
    \"\"\"Needs what is not there.\"\"\"

    on: bool

    @action
    def switch(self) -> None:
        self.of = True

    @action
    def other(self) -> bool:
        return self.on
"""


def test_all_that_is_wrong_is_told_a_mistake_once(tmp_path: Path) -> None:
    text = LOCK.replace("self.granted = None", "self.grantd = None").replace(
        "Client if self", "Client if sefl", 1
    )
    text += "\n\n" + TWO_CLASSES + "\n\nbroken = 1 / 0\nmore = broken + 1\nimport nowhere_at_all\n"

    async def session(editor: Editor) -> None:
        assert await editor.problems(tmp_path / "all.py", text) == GOLDEN

    edit(session)


GOLDEN = [
    "28:9-28:20 the model has no variable `grantd` | its variables: granted, holds",
    "33:46-33:50 unknown name `sefl` | define or import it above the model, or assign it first",
    "44:5-44:25 `many` has no finite size: an int without bounds | write Annotated[int, Range(low, high)]",
    "45:5-45:14 `name`: str is not a type of the modelling language"
    ' | write Literal["idle", "busy"] listing every value, or an Enum',
    "54:9-54:16 the model has no variable `of` | its variables: on",
    "57:24-57:28 an action returns nothing | write `-> None`",
    "61:10-61:15 importing all.py fails with ZeroDivisionError: division by zero",
    "63:1-63:22 importing all.py fails with ModuleNotFoundError: No module named 'nowhere_at_all'",
]


def test_what_a_file_does_when_it_is_imported_stops_nothing(tmp_path: Path) -> None:
    beginnings = {
        "loop": "while True:\n    pass\n",
        "stubborn": "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True:\n    signal.pause()\n",
        "exits": "import sys\nsys.exit()\n",
        "dies": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
        "leaves": "import os\nos._exit(0)\n",
        "forks": "import os\nos.fork()\n",
        "prints": "import os\nprint('Content-Length: 1')\nos.write(1, b'noise')\n",
        "reads": "import sys\nsys.stdin.read()\n",
        "nested": "x = " + "(" * 5000 + "\n",
    }

    async def session(editor: Editor) -> None:
        said = {
            name: await editor.problems(tmp_path / f"{name}.py", text + LOCK)
            for name, text in beginnings.items()
        }
        assert said == STOPPED
        assert await editor.problems(tmp_path / "loop.py", LOCK) == []

    edit(session, seconds=4)


REMEDY = 'put the code that runs it as a program under `if __name__ == "__main__":`'
STOPPED = {
    "loop": [
        "1:1-1:12 importing this takes more than 4 s, and was stopped here | move slow code into a function"
    ],
    "stubborn": ["1:1-1:2 importing this takes more than 4 s"],
    "exits": [f"2:1-2:11 exits.py exits when it is imported | {REMEDY}"],
    "dies": ["1:1-1:2 Python crashes when this is imported"],
    "leaves": [f"2:1-2:12 leaves.py exits when it is imported | {REMEDY}"],
    "forks": [],
    "prints": [],
    "reads": [],
    "nested": ["1:205-1:206 SyntaxError: too many nested parentheses"],
}


def test_a_file_that_does_not_import_ratified_is_not_run(tmp_path: Path) -> None:
    made = tmp_path / "made"

    async def session(editor: Editor) -> None:
        text = f"import pathlib\npathlib.Path({str(made)!r}).touch()\n"
        assert await editor.problems(tmp_path / "script.py", text) == []
        assert not made.exists()
        assert await editor.problems(tmp_path / "script.py", text + "import ratified\n") == []
        assert made.exists()

    edit(session)


def test_hover_has_the_type_and_how_many_values(tmp_path: Path) -> None:
    file = tmp_path / "lock.py"

    async def session(editor: Editor) -> None:
        await editor.problems(file, LOCK)
        holds = "```python\nholds: Map[Client, bool]\n```\nvariable, 8 values with Client=3"
        assert await editor.hover(file, 13, 6) == holds
        assert await editor.hover(file, 20, 15) == holds
        assert await editor.hover(file, 16, 22) == (
            "```python\nc: Client\n```\nparameter of acquire, 3 values with Client=3"
        )
        assert await editor.hover(file, 0, 3) is None
        # Columns are counted as the protocol counts them, in units of UTF-16.
        await editor.problems(
            file, LOCK.replace("require(self.holds[c])", "'\U0001d538\U0001d539'; require(self.holds[c])")
        )
        assert await editor.hover(file, 25, 34) == holds

    edit(session)


def test_quick_fixes_are_those_after_which_the_problem_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "lock.py"
    typed = {
        "granted: Client | None": ("holds: Map", "holds: dict", "Write holds: Map[Client, bool]"),
        "a name": ("self.granted = None", "self.grantd = None", "Write granted"),
        "a return": ("mutual_exclusion(self) -> bool", "mutual_exclusion(self)", "Write -> bool"),
        "another return": (
            "mutual_exclusion(self) -> bool",
            "mutual_exclusion(self) -> int",
            "Write -> bool",
        ),
        "an import": ("action, invariant", "action", "Import invariant"),
    }

    async def session(editor: Editor) -> None:
        for right, wrong, title in typed.values():
            fixed = await editor.fixed(file, LOCK.replace(right, wrong, 1))
            assert list(fixed) == [title]
            assert await editor.problems(file, fixed[title]) == []
        # What the author has to choose is no edit.
        assert await editor.fixed(file, LOCK.replace("granted: Client | None", "granted: int")) == {}

    edit(session)


def test_lenses_run_what_they_say_and_show_what_came_of_it(tmp_path: Path) -> None:
    file = tmp_path / "lock.py"
    file.write_text(LOCK)
    broken = LOCK.replace("require(self.granted is None)", "pass")
    over = ["10: Check Client=3", "10: Prove", "10: Graph Client=3"]

    async def session(editor: Editor) -> None:
        await editor.problems(file, LOCK)
        assert await editor.lenses(file) == over
        holds = await editor.run("check", file, "Lock")
        assert holds.startswith("HOLDS  Lock: 1 property")
        assert await editor.lenses(file) == [*over, f"10: {holds}", "31: holds with Client=3"]
        await editor.problems(file, broken)
        assert (await editor.lenses(file))[-1] == "31: holds with Client=3 (before the last change)"
        assert await editor.run("check", file, "Lock") == "lock.py has unsaved changes: save it first"
        file.write_text(broken)
        assert (await editor.run("check", file, "Lock")).startswith("VIOLATED  Lock: mutual_exclusion")
        assert (await editor.lenses(file))[-1] == "31: violated with Client=3"
        assert (await editor.run("prove", file, "Lock")).startswith("NOT PROVED  Lock: 1 obligation")
        assert await editor.run("check", file, "Clock") == "lock.py no longer has a model Clock"
        assert await editor.run("graph", file, "Lock")
        (picture,) = editor.shown
        assert picture.endswith("graph-Lock.svg")

    edit(session)


def test_without_its_packages_the_server_names_the_extra(tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise ModuleNotFoundError(name='pygls')\n")
    made = subprocess.run(
        [sys.executable, "-m", "ratified.editor.main"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 2
    assert made.stderr == (
        "Error: the language server needs the package pygls\n"
        "  pip install 'lsprotocol>=2025.0.0' 'pygls>=2.0'  (the extra `editor`)\n"
    )
