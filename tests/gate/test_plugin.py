"""The plugin for pytest: claims are items, failures are reports, and pytest's own options work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ratified.cli import exploring
from ratified.testing import gate
from tests.gate.folders import BROKEN, CONFIGURED, LOCK, forget, masked, places, squeezed, write

TWO_CLAIMS = (
    LOCK
    + """
    @invariant
    def granted_is_held(self) -> bool:
        \"\"\"Whoever was granted the lock believes to have it.\"\"\"
        return self.granted is None or self.holds[self.granted]
"""
)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Work in a folder with a model and its configuration."""
    monkeypatch.setattr(sys, "path", places())
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    write(pytester.path, lock=LOCK, toml=CONFIGURED)
    return pytester


def run(project: pytest.Pytester, *options: str) -> tuple[int, str]:
    """The exit status, and what pytest says, without times."""
    forget()
    plain = ("-p", "no:hypothesispytest", "-p", "no:anyio", "-W", "default")
    found = project.runpytest_inprocess(*plain, *options)
    return int(found.ret), masked(found.stdout.str())


def items(project: pytest.Pytester, *options: str) -> list[str]:
    """The ids that are collected."""
    _, out = run(project, "--collect-only", "-q", *options)
    return [line for line in out.splitlines() if "::" in line]


def test_each_claim_is_an_item(project: pytest.Pytester) -> None:
    sizes = CONFIGURED.replace("{ Client = 2 }", "[{ Client = 2 }, { Client = 3 }]\ndeadlock = true")
    write(project.path, lock=TWO_CLAIMS, toml=sizes)
    assert items(project) == [
        f"lock.py::Lock[Client={n}]::{claim}"
        for n in (2, 3)
        for claim in ("mutual_exclusion", "granted_is_held", "deadlock")
    ]
    status, out = run(project)
    assert status == 0
    assert "ratified: pyproject.toml: 2 models\n" in out
    assert "lock.py ......" in out


FAILURE = f"""\
Lock[Client=2]::mutual_exclusion {"_" * 84}
VIOLATED  Lock[Client=2]: mutual_exclusion fails after 2 steps

model       Lock
sizes       Client=2
engine      reference
symmetry    not used
states      5 distinct, 9 generated, depth 3
successors  2 to 3, 2.7 on average
time        T s
memory      M MB

action   fired  new states
acquire      6           4
release      2           0

property          kind
mutual_exclusion  invariant  VIOLATED

shortest counterexample (2 steps)

  0  initial state
       granted  None
       holds    False everywhere

  1  acquire(c=c1)
     The service grants the lock to c1.
       granted    None -> c1
       holds[c1]  False -> True

  2  acquire(c=c2)
     The service grants the lock to c2.
       granted    c1 -> c2
       holds[c2]  False -> True

mutual_exclusion fails after 2 steps  (invariant)  lock.py:31:5
     31 |     def mutual_exclusion(self) -> bool:
        |     ^^^^^^^^^^^^^^^^^^^^
{" short test summary info ".center(200, "=")}
FAILED lock.py::Lock[Client=2]::mutual_exclusion - VIOLATED: mutual_exclusion fails after 2 steps
"""


