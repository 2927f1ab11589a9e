"""JUnit XML, as Ant and Jenkins define it: a suite for each section, a case for each entry.

Guarantees: a file is valid by the schemas that are in common use (tests/cli/junit.xsd); nothing undecided passes.
"""

from __future__ import annotations

import socket
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

from ratified.cli.report.entries import Entry, Section, Summary
from ratified.results.result import Verdict


@dataclass(frozen=True, slots=True)
class Stamp:
    """When and where a report was made: local time without a zone, as the schemas have it, and the host's name."""

    time: str
    host: str


def stamped() -> Stamp:
    """Return now and here."""
    return Stamp(
        datetime.now().astimezone().strftime("%Y-%m-%dT%H:%M:%S"), socket.gethostname() or "localhost"
    )


_TAGS = {Verdict.VIOLATED: "failure", Verdict.UNDECIDED: "error", None: "skipped"}


def as_junit(summary: Summary, stamp: Stamp) -> str:
    """Return JUnit XML, ending in a newline."""
    root = ET.Element("testsuites")
    for number, section in enumerate(summary.sections):
        _suite(root, number, section, stamp)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, number: int, section: Section, stamp: Stamp) -> None:
    ended = Counter(_TAGS.get(entry.verdict, "") for entry in section.entries)
    name, seconds = _xml(section.name), f"{section.seconds:.3f}"
    suite = ET.SubElement(
        root,
        "testsuite",
        name=name,
        package="ratified",
        id=str(number),
        timestamp=stamp.time,
        hostname=stamp.host,
        tests=str(len(section.entries)),
        failures=str(ended["failure"]),
        errors=str(ended["error"]),
        skipped=str(ended["skipped"]),
        time=seconds,
    )
    ET.SubElement(suite, "properties")
    for entry in section.entries:
        # The time is that of all of them; it is told once, so that a sum over the cases is right.
        _case(suite, name, entry, seconds if entry is section.entries[0] else "0")
    ET.SubElement(suite, "system-out").text = _xml("".join(f"{line}\n" for line in section.remarks))
    ET.SubElement(suite, "system-err")


def _case(suite: ET.Element, name: str, entry: Entry, seconds: str) -> None:
    case = ET.SubElement(suite, "testcase", classname=f"ratified.{name}", name=_xml(entry.name), time=seconds)
    tag = _TAGS.get(entry.verdict)
    if tag is not None:
        ended = ET.SubElement(case, tag, message=_xml(entry.message))
        if tag != "skipped":
            ended.set("type", "violated" if tag == "failure" else "undecided")
        ended.text = _xml(entry.body)


def _xml(text: str) -> str:
    """The text without what XML 1.0 cannot hold: control characters, and halves of surrogate pairs."""
    return "".join(
        c
        for c in text
        if c in "\t\n\r" or (ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF and c not in "\ufffe\uffff")
    )
