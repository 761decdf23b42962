"""What the programs read that exports are made for: their rules, written down again from the sources that are named."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

# The repository testmoapp/junitxml, "JUnit XML file format", section "Complete JUnit XML example", and the schema that
# Jenkins' xUnit plugin publishes (junit-10.xsd): which elements may stand in which, and what attributes they have.
JUNIT_CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase", "system-out", "system-err"},
    "testcase": {"properties", "failure", "error", "skipped", "system-out", "system-err"},
    "properties": {"property"},
    "property": set(),
    "failure": set(),
    "error": set(),
    "skipped": set(),
}
_COUNTS = {"tests", "failures", "errors", "skipped"}
JUNIT_ATTRIBUTES = {
    "testsuites": {"name", "time", "timestamp", *_COUNTS},
    "testsuite": {"name", "time", "timestamp", "file", *_COUNTS},
    "testcase": {"name", "classname", "time", "file", "line", "assertions"},
    "properties": set(),
    "property": {"name", "value"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message", "type"},
}


def read_junit(text: str) -> ET.Element:
    """The root, after everything that a reader expects of the file has been looked at."""
    root = ET.fromstring(text)  # noqa: S314 - written a moment ago
    for element in root.iter():
        assert set(element.attrib) <= JUNIT_ATTRIBUTES[element.tag], element.tag
        assert {child.tag for child in element} <= JUNIT_CHILDREN[element.tag], element.tag
    for whole in (root, *root.iter("testsuite")):
        cases = list(whole.iter("testcase"))
        assert int(whole.attrib["tests"]) == len(cases)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(whole.attrib[name]) == sum(case.find(tag) is not None for case in cases)
        assert float(whole.attrib["time"]) >= 0
    for suite in root.iter("testsuite"):
        if "timestamp" in suite.attrib:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    return root


@dataclass
class CanvasImport:
    """What Canvas would change: points by the id of the assignment and of the student."""

    points_possible: dict[str, str] = field(default_factory=dict)
    grades: dict[tuple[str, str], str] = field(default_factory=dict)


_RESERVED = {"Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Integration ID", "Root Account"}
_NO_ASSIGNMENT = re.compile("(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")


def canvas_import(text: str) -> CanvasImport:
    """What the importer takes from a file.

    canvas-lms, lib/gradebook_importer.rb: identify_delimiter, header?, parse_assignments, process_pp, process_student
    and the converter decimal_comma_to_period.
    """
    first = text.splitlines()[:3]
    counts = {mark: {len(next(csv.reader([line], delimiter=mark))) for line in first} for mark in ";,"}
    mark = ";" if len(counts[";"]) == 1 and max(counts[";"]) > max(counts[","]) else ","
    rows = list(csv.reader(io.StringIO(text), delimiter=mark))
    head = [name.removeprefix("\ufeff") for name in rows[0]]
    assert len(head) > 3
    assert "Student" in head[0]
    assert "ID" in head[1]
    assert "Section" in head[: len([name for name in head if name in _RESERVED])][-1]
    columns = {
        index: found[1]
        for index, name in enumerate(head)
        if not _NO_ASSIGNMENT.search(name) and (found := re.search(r"\((\d+)\)$", name))
    }
    read = CanvasImport()
    for row in rows[1:]:
        if "Points Possible" in row[0]:
            read.points_possible = {columns[index]: row[index] for index in columns}
        elif not all(re.match(r"^\s*(Muted|Manual Posting.*)?\s*$", cell, re.IGNORECASE) for cell in row):
            for index, assignment in columns.items():
                read.grades[assignment, row[1]] = _period(row[index].strip())
    return read


def _period(cell: str) -> str:
    if not re.match(r"^-?[0-9.,]+%?$", cell):
        return cell
    *parts, last = re.split(r"[,.]", cell)
    return f"{''.join(parts)}.{last}" if parts else last


@dataclass(frozen=True)
class MoodleRecord:
    """A row that Moodle would import: the number of the person, the grade or None, and the feedback's HTML."""

    number: str
    grade: float | None
    feedback: str


def moodle_import(text: str, strings: dict[str, str], decimal: str = ".") -> Iterator[MoodleRecord]:
    """mod/assign/feedback/offline: importgradeslib.php (init, next) and unformat_float() of lib/moodlelib.php.

    `strings` are those of the site's language: recordid, hiddenuser, grade, lastmodifiedgrade, feedbackcomments.
    """
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    head = rows[0]
    index = {name: head.index(strings[name]) for name in ("recordid", "grade", "lastmodifiedgrade")}
    feedback = head.index(strings["feedbackcomments"])
    for row in rows[1:]:
        number = row[index["recordid"]][len(strings["hiddenuser"]) :]
        cell = row[index["grade"]].replace(" ", "").replace(decimal, ".")
        yield MoodleRecord(number, float(cell) if cell not in ("", "-") else None, row[feedback])


def reporter_reads(encoded: str) -> dict[str, Any]:
    """autograding-grading-reporter: parseRunnerResults in src/main.js, and what the others take from it."""
    results: dict[str, Any] = json.loads(base64.b64decode(encoded, validate=True))
    assert isinstance(results["max_score"], int | float)
    assert results["tests"]
    assert results["status"] in {"pass", "fail", "error"}
    for test in results["tests"]:
        assert isinstance(test["score"], int | float)
        assert test["status"] in {"pass", "fail", "error"}
    return results


def reported(results: dict[str, Any]) -> tuple[float, float]:
    """The points that src/notify-classroom.js reports, and those in the table of src/aggregate-results.js."""
    tests = results["tests"]
    shown = sum(test["status"] == "pass" for test in tests) / len(tests) * (results["max_score"] or 1)
    return sum(test["score"] for test in tests), shown


def printed_by_reporter(results: dict[str, Any]) -> str:
    """What src/console-results.js prints of the tests into the job's log."""
    lines = []
    for test in results["tests"]:
        if test["status"] == "pass":
            lines.append(f"\x1b[32m✅ {test['name']}\n\x1b[0m")
        else:
            lines += [f"\x1b[31m❌ {test['name']}\n", f"Error: {test['message']}\n\x1b[0m"]
    return "\n".join(lines)


@dataclass(frozen=True)
class Command:
    """A workflow command: its name, its properties and its message."""

    name: str
    properties: dict[str, str]
    message: str


def workflow_commands(log: str) -> list[Command]:
    """What the runner takes for commands (actions/runner, ActionCommand.cs: TryParseV2, else the older TryParse)."""
    return [found for line in re.split(r"\r\n|\r|\n", log) if (found := _command(line))]


def _command(line: str) -> Command | None:
    text = line.lstrip()
    if not text.startswith("::"):
        return Command("##[", {}, line) if "##[" in line else None
    head, found, message = text[2:].partition("::")
    if not found:
        return None
    name, _, rest = head.strip().partition(" ")
    pairs = (pair.partition("=") for pair in rest.split(",") if pair.strip())
    properties = {key.strip(): _unescaped(value, {"%3A": ":", "%2C": ","}) for key, _, value in pairs}
    return Command(name, properties, _unescaped(message, {}))


def _unescaped(text: str, more: dict[str, str]) -> str:
    for token, char in {"%0D": "\r", "%0A": "\n", **more, "%25": "%"}.items():
        text = text.replace(token, char)
    return text