def test_a_failure_is_the_report(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    write(project.path, lock=BROKEN)
    status, out = run(project, "-q")
    assert status == 1

    head = "Lock[Client=2]::mutual_exclusion"
    assert out[out.index(head) :].replace("_", "").startswith(FAILURE.replace("_", ""))


def test_what_another_violation_leaves_undecided_has_not_passed(project: pytest.Pytester) -> None:
    write(project.path, lock=TWO_CLAIMS.replace("require(self.granted is None)", "require(True)"))
    status, out = run(project, "-q", "-k", "granted_is_held")
    assert status == 1
    assert "granted_is_held is undecided: the exploration stopped where mutual_exclusion fails\n" in out
    assert "shortest counterexample" not in out


def test_the_options_of_pytest_work(project: pytest.Pytester) -> None:
    write(project.path, lock=TWO_CLAIMS.replace("require(self.granted is None)", "require(True)"))
    assert items(project, "-k", "mutual") == ["lock.py::Lock[Client=2]::mutual_exclusion"]
    one = "lock.py::Lock[Client=2]::granted_is_held"
    assert items(project, one) == [one]
    assert run(project, "-q", "-x")[1].count("FAILED") == 1
    run(project, "-q")
    status, out = run(project, "-q", "--lf", "-k", "granted")
    assert (status, out.count("FAILED")) == (1, 1)
    run(project, "--junitxml=report.xml")
    cases = list(ET.parse(project.path / "report.xml").iter("testcase"))
    assert [(c.get("classname"), c.get("name")) for c in cases] == [
        ("lock.Lock[Client=2]", "mutual_exclusion"),
        ("lock.Lock[Client=2]", "granted_is_held"),
    ]
    (failure,) = cases[0].iter("failure")
    assert failure.get("message") == "VIOLATED: mutual_exclusion fails after 2 steps"
    assert "lock.py:31:5" in (failure.text or "")


def test_another_size_may_be_asked_for(project: pytest.Pytester) -> None:
    two = CONFIGURED.replace("{ Client = 2 }", "[{ Client = 2 }, { Client = 3 }]")
    pinned = CONFIGURED.replace("{ Client = 2 }", '{ Client = 5 }\nname = "pinned"\nstates = 6')
    write(project.path, toml=two + pinned)
    assert items(project)[-1] == "lock.py::pinned[Client=5]::counts"
    assert items(project, "--ratified-size", "Client=4") == [
        "lock.py::Lock[Client=4]::mutual_exclusion",
        "lock.py::pinned[Client=4]::mutual_exclusion",
    ]
    assert run(project, "--ratified-size", "Client=4")[0] == 0
    assert "counts" in items(project, "--ratified-size", "Client=5")[-1]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--ratified-size=Client", "--ratified-size Client: write a sort and a number, as Client=3"),
        ("--ratified-size=Client=0", "--ratified-size Client=0: write a sort and a number, as Client=3"),
        ("--ratified-seconds=-1", "--ratified-seconds -1.0: write a number of seconds"),
        ("--ratified-seconds=nan", "--ratified-seconds nan: write a number of seconds"),
        ("--ratified-cache=lock.py", "lock.py is not a folder, so it cannot be the cache"),
    ],
)
def test_options_that_make_no_sense(option: str, message: str, project: pytest.Pytester) -> None:
    forget()
    found = project.runpytest_inprocess(option)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {message}" in found.stderr.str()


def test_a_size_of_no_model(project: pytest.Pytester) -> None:
    status, out = run(project, "--ratified-size=Clint=3")
    assert status == 2
    assert "--ratified-size Clint: no model has a sort 'Clint'\n  they have Client\n" in out


def test_undecided_is_a_failure_that_says_so(project: pytest.Pytester) -> None:
    status, out = run(project, "--ratified-seconds=0", "-q")
    assert status == 1
    assert "UNDECIDED  Lock[Client=2]: no violation in " in out
    assert 'an undecided model has not passed; undecided = "allow" in the configuration lets it pass\n' in out
    write(project.path, toml=CONFIGURED + 'undecided = "allow"\n')
    status, out = run(project, "--ratified-seconds=0")
    assert status == 0
    assert "RatifiedWarning: Lock[Client=2]: UNDECIDED: no violation in " in squeezed(out)


DOUBTFUL = (
    LOCK.replace("    granted: Client", "    closed: bool\n    granted: Client")
    + """
    @action
    def close(self, c: Client) -> None:
        require(self.holds[c] and self.granted is None)
        self.closed = True

    @invariant
    def closed_is_free(self) -> bool:
        return not self.closed or self.granted is None
"""
)


def test_what_may_say_less_than_it_seems_is_a_warning(project: pytest.Pytester) -> None:
    write(project.path, lock=DOUBTFUL)
    status, out = run(project)
    assert status == 0
    assert "RatifiedWarning: Lock[Client=2]: close never fired\n" in out
    assert (
        "RatifiedWarning: Lock[Client=2]: closed_is_free holds vacuously: "
        "the conclusion was not tested in any visited state\n"
    ) in out
    assert run(project, "-W", "error::ratified.RatifiedWarning")[0] == 1


STUCK = LOCK.replace("require(self.holds[c])", "require(self.holds[c] and self.granted is None)")


