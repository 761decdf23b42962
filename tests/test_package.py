"""The wheel: what it holds is what an installed `grade --spec select` needs, from any folder."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_specs_references_templates_and_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {
        "grader/py.typed",
        "grader/report/templates/report.css",
        "grader/report/templates/report.html.j2",
        "grader/report/templates/class.js",
        "grader/locale/zh/LC_MESSAGES/grader.mo",
        "grader/autograder/setup.sh",
        "grader/autograder/run_autograder",
        "grader/bundled/specs/select.yaml",
        "grader/bundled/reference/servers/select/server.py",
    } <= names
    assert not [name for name in names if name.startswith(("tests/", "submissions/"))]


def test_an_unpacked_wheel_grades_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    program = "import grader, sys; print(grader.__file__); from grader.cli import grade_command; grade_command()"
    argv = [sys.executable, "-c", program, str(ROOT / "submissions" / "alice"), "--spec", "select", "--only", "echo"]

    done = subprocess.run(
        argv,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "installed" / "grader"))
    assert "alice: 10 of 10 points" in done.stdout

    in_chinese = subprocess.run(
        [*argv, "--lang", "zh"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed"), "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "满分 10 分" in in_chinese.stdout


def test_an_unpacked_wheel_builds_an_autograder_without_the_bundled_solutions(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    argv = [sys.executable, "-m", "grader", "export", "gradescope", "select", "-o", "autograder.zip"]

    subprocess.run(argv, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "installed")}, check=True)

    names = zipfile.ZipFile(tmp_path / "autograder.zip").namelist()
    assert "package/grader/autograder/run.py" in names
    assert not [name for name in names if "bundled" in name]
