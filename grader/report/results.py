"""results.jsonl: what became of each submission of a batch, those without a report too, a line for each."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError

from grader.report.json_file import ReportError, harmless_json, write_atomically
from grader.report.model import Record, Saying, SpecInfo, Words
from grader.report.told import messages_of, to_json
from grader.words import say

RESULTS = "results.jsonl"


class Result(Record):
    """One submission of a batch: its score, or in one sentence why it has none."""

    schema_version: Literal[1] = Field(1, alias="schema", description="number of the schema")
    name: str = Field(description="the name of the submission")
    folder: str = Field(description="the name of the folder of its report, in the one in which results.jsonl lies")
    spec: SpecInfo = Field(description="the spec that was applied")
    started: str = Field(description="when its grading began, in UTC (ISO 8601)")
    score: float | None = Field(default=None, description="sum of the points given; null if it was not graded")
    max_score: float | None = Field(default=None, description="sum of the points of all checks; null likewise")
    failed: Words = Field(default="", description="why it was not graded, in one sentence; empty if it was")
    fault: Literal["", "submission", "grader"] = Field(
        default="", description="what the reason lies in: the submission, or the grader and its machine"
    )
    messages: dict[str, Saying] = Field(
        default_factory=dict, description="how the reason was composed, as in a report; left out where it says nothing"
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def write_results(path: Path, results: Iterable[Result]) -> None:
    """Write all lines; whoever reads the path sees the old ones or the new ones."""
    write_atomically(path, "".join(map(_line, results)))


def forget_results(path: Path, folders: Container[str]) -> None:
    """Take out the lines of those who are about to be graded anew, so that each line added tells of that.

    Raises:
        ReportError: what is there cannot be read.
    """
    write_results(path, [result for result in read_results(path) if result.folder not in folders])


def add_result(path: Path, result: Result) -> None:
    """Add a line, in one call: what reads the file sees all of it or, where the machine has died, half of the last.

    Raises:
        OSError: it cannot be written; where there was room for some of it only, that is taken back.
    """
    line = _line(result).encode()
    with path.open("ab", buffering=0) as file:
        before = file.tell()
        if file.write(line) < len(line):
            file.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def _line(result: Result) -> str:
    plain = result.model_dump(by_alias=True, exclude={"messages"})
    if messages := to_json({**result.messages, **messages_of(result)}):
        plain["messages"] = messages
    return harmless_json(json.dumps(plain, ensure_ascii=False)) + "\n"


def read_results(path: Path) -> list[Result]:
    """Read the lines back; none if there is no such file. Of a submission that has several the last one counts.

    The last one may not have been written to its end; then it is passed over.

    Raises:
        ReportError: it cannot be read, or one of its lines is no result.
    """
    try:
        *lines, last = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ReportError(say("cannot read {path}: {error}", path=str(path), error=str(error.strerror))) from None
    if _is_whole(last):
        lines.append(last)
    try:
        found = [Result.model_validate_json(line) for line in lines if line.strip()]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _no_result(path, first["msg"]) from None
    for result in found:
        if result.folder in ("", ".", "..") or "/" in result.folder or "\0" in result.folder:
            words = say(
                "{path} holds a line that is no result: {error}", path=str(path), error="folder is not the name of one"
            )
            raise ReportError(words)
    return list({(result.folder, result.spec.id): result for result in found}.values())


def _no_result(path: Path, why: str) -> ReportError:
    return ReportError(say("{path} holds a line that is no result: {error}", path=str(path), error=why))


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
