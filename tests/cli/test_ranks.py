"""`--ranks`, `mpiexec ratified check`, and what can go wrong there: one message, an exit status, and nothing that hangs."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ratified.cli.launching import slots_of
from ratified.cli.main import run
from ratified.cli.progress import line
from ratified.cli.ranks import LAUNCHED, started_by_mpi
from ratified.extras import install
from ratified.language.errors import RatifiedError
from ratified.results.result import Progress

MPIEXEC = Path(sys.executable).parent / "mpiexec"
RATIFIED = (sys.executable, "-m", "ratified")

COUNT = '''
from typing import Annotated

from ratified import Model, Range, action, invariant, require


class Count(Model):
    """Counts."""

    n: Annotated[int, Range(0, {most})] = 0

    @action
    def up(self) -> None:
        """One more."""
        require(self.n < {most})
        self.n = self.n + 1

    @invariant
    def small(self) -> bool:
        """It is not large."""
        return self.n <= {most}
'''

RESTS = '''
from typing import Annotated

from ratified import Model, Range, action, eventually, require


class Rests(Model):
    """Comes to rest."""

    n: Annotated[int, Range(0, 2)] = 0

    @action
    def up(self) -> None:
        """One more."""
        require(self.n < 2)
        self.n = self.n + 1

    @eventually
    def at_rest(self) -> bool:
        """It stops."""
        return self.n == 2
'''


def mpi(*parts: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    """What mpiexec does with that: status, what was printed, what was complained of (but for what mpiexec itself says)."""
    done = subprocess.run(
        [str(MPIEXEC), *parts],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=folder,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout, done.stderr


def ratified(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RATIFIED, *arguments], capture_output=True, text=True, check=False, timeout=300, cwd=folder
    )


def test_the_report(tmp_path: Path) -> None:
    """Of a violation: the same counts and the same run as of a single process, to the last character."""
    command = ("check", "paxos-ignores-promise", "--format", "json", "-o")
    several = ratified(*command, "several.json", "--ranks", "2", folder=tmp_path)
    one = ratified(*command, "one.json", folder=tmp_path)
    assert (several.returncode, several.stderr, one.returncode) == (1, "", 1)
    assert re.search(
        r"^ranks +2, \d threads? in all; imbalance 1\.\d\d, \d+\.\d bytes sent a state$",
        several.stdout,
        re.MULTILINE,
    )
    run_of = re.compile(r"^shortest counterexample.*", re.MULTILINE | re.DOTALL)
    assert run_of.findall(several.stdout) == run_of.findall(one.stdout) != []
    of_several, of_one = (
        json.loads((tmp_path / f"{name}.json").read_text())["checks"][0] for name in ("several", "one")
    )
    counts = ("distinct", "depth", "generated", "actions", "properties")
    assert [of_several[name] for name in counts] == [of_one[name] for name in counts]
    assert (of_several["ranks"]["ranks"], of_several["ranks"]["machines"]) == (2, 1)


def test_measured_runs(tmp_path: Path) -> None:
    """Shared among ranks, they come to the same, to the last byte."""
    command = ("simulate", "paxos", "--runs", "50", "--measure", "mean: steps", "--format", "json")
    several, one = (ratified(*command, *ranks, folder=tmp_path) for ranks in (("--ranks", "2"), ()))
    assert (several.returncode, several.stderr) == (0, "")
    assert several.stdout == one.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nosuch",), "there is no bundled model 'nosuch'"),
        (("paxos", "--ranks", "3"), "mpiexec has started 2 ranks, and --ranks says 3."),
        (("paxos", "--engine", "reference"), "several ranks need the native engine"),
        (("ping", "--bogus"), "No such option '--bogus'"),
    ],
)
def test_a_mistake_is_told_once(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    status, out, err = mpi("-n", "2", *RATIFIED, "check", *arguments, folder=tmp_path)
    assert (status, out) == (2, "")
    assert err.count(says) == err.count("Error: ") == 1


def test_liveness_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rests.py").write_text(RESTS)
    done = ratified("check", "rests.py", "--ranks", "2", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: rests.py:19:5: `at_rest` is about whole runs (liveness), which is not checked on several ranks\n"
        "   19 |     def at_rest(self) -> bool:\n"
        "      |     ^^^^^^^^^^^\n"
        "  check it in a single process, or choose other claims with --claim\n"
    )


def each(first: Path, second: Path, *arguments: str) -> tuple[str, ...]:
    """A command for mpiexec: one rank in each folder."""
    own = ("-n", "1", "-wdir")
    command = (*RATIFIED, "check", *arguments)
    return (*own, str(first), *command, ":", *own, str(second), *command)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders, each with a model of the same name."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.py").write_text(COUNT.format(most=9))
    return tmp_path / "a", tmp_path / "b"


def test_ranks_with_different_models(folders: tuple[Path, Path]) -> None:
    first, second = folders
    (second / "model.py").write_text(COUNT.format(most=8))
    status, out, err = mpi(*each(first, second, "model.py"), folder=first)
    assert (status, out) == (2, "")
    assert re.fullmatch(
        r"Error: rank 1 of 2 on \S+ has another model than rank 0 on \S+\n  copy the same files to all machines\n",
        err,
    )


def test_a_rank_without_the_model(folders: tuple[Path, Path]) -> None:
    first, second = folders
    (second / "model.py").unlink()
    status, out, err = mpi(*each(first, second, "model.py"), folder=first)
    assert (status, out) == (2, "")
    assert re.match(r"Error: rank 1 of 2 on \S+: .*model\.py", err)
    assert err.count("Error") == 1


def test_a_folder_that_ranks_do_not_share(folders: tuple[Path, Path]) -> None:
    first, second = folders
    (second / "c").mkdir()
    status, out, err = mpi(*each(first, second, "model.py", "--checkpoint", "c"), folder=first)
    assert (status, out) == (2, "")
    assert re.fullmatch(
        r"Error: the checkpoint folder c is not the same for all ranks: "
        r"what rank 0 \(\S+\) writes there is not seen by rank 1 \(\S+\)\n"
        r"  name a folder on a file system that all machines share\n",
        err,
    )
    assert not list((first / "c").glob("shared*"))


def test_no_compiler(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(COUNT.format(most=5))
    nowhere = {"CC": "no-such-compiler"}
    status, out, err = mpi("-n", "2", *RATIFIED, "check", "model.py", folder=tmp_path, **nowhere)
    assert (status, out) == (2, "")
    assert err.count("the C compiler that CC names was not found: no-such-compiler") == 1


def lost(command: list[str], folder: Path, *, checkpoint: bool) -> str:
    """Kill a rank when the first checkpoint (or the list of ranks) is there; what is said of it."""
    launcher = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, start_new_session=True
    )
    victim = 0
    while not victim:
        assert runs_on(launcher)
        if (folder / "c" / "ranks").exists() or not checkpoint:
            victim = next((pid for pid in _ranks_below(launcher.pid) if _is_rank(pid, 1)), 0)
    os.kill(victim, signal.SIGKILL)
    out, err = launcher.communicate(timeout=60)
    assert (launcher.returncode, out) == (3, "")
    return err


def runs_on(launcher: subprocess.Popen[str]) -> bool:
    """Whether a process is still there, a moment later."""
    with suppress(subprocess.TimeoutExpired):
        launcher.wait(0.01)
    return launcher.returncode is None


def _ranks_below(pid: int) -> list[int]:
    """All processes that a process has started, and these in turn."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            own = [int(word) for word in task.read_text().split()]
        except OSError:
            continue
        for child in own:
            found += [child, *_ranks_below(child)]
    return found


