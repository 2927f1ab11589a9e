"""Clients of one file each, in four languages: each drives a service along every step, and finds the one that is broken."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified import ProcessDriver, Verdict, drive
from ratified.conformance.drive.elections import Elections, Library
from ratified.conformance.drive.locks import Locks


def tool(name: str) -> str:
    """Where a tool is."""
    found = shutil.which(name)
    assert found, f"{name} is missing: .ci/run installs it"
    return found


def javascript(sources: Path, made: Path) -> list[str]:
    return [tool("node"), str(sources / "js" / "locks.js")]


def java(sources: Path, made: Path) -> list[str]:
    files = [sources / "java" / name for name in ("RatifiedDrive.java", "Locks.java")]
    subprocess.run([tool("javac"), "-Xlint:all", "-Werror", "-d", made, *files], check=True)
    return [tool("java"), "-XX:TieredStopAtLevel=1", "-cp", str(made), "Locks"]


def rust(sources: Path, made: Path) -> list[str]:
    source, program = sources / "rust" / "locks.rs", made / "locks"
    subprocess.run([tool("rustc"), "--edition", "2021", "-D", "warnings", "-o", program, source], check=True)
    return [str(program)]


def go(sources: Path, made: Path) -> list[str]:
    program = made / "locks"
    subprocess.run([tool("go"), "build", "-o", program, "."], cwd=sources / "go", check=True)
    return [str(program)]


@pytest.mark.parametrize(
    "built", [javascript, java, rust, pytest.param(go, marks=pytest.mark.slow)], ids=lambda b: b.__name__
)
def test_a_service_is_driven_and_a_broken_one_is_found(
    built: Callable[[Path, Path], list[str]], tmp_path: Path, checkout: Path
) -> None:
    command = built(checkout / "conformance" / "drive", tmp_path)
    model = Locks(Client=2, most=3)
    result = drive(ProcessDriver(command, 60.0), model, walks=2)
    result.expect(Verdict.HOLDS, states=16, edges=28, taken=28, walks=4, ignored=0, reasons={})
    assert result.refused == result.forbidden > 0
    assert result.unobserved == ()
    deviation = drive(ProcessDriver([*command, "broken"], 60.0), model).deviation
    assert deviation is not None
    assert (
        deviation.what
        == "release(c2) is not refused, but the model forbids it: holder is c2, the model has c1"
    )
    assert deviation.details == ("grants is 2, the model has 1", "waiting is [], the model has [c2]")
    assert [str(asked.ask) for asked in deviation.walk] == ["acquire(c1)", "wait(c2)", "release(c2)"]


def test_in_javascript_a_misplaced_member_is_refused_and_hello_may_be_a_function(checkout: Path) -> None:
    begin = f"const {{ drive }} = require('{checkout}/conformance/drive/js/drive'); drive({{ "
    rest = "reset() {}, actions: {}, observe() {}, "
    asked = b'{"id": 1, "hello": {"sizes": {"Client": 2}}}\n{"id": 2, "bye": {}}\n'

    def said(more: str) -> tuple[int, str, str]:
        command = [tool("node"), "-e", f"{begin}{rest}{more} }})"]
        done = subprocess.run(command, check=False, input=asked, capture_output=True)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    refusal = "what is driven has hello, reset, actions, observe, and no refuses\n"
    assert said("refuses: true") == (1, "", refusal)
    told = '{"id":1,"hello":{"protocol":1,"refuses":true,"cannot":{"wait":"2"}}}\n{"id":2,"bye":{}}\n'
    assert said("hello: (m) => ({ refuses: true, cannot: { wait: `${m.sizes.Client}` } })") == (0, told, "")


@pytest.mark.long(suite="drivers")
def test_the_raft_library_of_etcd_is_driven_along_elections(checkout: Path, tmp_path: Path) -> None:
    program = tmp_path / "etcdraft"
    sources = checkout / "conformance" / "drive" / "etcdraft"
    subprocess.run([tool("go"), "build", "-o", program, "."], cwd=sources, check=True)
    two, three = Elections(Node=2, most=2), Elections(Node=3)
    result = drive(Library([str(program), "2"], 60.0), two)
    result.expect(Verdict.HOLDS, states=285, edges=1_258, taken=1_258, reasons={})
    result = drive(Library([str(program), "3"], 60.0), three)
    result.expect(Verdict.HOLDS, states=2_494, edges=24_186, taken=24_186, reasons={})
    deviation = drive(Library([str(program), "3", "forgetful"], 60.0), three).deviation
    assert deviation is not None
    # Which node it is depends on the order in which walks cover the graph: all are alike.
    node = str(deviation.walk[0].ask).removeprefix("campaign(").removesuffix(")")
    assert node in ("n1", "n2", "n3")
    assert [str(asked.ask) for asked in deviation.walk] == [f"campaign({node})", f"restart({node})"]
    assert deviation.what == f"after restart({node}): vote[{node}] is None, the model has {node}"
