"""The student's loop: save, and see what has changed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import RIGHT
from test_whole_class import GRADE, SPEC, SPINNING

from grader.arena.levels import Level
from grader.behaviours import catalogue
from grader.cli import watching as watching_module
from grader.grading import grade
from grader.report.model import Report
from grader.spec import Spec, load_spec
from grader.words.language import ENGLISH

PATIENCE = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A submission that spins."""
    (tmp_path / "short.yaml").write_text(SPEC)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "server.py").write_text(SPINNING)
    return tmp_path


@pytest.fixture
def watching(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`grade . --watch` in its folder, which has told of the first grading."""
    argv = [GRADE[0], "-P", *GRADE[1:], ".", "--spec", "../short.yaml", "--watch"]
    process = subprocess.Popen(
        argv, cwd=folder / "mine", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - one thread
    )  # fmt: skip
    assert process.stderr
    for line in process.stderr:
        if line.startswith("watching ."):
            break
    yield process
    process.kill()
    process.communicate()


def told_until(process: subprocess.Popen[str], words: str) -> str:
    """What it says up to the line with these words."""
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def test_what_changes_with_a_save_is_told_and_nothing_else(folder: Path, watching: subprocess.Popen[str]) -> None:
    first = told_until(watching, "Hint: ")
    (folder / "mine" / "server.py").write_text(RIGHT)
    mended = told_until(watching, "pass now")
    (folder / "mine" / "server.py").write_text("1 / 0")
    broken = told_until(watching, "ZeroDivisionError")

    assert "mine: 2 of 5 points (A short spec)" in first
    assert "2 -> 5 of 5 points\npass now: quiet\n" in mended
    assert "echo" not in mended.partition("5 of 5 points")[2]
    assert "5 -> 0 of 5 points" in broken
    assert "report.html" in {path.name for path in (folder / "mine" / "grade-report" / "mine").iterdir()}


def test_a_moment_without_the_file_is_told_and_the_watching_goes_on(
    folder: Path, watching: subprocess.Popen[str]
) -> None:
    told_until(watching, "Hint: ")
    (folder / "mine" / "server.py").rename(folder / "mine" / "server.txt")
    told_until(watching, "has no server.py")
    (folder / "mine" / "server.txt").write_text(RIGHT)
    (folder / "mine" / "server.txt").rename(folder / "mine" / "server.py")

    assert "2 -> 5 of 5 points" in told_until(watching, "pass now")


def test_a_fault_of_the_grader_is_told_and_the_watching_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = load_spec(folder / "short.yaml", catalogue())
    tried: list[Path] = []

    def failing(path: Path, spec: Spec, isolation: Level) -> Report:
        tried.append(path)
        if len(tried) == 1:
            raise ValueError("of the grader's own")
        return grade(path, spec, isolation=isolation)

    monkeypatch.setattr(watching_module, "_moments", lambda *_: iter([None, None]))
    monkeypatch.setattr(watching_module, "grade", failing)

    status = watching_module.watched(folder / "mine", spec, folder / "out" / "mine", "auto", ENGLISH)

    assert "the grader failed: ValueError: of the grader's own" in capsys.readouterr().out
    assert (len(tried), status) == (2, 1)


def test_it_ends_on_ctrl_c_with_the_status_of_the_last_grading(watching: subprocess.Popen[str]) -> None:
    os.kill(watching.pid, signal.SIGINT)
    _, complained = watching.communicate(timeout=PATIENCE)

    assert watching.returncode == 1
    assert "Traceback" not in complained


def test_what_is_not_there_cannot_be_watched(folder: Path) -> None:
    done = subprocess.run(
        [*GRADE, "yours", "--spec", "short.yaml", "--watch"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "grade: cannot watch yours: " in done.stderr
    assert "Traceback" not in done.stderr


def test_only_one_submission_can_be_watched(folder: Path) -> None:
    done = subprocess.run(
        [*GRADE, "mine", "mine", "--spec", "short.yaml", "--watch"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (2, "grade: --watch is for one submission on this machine\n")
