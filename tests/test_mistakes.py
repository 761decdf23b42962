"""The diagnoses recorded for all wrong servers, against what a person says is wrong with them.

`reference/mistakes.yaml` says it; the golden files (`expected.yaml`) hold what is found. `pytest tests/test_mistakes.py
--record-expected` writes the page made of both anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from grader.judgement.texts import TEXTS

MISTAKES: dict[str, dict[str, str | dict[str, str | list[str]]]] = yaml.safe_load(
    (ROOT / "reference" / "mistakes.yaml").read_text()
)
PAGE = ROOT / "docs" / "diagnosed.md"
TOPS = ("submissions", "reference/mutants", "reference/behaviours")
ENOUGH = 0.95


@dataclass(frozen=True)
class Failed:
    """A failed check as recorded: its diagnosis and the text of the line that it names, "" for none."""

    check: str
    diagnosis: str
    line: str


def failed(folder: Path) -> Iterator[Failed]:
    for check, found in yaml.safe_load((folder / "expected.yaml").read_text())["checks"].items():
        if isinstance(found, dict) and found["verdict"] == "fail":
            yield Failed(check, found.get("diagnosis", ""), line_at(folder, found.get("at", "")))


def line_at(folder: Path, at: str) -> str:
    if not at:
        return ""
    file, _, line = at.rpartition(":")
    return (folder / file).read_text().splitlines()[int(line) - 1].strip()


FAILED = {
    str(folder.relative_to(ROOT)): list(failed(folder))
    for top in TOPS
    for folder in sorted(file.parent for file in (ROOT / top).rglob("expected.yaml"))
    if any(failed(folder))
}


def right_lines(server: str, diagnosis: str) -> list[str]:
    """The beginnings of the lines that this diagnosis may name there; none where it would be wrong."""
    diagnoses = MISTAKES[server]["diagnoses"]
    assert isinstance(diagnoses, dict)
    lines = diagnoses.get(diagnosis, [])
    return [lines] if isinstance(lines, str) else lines


def is_right(server: str, found: Failed) -> bool:
    lines = right_lines(server, found.diagnosis)
    return any(found.line.startswith(line) if line else not found.line for line in lines)


@pytest.mark.parametrize("server", FAILED)
def test_no_wrong_server_gets_a_wrong_diagnosis(server: str) -> None:
    wrong = [found for found in FAILED[server] if found.diagnosis and not is_right(server, found)]

    assert wrong == []


def test_every_wrong_server_is_explained_and_no_other() -> None:
    assert set(MISTAKES) == set(FAILED)


def test_every_diagnosis_that_is_said_to_be_right_is_one() -> None:
    named = {name for said in MISTAKES.values() for name in said["diagnoses"]}

    assert named <= set(TEXTS)


def test_nearly_every_failed_check_is_explained() -> None:
    everything = [is_right(server, found) for server, checks in FAILED.items() for found in checks]

    assert sum(everything) >= ENOUGH * len(everything)


def test_the_page_is_made_of_what_is_recorded(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--record-expected"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page()


def page() -> str:
    """The page: what is wrong with each server, and which of its failed checks say so."""
    right = sum(is_right(server, found) for server, checks in FAILED.items() for found in checks)
    total = sum(map(len, FAILED.values()))
    text = [
        "# Which mistakes are recognized",
        "",
        "Every wrong server that the project holds, what a person says is wrong with it, and what its failed checks",
        f"say. Of {total} failed checks {right} name the mistake and, where there is one, the line; the others name",
        "none.",
        "Made by `tests/test_mistakes.py`.",
        "",
        "| server | what is wrong | diagnosis | line | checks |",
        "|---|---|---|---|---|",
    ]
    for server, checks in FAILED.items():
        name = server.removeprefix("reference/")
        for diagnosis, line in dict.fromkeys((found.diagnosis, found.line) for found in checks):
            ids = ", ".join(found.check for found in checks if (found.diagnosis, found.line) == (diagnosis, line))
            code = "`" + line.replace("|", "\\|") + "`" if line else ""
            text.append(f"| {name} | {MISTAKES[server]['mistake']} | {diagnosis or 'none'} | {code} | {ids} |")
    return "\n".join(text) + "\n"