def _is_rank(pid: int, rank: int) -> bool:
    try:
        return f"PMI_RANK={rank}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def test_a_rank_that_is_killed(tmp_path: Path) -> None:
    """The others end, the message names it, and the command that it gives goes on and comes to the same counts."""
    (tmp_path / "model.py").write_text(COUNT.format(most=3_000))
    command = [*RATIFIED, "check", "model.py", "--ranks", "2", "--threads", "1", "--checkpoint", "c"]
    err = lost(command, tmp_path, checkpoint=True)
    told = re.fullmatch(
        r"Error: rank 1 of 2 on \S+ was lost: Killed \(signal 9\)\n"
        r"  continue from the last complete level saved, on any number of ranks: ratified (.*)\n",
        err,
    )
    assert told
    assert told[1] == "check model.py --ranks 2 --threads 1 --checkpoint c"
    done = ratified(*told[1].replace("--ranks 2 ", "").split(), "--expect-states", "3001", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "resumed from a checkpoint" in done.stdout


def test_ctrl_c_ends_the_round_and_tells_what_was_seen(tmp_path: Path) -> None:
    """From a terminal, which sends it to all processes; what was saved goes on."""
    (tmp_path / "model.py").write_text(COUNT.format(most=3_000))
    command = ["check", "model.py", "--ranks", "2", "--threads", "1", "--checkpoint", "c"]
    launcher = subprocess.Popen(
        [*RATIFIED, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
    )
    while not (tmp_path / "c" / "ranks").exists():
        assert runs_on(launcher)
    os.killpg(launcher.pid, signal.SIGINT)
    out, err = launcher.communicate(timeout=60)
    assert (launcher.returncode, err) == (3, "")
    assert re.match(r"UNDECIDED  Count: no violation in the [\d,]+ states visited; interrupted\n", out)
    done = ratified("check", "model.py", "--checkpoint", "c", "--expect-states", "3001", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "resumed from a checkpoint" in done.stdout


def test_a_full_disk_on_one_rank(tmp_path: Path) -> None:
    """There is no room for a file of rank 1: the run ends undecided, and goes on when there is, on one rank."""
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "level-2.rank-1").symlink_to("/dev/full")
    command = ("check", "paxos", "Ballot=3", "--checkpoint", "c", "--claim", "agreement", "--ranks", "2")
    done = ratified(*command, folder=tmp_path)
    assert (done.returncode, done.stderr) == (3, "")
    assert re.search(
        r"rank 1 of 2 on \S+: cannot write to c/level-2\.rank-1: No space left on device",
        " ".join(done.stdout.split()),
    )
    (tmp_path / "c" / "level-2.rank-1").unlink()
    done = ratified(*command[:-1], "1", "--expect-states", "185369", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "resumed from a checkpoint" in done.stdout


def test_mpi_is_not_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert run(["check", "paxos", "--ranks", "2"]) == 2
    assert capsys.readouterr().err == (
        f"Error: exploring on several ranks needs MPI, which is not installed\n  {install('mpi')}\n"
    )


def test_mpiexec_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["check", "paxos", "--ranks", "2"]) == 2
    assert capsys.readouterr().err == (
        f"Error: there is no mpiexec to start ranks with\n  {install('mpi')}\n"
    )


def test_more_ranks_than_slots(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("# ours\none:2\ntwo slots=3\nthree\n")
    assert slots_of(hosts) == 6
    assert run(["check", "paxos", "--ranks", "7", "--hosts", str(hosts)]) == 2
    assert capsys.readouterr().err == (
        f"Error: {hosts} has 6 slots, too few for --ranks 7\n"
        "  list more hosts, or say how many ranks a host takes: name:8\n"
    )


def test_hosts_that_are_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What the launcher says of itself is left out; what ssh says of the host is not."""
    mpiexec, hosts = tmp_path / "mpiexec", tmp_path / "hosts"
    mpiexec.write_text(
        "#!/bin/sh\necho 'ssh: no such host' >&2\necho '[mpiexec@x] launch failed' >&2\nexit 255\n"
    )
    mpiexec.chmod(0o755)
    hosts.write_text("nowhere:2\n")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert run(["check", "paxos", "--ranks", "2", "--hosts", str(hosts)]) == 3
    assert capsys.readouterr().err == (
        "Error: mpiexec could not start the ranks (status 255): ssh: no such host\n"
        f"  see whether it starts anything there: mpiexec -hostfile {hosts} -n 2 hostname\n"
    )


def test_a_rank_of_random_runs_that_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """There is nothing to continue from."""
    mpiexec = tmp_path / "mpiexec"
    mpiexec.write_text(
        "#!/bin/sh\necho '=   KILLED BY: PID 7 RUNNING AT here'\necho 'EXIT STRING: Killed (signal 9)'\nexit 9\n"
    )
    mpiexec.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert run(["simulate", "paxos", "--ranks", "2"]) == 3
    assert capsys.readouterr().err == (
        "Error: a process on here was lost: Killed (signal 9)\n"
        "  start it again: ratified simulate paxos --ranks 2\n"
    )


def test_what_ranks_do_not_share(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setenv("PMI_RANK", "1")
    assert (run(["prove", "paxos"]), capsys.readouterr().err) == (0, "")
    monkeypatch.setenv("PMI_RANK", "0")
    assert run(["prove", "paxos"]) == 2
    assert capsys.readouterr() == (
        "",
        "Error: mpiexec has started several processes, and only `check` and `simulate` are shared among them, not `prove`\n"
        "  start it without mpiexec\n",
    )


def test_what_is_no_host(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("one\ntwo:many\n")
    with pytest.raises(RatifiedError, match=rf"^{hosts}:2: 'two:many' is no host\n  write name or name:8$"):
        slots_of(hosts)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--ranks", "0"), "Invalid value for '--ranks': 0 is not in the range x>=1."),
        (("--hosts", __file__), "--hosts says where the ranks run; give their number with --ranks."),
        (("--ranks", "2", "raft"), "--ranks needs a single model, named on the command line."),
    ],
)
def test_usage(arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "paxos", *arguments]) == 2
    assert f"Error: {says}\n" in capsys.readouterr().err


def test_what_started_this_process() -> None:
    assert started_by_mpi({"PMI_RANK": "0", "PMI_SIZE": "2"})
    assert started_by_mpi({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4"})
    assert not started_by_mpi({"PMI_RANK": "0", "PMI_SIZE": "1"})
    assert started_by_mpi({"PMI_RANK": "0", "PMI_SIZE": "1", LAUNCHED: "1"})
    assert not started_by_mpi({})


def test_the_line_of_several_ranks() -> None:
    progress = Progress(2_000_000, 9_000_000, 12, 70_000, 4.0, None, 1.0372, 34.25)
    assert line("raft", progress) == (
        "raft  2,000,000 states  500,000/s  depth 12  queue 70,000  imbalance 1.04  34.2 B sent/state  0:04"
    )
