"""Nothing of a submission is run, imported or read as settings outside the arena, wherever the grader is started."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest
from archive_samples import tarred
from servers import RIGHT

MODULES = (
    "yaml",
    "grader",
    "sitecustomize",
    "usercustomize",
    "conftest",
    "site",
    "multiprocessing",
    "socket",
    "signal",
    "selectors",
    "json",
    "click",
    "rich",
    "pydantic",
    "runpy",
    "struct",
    "tarfile",
    "zipfile",
    "jinja2/__init__",
    "concurrent/__init__",
)
PROGRAMS = ("bwrap", "py-spy", "setpriv", "cc", "git", "python3")
SPEC = "spec: short\ntitle: Short\nmodel: select\nchecks:\n  - {behaviour: echo, points: 1}\n"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A server among files that leave a trace if they are run outside of the sandbox."""
    folder = tmp_path / "hostile"
    trace = f"import os\nif os.path.isdir({str(tmp_path)!r}): open({str(tmp_path / 'trace')!r}, 'a').write(__file__)\n"
    for name in MODULES:
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(trace)
    for name in PROGRAMS:
        (folder / name).write_text(f"#!/bin/sh\necho $0 >> {tmp_path / 'trace'}\n")
        (folder / name).chmod(0o755)
    (folder / "x.pth").write_text(trace.replace("\n", ";"))
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--broken'\n")
    (folder / "setup.cfg").write_text("broken")
    (folder / "select").write_text("spec: forged\n")
    (folder / ".git" / "hooks").mkdir(parents=True)
    (folder / ".git" / "config").write_text(f"[core]\n fsmonitor = touch {tmp_path / 'trace'}\n")
    (folder / "server.py").write_text(RIGHT)
    return folder


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = Path(sysconfig.get_path("scripts"), words[0])
    settings = {**os.environ, **environment}
    argv = [str(program), *words[1:]]
    return subprocess.run(argv, cwd=folder, env=settings, capture_output=True, text=True, check=False)


def test_a_grader_started_in_a_submission_imports_and_runs_nothing_of_it(hostile: Path, tmp_path: Path) -> None:
    done = run(hostile, "grade", ".", "--spec", "select", "--only", "model", PATH=f".::{os.environ['PATH']}")

    assert not (tmp_path / "trace").exists()
    assert done.stdout.startswith("hostile: ")
    assert "An upper-case echo server" in done.stdout


def test_a_batch_started_in_a_submission_imports_nothing_of_it(hostile: Path, tmp_path: Path) -> None:
    own = tmp_path / "spec" / "right" / "one"
    own.mkdir(parents=True)
    (own / "server.py").write_text(RIGHT)
    (tmp_path / "spec.yaml").write_text(SPEC)

    done = run(hostile, "grader", "check-spec", "../spec.yaml", "--own", "-n", "1")

    assert not (tmp_path / "trace").exists()
    assert done.returncode in (0, 1), done.stderr


def test_a_search_path_that_names_the_submission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(RIGHT)

    done = run(tmp_path, "grade", ".", "--spec", "select", PYTHONPATH=".")

    assert done.returncode == 2
    assert "Python would import modules from the submission '.'; take it out of PYTHONPATH" in done.stderr


def test_reports_are_not_written_where_a_link_in_the_submission_leads(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "student", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "server.py").write_text(RIGHT)
    (folder / "grade-report").symlink_to(elsewhere)

    done = run(folder, "grade", ".", "--spec", "select", "--only", "echo")

    assert done.returncode == 2
    assert "the output folder 'grade-report' leads out of the submission by a link in it" in done.stderr
    (folder / "grade-report").unlink()
    (folder / "grade-report").mkdir()
    (folder / "grade-report" / "student").symlink_to(elsewhere)
    assert "it is a link" in run(folder, "grade", ".", "--spec", "select", "--only", "echo").stderr
    assert not list(elsewhere.iterdir())


def test_an_archive_leaves_nothing_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "ann.tgz").write_bytes(tarred({"ann/server.py": RIGHT.encode()}, "tar.gz"))

    done = run(tmp_path, "grade", "ann.tgz", "--spec", "select", "--only", "echo", TMPDIR=str(tmp_path / "tmp"))

    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ann.tgz", "grade-report", "tmp"]
    assert not list((tmp_path / "tmp").iterdir())
