"""Where teams run it: the action for GitHub step by step, the job for GitLab line by line, the hook, and their page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ratified.cli.commands.init import contents

BROKEN = ("require(self.granted is None)", "require(True)")


def project(folder: Path, *, broken: bool = False) -> Path:
    """Write what `ratified init` writes; perhaps with a model that fails."""
    folder.mkdir()
    for name in ("lock.py", "pyproject.toml"):
        text = contents(Path("nowhere"))[name]
        (folder / name).write_text(text.replace(*BROKEN) if broken else text, encoding="utf-8")
    return folder


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def environment(**more: str) -> dict[str, str]:
    """An environment that does not lead back to the checkout."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "GITHUB_"))}
    return {**kept, **more}


# --- GitHub ---


class Action:
    """The steps of the action that are shell, run as the service runs them."""

    def __init__(self, checkout: Path, temporary: Path) -> None:
        self.action = read(checkout / "action.yml")
        self.values = {"github.action_path": str(checkout), "runner.temp": str(temporary)}
        self.values |= {f"inputs.{name}": i["default"] for name, i in self.action["inputs"].items()}

    def filled(self, text: str) -> str:
        """A text with its expressions replaced; one that is not known here is a mistake."""
        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda m: self.values[m[1]], text)

    def step(self, name: str, folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run a step of a name."""
        self.values |= {f"inputs.{n}": v for n, v in inputs.items()}
        (step,) = [s for s in self.action["runs"]["steps"] if s.get("name") == name]
        assert step["shell"] == "bash"
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],  # noqa: S607 - as the service does
            cwd=folder / self.filled(step.get("working-directory", ".")),
            env=environment(**{n: self.filled(v) for n, v in step["env"].items()}),
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.mark.slow
def test_the_action_installs_checks_annotates_and_keeps_the_report(tmp_path: Path, checkout: Path) -> None:
    temporary = tmp_path / "runner"
    action = Action(checkout, temporary)
    good, bad = project(tmp_path / "good"), project(tmp_path / "bad", broken=True)
    made = action.step("Install Ratified", good, extras="")
    assert made.returncode == 0, made.stderr
    kept = temporary / "ratified"

    made = action.step("Check", good)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("HOLDS  pyproject.toml: 3 of 3 are as expected")
    assert (kept / "report.txt").read_text() in made.stdout
    assert (good / ".ratified-cache").is_dir()
    assert "3 unchanged" in action.step("Check", good).stdout

    made = action.step("Check", bad)
    assert made.returncode == 1
    assert re.search(r"^::error file=lock\.py,line=\d+", made.stdout, re.MULTILINE)
    assert (kept / "annotations.txt").read_text() in made.stdout

    made = action.step("Check", tmp_path, arguments="lock.py:Lock Client=2", **{"working-directory": "bad"})
    assert made.returncode == 1
    made = action.step("Check", tmp_path, arguments="lock.py:Clock", **{"working-directory": "good"})
    assert made.returncode == 2


def test_what_the_action_uses_is_pinned_and_what_it_reads_is_there(checkout: Path) -> None:
    action = read(checkout / "action.yml")
    steps = action["runs"]["steps"]
    assert [s["uses"] for s in steps if "uses" in s] == [
        "actions/setup-python@v5",
        "actions/cache@v4",
        "actions/upload-artifact@v4",
    ]
    text = (checkout / "action.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(action["inputs"])
    # An input is never part of a script, where it would be run; it comes as a variable.
    assert not any("${{" in s["run"] for s in steps if "run" in s)


# --- GitLab ---


def job(checkout: Path, folder: Path, part: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the lines of a part of the job, in one shell, up to the first that fails."""
    made = read(checkout / "ci/ratified.gitlab-ci.yml")["ratified"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(made[part])],  # noqa: S607 - as the service does
        cwd=folder,
        env=environment(**{**made["variables"], "PATH": path, **variables}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_job_for_gitlab_checks_and_writes_its_report(tmp_path: Path, checkout: Path) -> None:
    good, bad = project(tmp_path / "good"), project(tmp_path / "bad", broken=True)
    assert job(checkout, good, "script").returncode == 0
    assert 'failures="0"' in (good / "ratified-report.xml").read_text()
    assert json.loads((good / "ratified-quality.json").read_text()) == []
    assert job(checkout, bad, "script").returncode == 1
    assert "mutual_exclusion" in (bad / "ratified-report.xml").read_text()
    (told, *_) = json.loads((bad / "ratified-quality.json").read_text())
    assert (told["severity"], told["location"]["path"]) == ("critical", "lock.py")
    assert job(checkout, good, "script", RATIFIED_ARGUMENTS="lock.py:Clock").returncode == 2
    made = job(checkout, good, "before_script")
    assert (made.returncode, made.stdout) == (
        2,
        "set RATIFIED_SOURCE to what pip can install Ratified from\n",
    )


# --- pre-commit, and the pages ---


def test_the_hook_runs_a_program_that_is_installed(checkout: Path) -> None:
    (hook,) = read(checkout / ".pre-commit-hooks.yaml")
    assert hook["entry"] == "ratified check"
    assert hook["pass_filenames"] is False  # files that changed are no models; what is configured is checked
    assert hook["types_or"] == ["python", "toml"]


def test_the_page_has_a_complete_file_for_each(checkout: Path) -> None:
    page = (checkout / "docs/where-teams-run-it.md").read_text(encoding="utf-8")
    github, gitlab, hook = (
        yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    )
    assert [s["uses"] for s in github["jobs"]["check"]["steps"]] == [
        "actions/checkout@v4",
        "OWNER/ratified@REVISION",
    ]
    assert set(gitlab["ratified"]["variables"]) <= set(
        read(checkout / "ci/ratified.gitlab-ci.yml")["ratified"]["variables"]
    )
    assert hook["repos"][0]["hooks"] == [{"id": read(checkout / ".pre-commit-hooks.yaml")[0]["id"]}]
    inputs = read(checkout / "action.yml")["inputs"]
    assert re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE) == list(inputs)


def test_no_page_says_to_install_from_an_index_where_it_is_not(checkout: Path) -> None:
    pages = [checkout / "README.md", *(checkout / "docs").glob("*.md"), *checkout.glob("editors/*/*.md")]
    said = [p.name for p in pages if re.search(r"(pip|pipx) install ['\"]?ratified", p.read_text("utf-8"))]
    assert said == []