def test_a_state_without_successors_is_told_unless_something_is_said_of_it(project: pytest.Pytester) -> None:
    write(project.path, lock=STUCK)
    status, out = run(project)
    assert status == 0
    assert "RatifiedWarning: Lock[Client=2]: there is a state from which no step is possible" in out
    write(project.path, toml=CONFIGURED + "deadlock = false\n")
    status, out = run(project)
    assert status == 0
    assert "no step is possible" not in out
    write(project.path, toml=CONFIGURED + "deadlock = true\n")
    status, out = run(project, "-q")
    assert status == 1
    assert "FAILED lock.py::Lock[Client=2]::deadlock" in out


def test_it_is_explored_once_for_all_of_its_claims(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    explored = []
    real = exploring.explore

    def counted(model: object, how: object, progress: None) -> object:
        explored.append(repr(model))
        return real(model, how, progress)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(gate, "explore", counted)
    write(project.path, lock=TWO_CLAIMS)
    assert run(project)[0] == 0
    assert explored == ["Lock(Client=2)"]
    assert "ratified: unchanged since WHEN (--ratified-no-cache explores again)\n" in run(project)[1]
    assert explored == ["Lock(Client=2)"]
    assert run(project, "--collect-only")[0] == 0
    assert run(project, "--ratified-no-cache")[0] == 0
    assert explored == ["Lock(Client=2)"] * 2


def test_processes_share_one_exploration(project: pytest.Pytester) -> None:
    """Each exploration of this model leaves a line in a file."""
    spying = TWO_CLAIMS.replace("require(self.granted is None)", "require(True)")
    write(
        project.path,
        lock=spying,
        conftest=(
            "from pathlib import Path\n"
            "from ratified.testing import gate\n"
            "real = gate.explore\n"
            "def counted(*given):\n"
            "    with Path('explored').open('a') as file:\n"
            "        file.write('once\\n')\n"
            "    return real(*given)\n"
            "gate.explore = counted\n"
        ),
    )
    plain = ("-p", "no:hypothesispytest", "-p", "no:anyio")
    found = project.runpytest_subprocess(
        *plain, "-n", "2", "--dist", "loadgroup", "-v", "--ratified-no-cache", "--junitxml=report.xml"
    )
    assert found.ret == 1
    assert (project.path / "explored").read_text() == "once\n"
    assert "FAILED lock.py::Lock[Client=2]::mutual_exclusion@Lock(Client=2) - VIOLATED" in found.stdout.str()
    workers = {
        line.split()[0] for line in found.outlines if line.startswith("[gw") and "@Lock(Client=2)" in line
    }
    assert len(workers) == 1
    cases = [
        (c.get("classname"), c.get("name")) for c in ET.parse(project.path / "report.xml").iter("testcase")
    ]
    assert sorted(cases) == [("lock.Lock[Client=2]", n) for n in ("granted_is_held", "mutual_exclusion")]


def test_the_claims_of_a_model_are_one_group_of_xdist(project: pytest.Pytester) -> None:
    write(project.path, lock=TWO_CLAIMS)
    forget()
    found, _ = project.inline_genitems()
    assert [[m.args for m in i.iter_markers("xdist_group")] for i in found] == [[("Lock(Client=2)",)]] * 2


def test_what_is_configured_is_collected_wherever_it_lies(project: pytest.Pytester) -> None:
    hidden = project.mkdir("build")
    (project.path / "lock.py").rename(hidden / "lock.py")
    tests = project.mkdir("tests")
    (tests / "test_one.py").write_text("def test_one(): pass\n")
    toml = CONFIGURED.replace("lock.py", "build/lock.py")
    write(project.path, toml=f'{toml}\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n')
    assert items(project) == [
        "tests/test_one.py::test_one",
        "build/lock.py::Lock[Client=2]::mutual_exclusion",
    ]
    status, out = run(project, "tests")
    assert status == 0
    assert out.splitlines()[-2] == "ratified: not part of this run: Lock[Client=2]"


def test_only_what_is_configured_is_collected_of_a_folder_that_is_passed_over(
    project: pytest.Pytester,
) -> None:
    hidden = project.mkdir("build")
    (project.path / "lock.py").rename(hidden / "lock.py")
    (hidden / "test_built.py").write_text("def test_built(): assert False\n")
    write(
        project.path, toml=CONFIGURED.replace("lock.py", "build/lock.py"), test_one="def test_one(): pass\n"
    )
    assert items(project) == ["build/lock.py::Lock[Client=2]::mutual_exclusion", "test_one.py::test_one"]
    assert items(project, "--ignore", "build") == ["test_one.py::test_one"]


def test_one_project_of_several_in_a_repository(project: pytest.Pytester) -> None:
    one, other = (project.mkdir(name) for name in ("one", "other"))
    for name in ("lock.py", "pyproject.toml"):
        (project.path / name).rename(one / name)
    (other / "test_two.py").write_text("def test_two(): pass\n")
    write(project.path, toml="[tool.pytest.ini_options]\n")
    checked = ["one/lock.py::Lock[Client=2]::mutual_exclusion"]
    assert items(project, "one") == checked
    status, out = run(project)
    assert status == 0
    assert (
        "one/pyproject.toml:1: RatifiedWarning: what is configured here is not part of this run: pytest one\n"
    ) in out
    assert run(project, "-W", "error::ratified.RatifiedWarning")[0] != 0
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(one)
        assert items(project) == checked
        assert "1 passed" in run(project, "-n", "1")[1]


def test_a_model_in_a_file_of_tests_is_collected_beside_them(project: pytest.Pytester) -> None:
    write(
        project.path,
        test_lock=f"{LOCK}\n\ndef test_one():\n    assert Lock(Client=2)\n",
        toml=CONFIGURED.replace("lock.py", "test_lock.py"),
    )
    assert items(project) == [
        "test_lock.py::test_one",
        "test_lock.py::Lock[Client=2]::mutual_exclusion",
    ]


def test_bundled_models_are_items_of_the_configuration(project: pytest.Pytester) -> None:
    write(project.path, toml='[[tool.ratified.models]]\nmodel = "consensus"\nsizes = "small"\n')
    found = items(project)
    assert found
    assert all(name.startswith("pyproject.toml::consensus[small]::") for name in found)


MARKED = """\
import ratified
from lock import Lock

@ratified.model_test(Client=[1, 2, 3])
class Careful(Lock):
    pass
"""


def test_a_marked_model_is_tested_at_its_sizes(project: pytest.Pytester) -> None:
    (project.path / "pyproject.toml").unlink()
    write(project.path, test_marked=MARKED)
    assert items(project) == [f"test_marked.py::Careful[Client={n}]::mutual_exclusion" for n in (1, 2, 3)]
    assert run(project)[0] == 0
    write(project.path, test_more="from test_marked import Careful\n")
    assert len(items(project)) == 6
    (project.path / "test_more.py").unlink()
    write(project.path, lock=BROKEN)
    status, out = run(project, "-q")
    assert status == 1
    assert out.count("FAILED test_marked.py::Careful") == 2


def test_what_derives_from_a_marked_model_is_not_marked(project: pytest.Pytester) -> None:
    write(project.path, toml="", test_marked=MARKED + "class Other(Careful):\n    pass\n")
    assert len(items(project)) == 3


FIXTURE = """\
from lock import Lock
from ratified import Verdict

def test_holds(ratified_check):
    result = ratified_check(Lock(Client=2), states=3, depth=2)
    assert result.generated == 5

def test_count(ratified_check):
    ratified_check(Lock(Client=2), states=4)

def test_violated(ratified_check):
    ratified_check(Lock(Client=2), Verdict.VIOLATED)

def test_never(ratified_check):
    Lock(Client=2)
"""


def test_the_fixture_fails_unless_it_is_as_expected(project: pytest.Pytester) -> None:
    write(project.path, toml="", test_lock=FIXTURE)
    status, out = run(project, "-q", "-rA")
    assert status == 1
    ends = [line.partition(" - ")[0] for line in out.splitlines() if "test_lock.py::" in line]
    assert sorted(ends) == [
        "ERROR test_lock.py::test_never",
        "FAILED test_lock.py::test_count",
        "FAILED test_lock.py::test_violated",
        "PASSED test_lock.py::test_holds",
        "PASSED test_lock.py::test_never",
    ]
    assert "HOLDS  Lock(Client=2): 1 property holds in all 3 states; but 4 states were expected\n" in out
    assert "ratified_check was never called: this test checked no model\n" in out


CONFORMANCE = """\
from ratified import Driver, Verdict
from ratified.conform.driving.driver import Refused
from hypothesis.stateful import RuleBasedStateMachine, rule
from lock import Lock

class Locks(Driver):
    model = Lock
    def reset(self):
        self.holder = None
    def acquire(self, c):
        if self.holder is not None:
            raise Refused("somebody has it")
        self.holder = c
    def release(self, c):
        if self.holder != c:
            raise Refused("it is not yours")
        self.holder = None
    def observe(self):
        return {"granted": self.holder}

class Careless(Locks):
    def acquire(self, c):
        self.holder = c

class Machine(RuleBasedStateMachine):
    steps = 0
    @rule()
    def step(self):
        self.steps += 1
        assert self.steps < 3, "three steps"

def holds():
    return Verdict.HOLDS
"""


def test_implementations_are_items(project: pytest.Pytester) -> None:
    entries = "".join(
        f'[[tool.ratified.conformance]]\ndriver = "impl.py:{name}"\n{sizes}'
        for name, sizes in (
            ("Locks", "sizes = { Client = 2 }\n"),
            ("Careless", "sizes = { Client = 2 }\n"),
            ("Machine", ""),
            ("holds", ""),
        )
    )
    write(project.path, impl=CONFORMANCE, toml=entries)
    status, out = run(project, "-q", "-rA")
    assert status == 1
    ends = [line.partition(" - ")[0] for line in out.splitlines() if "impl.py::" in line]
    assert sorted(ends) == [
        "FAILED impl.py::Careless[conformance]",
        "FAILED impl.py::Machine[conformance]",
        "PASSED impl.py::Locks[conformance]",
        "PASSED impl.py::holds[conformance]",
    ]
    assert "VIOLATED  impl.py:Machine: AssertionError: three steps\n" in out


def test_proofs_are_items_and_are_kept(project: pytest.Pytester) -> None:
    write(
        project.path,
        proof=(
            "from ratified import invariant, lemma\n"
            "from lock import Client, Lock\n\n"
            "class LockProof(Lock):\n"
            "    @lemma\n"
            "    def holder_is_granted(self) -> bool:\n"
            "        return all(self.granted == c for c in Client if self.holds[c])\n"
        ),
        toml='[[tool.ratified.proofs]]\nmodel = "proof.py:LockProof"\n',
    )
    status, out = run(project, "-q", "-rA")
    assert status == 0, out
    assert "PASSED proof.py::LockProof[proof]\n" in out
    assert "ratified: unchanged since WHEN" in run(project)[1]
    write(project.path, lock=BROKEN)
    status, out = run(project, "-q")
    assert status == 1
    assert "FAILED proof.py::LockProof[proof]" in out
    assert "NOT PROVED  LockProof[proof]: " in out


def test_a_wrong_configuration_is_an_error_of_every_run(project: pytest.Pytester) -> None:
    write(project.path, toml=CONFIGURED.replace("sizes", "size"), test_one="def test_one(): pass\n")
    for options in ((), ("test_one.py",), ("-n", "1")):
        (project.path / "report.xml").write_text("yesterday's")
        status, out = run(project, "--junitxml=report.xml", *options)
        assert status != 0
        assert (
            "pyproject.toml:3:1: there is no key 'size' here\n"
            "    3 | size = { Client = 2 }\n"
            "      | ^^^^\n"
            "  did you mean sizes?\n"
        ) in out
        assert "there is no key 'size' here" in (project.path / "report.xml").read_text()


def test_where_nothing_is_configured_nothing_is_imported(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(
        "import sys\n"
        "def test_one():\n"
        "    ours = sorted(n for n in sys.modules if n.partition('.')[0] == 'ratified')\n"
        "    assert ours == ['ratified', 'ratified.cli', 'ratified.cli.gate', 'ratified.cli.gate.finding',\n"
        "                    'ratified.results', 'ratified.results.pictures', 'ratified.testing',\n"
        "                    'ratified.testing.plugin', 'ratified.testing.scope', 'ratified.version']\n"
    )
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:hypothesispytest"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout
