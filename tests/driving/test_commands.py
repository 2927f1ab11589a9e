"""`ratified conform`, `drive` and `mutants` for drivers and processes of somebody's own: their exact reports."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified.cli.main import run
from tests.driving.test_process import has_ended

LOCKS = "conformance/drive/locks.py:Locks"
SERVICE = "conformance/drive/python/locks.py"


def reported(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """What a command prints, with times and rates masked."""
    assert run(list(arguments)) == status
    told = capsys.readouterr()
    assert status == 2 or told.err == ""
    text = re.sub(r"\d+\.\d s, [\d,]+ steps a second", "# s, # steps a second", told.out or told.err)
    text = re.sub(r"time  \d+\.\d s", "time  # s", text)
    return re.sub(r'"seconds": [\d.]+', '"seconds": 0', text)


@pytest.fixture(autouse=True)
def in_the_checkout(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)


def test_a_driver_of_ones_own(capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]) -> None:
    text = reported(capsys, "conform", "examples/lock_driver.py:Locks", "Client=2")
    golden("conform.txt", text)
    text = reported(capsys, "conform", "examples/lock_driver.py:Locks", "Client=2", "--format", "json")
    golden("conform.json", text)


BROKEN = """\
from lock_driver import Locks
from lock_server import LockServer


class Careless(LockServer):
    def unlock(self, client: str) -> bool:
        held, self.holder = self.holder, None
        return held is not None


class Broken(Locks):
    def reset(self) -> None:
        self.server = Careless()
