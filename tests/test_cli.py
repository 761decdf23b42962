"""The commands as people use them: what they print, where, and with which exit status."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import jsonschema
import pytest
from archive_samples import tarred, zipped
from click.testing import CliRunner, Result
from conftest import ROOT
from servers import RIGHT, SELECT, changed

import grader
from grader.arena import levels
from grader.cli import grade_command, grader_command
from grader.report.escape import harmful
from grader.report.json_file import read_json, report_schema

SPEC = """\
spec: short
title: A short spec
model: select
checks:
  - behaviour: echo
    points: 2
  - behaviour: cpu_ceiling
    id: quiet
    points: 1
  - behaviour: concurrent_clients
    id: many
    clients: 5
    needs: quiet
    points: 3
"""


RAISES = "raise ValueError('no such luck')\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a right submission, a wrong one, and a spec."""
    monkeypatch.chdir(tmp_path)
    for name, source in {"right": RIGHT, "spinning": changed((SELECT, SELECT.replace("[])", "[], 0)")))}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "server.py").write_text(source)
    (tmp_path / "short.yaml").write_text(SPEC)
    return tmp_path


def grade(*arguments: str) -> Result:
    return CliRunner().invoke(grade_command, arguments)


def test_what_a_server_printed_is_shown_when_there_was_nothing_else_to_see(folder: Path) -> None:
    many = "\n".join(f'print("line {number} \\x1b[31m")' for number in range(1, 31))
    (folder / "right" / "server.py").write_text(many)

    done = grade("right", "--spec", "short.yaml")

    printed = done.stdout[done.stdout.index("it printed:\n") :].splitlines()
    assert printed[1] == r"  | line 1 \x1b[31m"
    assert printed[20:22] == [r"  | line 20 \x1b[31m", "  ... and 10 more lines"]
    (folder / "right" / "server.py").write_text('print("hello")\n' + RIGHT)
    assert "it printed" not in grade("right", "--spec", "short.yaml").stdout


def test_a_right_submission_ends_with_status_0_and_two_reports(folder: Path) -> None:
    done = grade("right", "--spec", "short.yaml")

    assert done.exit_code == 0
    assert done.stdout.startswith("right: 6 of 6 points (A short spec)\n")
    assert done.stdout.endswith("report: grade-report/right/report.html\n")
    assert read_json(folder / "grade-report/right/report.json").score == 6
    assert "<!doctype html>" in (folder / "grade-report/right/report.html").read_text()


def test_a_wrong_submission_ends_with_status_1_and_names_the_line(folder: Path) -> None:
    done = grade("spinning", "--spec", "short.yaml", "--output", "out")

    assert done.exit_code == 1
    assert "select() is told not to wait" in done.stdout
    line = RIGHT[: RIGHT.index(SELECT)].count("\n") + 1
    assert f"  > {line:4} |" in done.stdout
    checks = {check.id: check for check in read_json(folder / "out/spinning/report.json").checks}
    assert {name: str(check.verdict) for name, check in checks.items()} == {
        "echo": "pass",
        "quiet": "fail",
        "many": "skipped",
    }
    assert checks["many"].summary == "not run, because quiet did not pass"


@pytest.mark.usefixtures("folder")
def test_exit_zero_is_for_jobs_that_only_collect() -> None:
    assert grade("spinning", "--spec", "short.yaml", "--exit-zero").exit_code == 0


@pytest.mark.usefixtures("folder")
def test_several_submissions_get_a_line_each() -> None:
    done = grade("spinning", "right", "--spec", "short.yaml")

    assert done.exit_code == 1
    assert "right: 6 of 6 points\n" in done.stdout
    assert "spinning: 2 of 6 points; failed: quiet (select() is told not to wait, server.py:" in done.stdout


@pytest.mark.usefixtures("folder")
def test_only_one_check_runs_with_what_it_needs() -> None:
    done = grade("right", "--spec", "short.yaml", "--only", "many", "--format", "json")

    assert [check["id"] for check in json.loads(done.stdout)["checks"]] == ["quiet", "many"]