"""


def test_a_deviation(
    capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None], tmp_path: Path, checkout: Path
) -> None:
    for name in ("lock_driver.py", "lock_server.py", "lock_service.py"):
        shutil.copy(checkout / "examples" / name, tmp_path)
    (tmp_path / "broken.py").write_text(BROKEN)
    text = reported(capsys, "conform", f"{tmp_path}/broken.py:Broken", "Client=3", status=1)
    golden("deviation.txt", text)
    found = json.loads(
        reported(capsys, "conform", f"{tmp_path}/broken.py:Broken", "Client=3", "--format", "json", status=1)
    )
    assert found["deviation"]["walk"] == [
        {"do": "acquire(c1)", "allowed": True, "came": "taken"},
        {"do": "release(c2)", "allowed": False, "came": None},
    ]


def test_a_process(
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # By its short name, so that lines do not break where a machine's paths are long.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    command = ("drive", LOCKS, "Client=2", "most=3", "--walks", "5", "--", "python3", SERVICE)
    golden("drive.txt", reported(capsys, *command))
    golden("drive_broken.txt", reported(capsys, *command, "broken", status=1))


def test_walks_are_exported(
    capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None], tmp_path: Path, checkout: Path
) -> None:
    golden("walks.json", reported(capsys, "drive", LOCKS, "Client=1", "most=1", "--export", "json"))
    text = reported(
        capsys, "drive", LOCKS, "Client=2", "most=2", "--export", "itf", "-o", f"{tmp_path}/walks"
    )
    assert text == f"4 walks of 22 steps in {tmp_path}/walks\n"
    for file in sorted((tmp_path / "walks").iterdir()):
        assert reported(capsys, "trace", LOCKS, str(file)).startswith(f"HOLDS  {file.name}: ")
    test = tmp_path / "test_walks.py"
    asked = ("drive", "examples/lock_driver.py:Locks", "Client=2", "--export", "pytest", "-o", str(test))
    assert reported(capsys, *asked) == f"1 walk of 4 steps in {test}\n"
    golden("walks_pytest.py.txt", test.read_text())


def test_an_exported_test_passes_and_fails_as_the_system_does(tmp_path: Path, checkout: Path) -> None:
    for name in ("lock_driver.py", "lock_server.py", "lock_service.py"):
        shutil.copy(checkout / "examples" / name, tmp_path)
    here = [sys.executable, "-m"]
    asked = [
        "ratified",
        "drive",
        "lock_driver.py:Locks",
        "Client=2",
        "--export",
        "pytest",
        "-o",
        "test_walks.py",
    ]
    subprocess.run([*here, *asked], cwd=tmp_path, check=True, capture_output=True)
    test = [
        *here,
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "no:hypothesispytest",
        "test_walks.py",
    ]
    subprocess.run(test, cwd=tmp_path, capture_output=True, check=True)
    server = tmp_path / "lock_server.py"
    server.write_text(server.read_text().replace("if self.holder != client:", "if self.holder is None:"))
    failed = subprocess.run(test, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert (
        "release(c2) is not refused, but the model forbids it: granted is None, the model has c1"
        in failed.stdout
    )


USES = [
    (("conform", "lock"), "there is no implementation 'lock'\n  bundled: paxos, "),
    (
        ("conform", "examples/lock_driver.py:Lock"),
        "Lock is not a driver\n  derive it from ratified.Driver (docs/driving.md)",
    ),
    (("conform", "examples/lock_driver.py:Locks"), "Lock needs a size for Client\n  give one: Client=3"),
    (("conform", "paxos", "--walks", "3"), "--walks is for drivers of your own; paxos is bundled."),
    (("conform", "paxos", "Acceptor=3"), "SORT=SIZE is for drivers of your own; paxos is bundled."),
    (
        ("conform", "examples/lock_driver.py:Locks", "Client=2", "--events", "3"),
        "--events is for bundled implementations, not for drivers.",
    ),
    (
        ("drive", LOCKS, "Client=2", "most=2"),
        "the command that starts the system is missing: ratified drive MODEL -- COMMAND",
    ),
    (
        ("drive", "examples/lock_driver.py:Locks", "Client=2", "--", "true"),
        "Locks is not a ProcessDriver\n"
        "  derive it from ratified.ProcessDriver; for drivers in Python: ratified conform",
    ),
    (
        ("drive", LOCKS, "Client=2", "most=2", "--serve", "--", "true"),
        "--export and --serve do not drive: they take no command.",
    ),
    (
        ("drive", LOCKS, "Client=2", "most=2", "--export", "pytest"),
        "--export pytest needs a driver to replay the walks.",
    ),
    (
        ("drive", LOCKS, "Client=2", "most=2", "--export", "itf"),
        "--export itf writes a file for each walk: name a folder with -o.",
    ),
    (
        ("drive", LOCKS, "Client=3", "most=9", "--export", "json", "--states", "10"),
        "Locks(Client=3, most=9) has more than 10 states\n  choose smaller sizes, or more --states",
    ),
    (
        ("mutants", "examples/lock_driver.py:Locks", "Client=2"),
        "With a driver, --sweep needs the module to plant mistakes in: --sweep MODULE.py.",
    ),
    (("mutants", "lock"), "there is no implementation 'lock'\n  bundled: paxos, "),
    (
        ("mutants", "examples/lock_driver.py:Locks", "Client=2", "--sweep", "examples/ping.py"),
        "examples/ping.py is not driven: the driver does not import it\n"
        "  the system is a module of its own, which the driver imports",
    ),
    (
        ("mutants", "examples/lock_driver.py:Locks", "Client=2", "--sweep", "examples/none.py"),
        "examples/none.py cannot be read: No such file or directory",
    ),
    (
        ("mutants", "examples/lock_driver.py:Locks", "--sweep", "examples/lock_server.py"),
        "examples/lock_server.py cannot be swept: without a mistake it does not pass\n"
        "Lock needs a size for Client\n  give one: Client=3",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), USES, ids=[" ".join(a) for a, _ in USES])
def test_what_cannot_be_asked_for_is_told(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = reported(capsys, *arguments, status=2)
    assert text.partition("Error: ")[2].startswith(message)


def test_a_model_is_served(golden: Callable[[str, str], None], checkout: Path) -> None:
    asked = [
        {"id": 1, "hello": {}},
        {"id": 2, "step": "acquire", "arguments": {"c": "c1"}},
        {"id": 3, "reset": {}},
        {"id": 4, "enabled": {}},
        {"id": 5, "step": "acquire", "arguments": {"c": "c1"}},
        {"id": 6, "step": "release", "arguments": {"c": "c2"}},
        {"id": 7, "why_not": "release", "arguments": {"c": "c2"}},
        {"id": 8, "why_not": "release", "arguments": {"c": "c1"}},
        {"id": 9, "evaluate": "holder is None"},
        {"id": 10, "evaluate": "holder, grants + 1"},
        {"id": 11, "evaluate": "holder +"},
        {"id": 12, "claims": {}},
        {"id": 13, "step": "release", "arguments": {"c": "c1"}},
        {"id": 14, "step": "acquire", "arguments": {"c": "c1"}},
        {"id": 15, "undo": {}},
        {"id": 16, "undo": {}},
        {"id": 17, "undo": {}},
        {"id": 18, "step": "acquire"},
        {"id": 19, "step": "acquire", "arguments": {"c": "c9"}},
        {"id": 20, "step": "expire", "arguments": {}},
        {"id": 21, "jump": {}},
        {"id": 22, "reset": {"first": "c1"}},
        {"id": 23, "bye": {}},
        {"id": 24, "hello": {}},
    ]
    lines = "".join(json.dumps(one) + "\n" for one in asked) + "\n"
    command = [sys.executable, "-m", "ratified", "drive", LOCKS, "Client=2", "most=1", "--serve"]
    done = subprocess.run(
        command, input="no JSON\n[]\n" + lines, capture_output=True, text=True, cwd=checkout, check=True
    )
    assert done.stderr == ""
    golden("served.ndjson", done.stdout)


def test_ctrl_c_leaves_nothing_running(tmp_path: Path, checkout: Path) -> None:
    fifo = tmp_path / "pids"
    os.mkfifo(fifo)
    node = [sys.executable, "-I", "-S", "tests/driving/node.py", "4", "hang-with-a-child", str(fifo)]
    command = [
        sys.executable,
        "-m",
        "ratified",
        "drive",
        "tests/driving/systems.py:Lock",
        "Client=2",
        "--",
        *node,
    ]
    with subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as driving:
        pids = list(map(int, fifo.read_text().split()))  # which waits for the node
        driving.send_signal(signal.SIGINT)
        out, err = driving.communicate()
    assert (driving.returncode, out, err.strip()) == (130, b"", b"")
    assert all(map(has_ended, pids))