@pytest.mark.usefixtures("folder")
def test_json_on_stdout_is_the_report_and_nothing_else() -> None:
    done = grade("right", "--spec", "short.yaml", "--format", "json")

    report = json.loads(done.stdout)
    jsonschema.validate(report, report_schema())
    assert report["grader"] == grader.__version__
    assert report["submission"]["name"] == "right"
    assert report["arena"] == {"isolation": "namespaces", "evidence": "kernel", "missing": []}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody", "--spec", "short.yaml"), "grade: submission 'nobody' does not exist"),
        (("short.yaml", "--spec", "short.yaml"), "grade: submission 'short.yaml' is not a folder"),
        ((".", "--spec", "short.yaml"), "has no server.py; it holds right, short.yaml, spinning"),
        (("right", "--spec", "selekt"), "there is no spec 'selekt', neither a file nor a bundled one; did you mean"),
        (("right", "--spec", "missing.yaml"), "there is no spec 'missing.yaml'"),
        (
            ("right", "--spec", "short.yaml", "--only", "fin"),
            "grade: no check 'fin' in short; it has echo, quiet, many",
        ),
        (("right",), "Missing option '--spec'"),
        ((), "Missing argument 'SUBMISSION...'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_used_ends_with_status_2_and_says_why(arguments: tuple[str, ...], said: str) -> None:
    done = grade(*arguments)

    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("folder")
def test_archives_and_single_files_are_graded_as_folders_are(folder: Path) -> None:
    (folder / "ann.zip").write_bytes(zipped({"ann-main/server.py": RIGHT.encode()}))
    (folder / "ben_17.tar.gz").write_bytes(tarred({"server.py": RIGHT.encode(), "venv/x": b""}, "tar.gz"))
    (folder / "cleo_17_server.py").write_text(RIGHT)

    done = grade("ann.zip", "ben_17.tar.gz", "cleo_17_server.py", "right", "--spec", "short.yaml", "--only", "echo")

    assert done.exit_code == 0, done.stderr
    reports = [read_json(folder / f"grade-report/{name}/report.json") for name in ("ann", "ben_17", "cleo_17_server")]
    assert {report.submission.entry for report in reports} == {"server.py"}
    assert reports[0].submission.sha256 == read_json(folder / "grade-report/right/report.json").submission.sha256
    assert reports[1].notes == ["Left out of the submission, as packages are no part of it: venv."]
    assert {path.name for path in folder.iterdir()} >= {"ann.zip", "grade-report"}


@pytest.mark.usefixtures("folder")
def test_the_line_of_a_mistake_is_shown_from_inside_an_archive(folder: Path) -> None:
    source = (folder / "spinning" / "server.py").read_bytes()
    (folder / "ann.zip").write_bytes(zipped({"server.py": source}))

    done = grade("ann.zip", "--spec", "short.yaml", "--only", "quiet")

    assert f"  > {source[: source.index(SELECT[:13].encode())].count(10) + 1:4} |" in done.stdout


def test_reports_of_two_submissions_of_one_name_lie_apart(folder: Path) -> None:
    for name, source in {"a": RIGHT, "b": "broken"}.items():
        (folder / name / "server").mkdir(parents=True)
        (folder / name / "server" / "server.py").write_text(source)

    grade("a/server", "b/server", "--spec", "short.yaml", "--only", "echo")

    assert read_json(folder / "grade-report/a-server/report.json").score == 2
    assert read_json(folder / "grade-report/b-server/report.json").score == 0


HOSTILE_NAMES = ["\x1b[31m\n\u202e[\\][bold]<script>alert(1)<script>", "\udcff\x9b2J", "x" * 255, "-rf"]
RAISES_IN_ANOTHER_FILE = f"""
import os
(name,) = (name for name in os.listdir() if name != "server.py")
exec(compile({RAISES!r}, name, "exec"))
"""


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("form", ["text", "json"])
def test_names_do_no_harm_wherever_they_are_shown(folder: Path, name: str, form: str) -> None:
    (folder / name).mkdir()
    (folder / name / "server.py").write_text(RAISES_IN_ANOTHER_FILE)
    (folder / name / f"{name[:200]}.py").write_text(RAISES)

    done = grade("--spec", "short.yaml", "--only", "echo", "--format", form, "--", name)

    assert done.exit_code == 1, done.stderr
    written = [path for path in (folder / "grade-report").rglob("*") if path.is_file()]
    texts = [path.read_bytes().decode() for path in written] + [done.stdout_bytes.decode(), done.stderr_bytes.decode()]
    assert len(written) == 2
    assert [path.parent.parent for path in written] == [folder / "grade-report"] * 2
    for text in texts:
        assert not [char for char in text if harmful(char) and char not in "\n\t"]
        assert not ("<!doctype" in text and "<script>" in text)
    report = read_json(next(path for path in written if path.name == "report.json"))
    assert report.submission.name == name.replace("\udcff", "\\udcff")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.usefixtures("folder")
def test_names_do_no_harm_in_complaints(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    (folder / name / name).touch()

    done = grade("--spec", "short.yaml", "--", name, f"{name}.zip")

    assert done.exit_code == 2
    complaints = [line for line in done.stderr.splitlines() if " submissions done, " not in line]
    assert len(complaints) == 2
    assert not [char for char in done.stderr if harmful(char) and char != "\n"]


@pytest.mark.usefixtures("folder")
def test_a_submission_that_this_machine_cannot_read_ends_with_status_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("grader.arena.files.os.open", fail)

    done = grade("right", "--spec", "short.yaml")

    assert done.exit_code == 3
    assert "this machine could not read submission 'right' (Permission denied), which is no fault" in done.stderr


def test_every_problem_of_a_spec_is_told_with_its_place(folder: Path) -> None:
    (folder / "bad.yaml").write_text(
        SPEC.replace("concurrent_clients", "concurent_clients").replace("points: 2", "point: 2")
    )

    done = grade("right", "--spec", "bad.yaml")

    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "grade: unknown key 'point' at bad.yaml:6:5; did you mean 'points'?",
        "grade: unknown behaviour 'concurent_clients' at bad.yaml:10:16; did you mean 'concurrent_clients'?",
    ]


@pytest.mark.usefixtures("folder")
def test_a_machine_without_namespaces_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("grader.evidence.kernel.unshare", refuse)
    levels.probe.cache_clear()
    try:
        done = grade("right", "--spec", "short.yaml", "--isolation", "namespaces")
    finally:
        levels.probe.cache_clear()

    assert done.exit_code == 3
    assert "this machine does not let the grader make namespaces (Operation not permitted)" in done.stderr


def test_a_fault_of_the_grader_is_inconclusive_and_costs_only_that_check(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("grader.behaviours.serving.Echo.check", broken)

    done = grade("right", "--spec", "short.yaml")

    assert done.exit_code == 3
    report = read_json(folder / "grade-report/right/report.json")
    assert [str(check.verdict) for check in report.checks] == ["inconclusive", "pass", "pass"]
    assert report.checks[0].summary == "the grader failed: ZeroDivisionError: a mistake of ours"
    assert "The grader failed in echo" in report.notes[0]


def test_an_arena_that_dies_leaves_its_checks_inconclusive(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.behaviours.resources.CpuCeiling.check", lambda *_: __import__("os")._exit(9))

    done = grade("right", "--spec", "short.yaml")

    assert done.exit_code == 3
    report = read_json(folder / "grade-report/right/report.json")
    assert [str(check.verdict) for check in report.checks] == ["pass", "inconclusive", "inconclusive"]
    assert "the grader's arena ended" in report.checks[1].summary


def test_an_output_folder_that_cannot_be_written_is_said(folder: Path) -> None:
    (folder / "out").write_text("a file")

    done = grade("right", "--spec", "short.yaml", "--output", "out")

    assert done.exit_code == 2
    assert "cannot write the report to out/right" in done.stderr


@pytest.mark.parametrize("which", ["spec", "report"])
def test_schemas_are_printed(which: str) -> None:
    done = CliRunner().invoke(grader_command, ["schema", which])

    assert done.exit_code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(done.stdout))


def test_the_bundled_spec_is_found_from_any_folder(folder: Path) -> None:
    assert not (folder / "specs").exists()

    assert grade("right", "--spec", "select", "--only", "echo").exit_code == 0
    assert grade(str(ROOT / "submissions" / "alice"), "--spec", "select.yaml", "--only", "echo").exit_code == 0
