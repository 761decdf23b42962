"""What GitHub reads: Classroom's reporter, the runner that looks for commands in a log, and Markdown for a summary."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from export_readers import printed_by_reporter, reported, reporter_reads, workflow_commands
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from report_samples import HOSTILE, everywhere, failed, harmful, passed, report

from grader.cli import grader_command
from grader.report.class_summary import class_summary
from grader.report.github import (
    annotation_lines,
    encoded,
    harmless,
    job_summary,
    narrowed,
    no_result,
    runner_result,
    step_outputs,
)
from grader.report.json_file import write_json
from grader.report.model import Diagnosis, Report, Verdict
from grader.report.outcomes import Outcome

COMMANDS = [
    "::error::x",
    "\n::set-output name=result::x",
    "\r\n  ::add-mask::a",
    "x\n::stop-commands::t",
    "##[error]x",
    "a ##[add-mask]b",
    "%0A::error::x",
    "%250A::x",
    "a,line=1::b",
    "::",
    ":: ::",
]


def outputs(report: Report) -> dict[str, str]:
    return dict(line.rstrip("\n").split("=", 1) for line in step_outputs(report))


# Classroom's result


def test_the_reporter_gets_the_points_of_all_checks() -> None:
    results = reporter_reads(encoded(runner_result(report(passed(), failed(points=5)))))

    assert results["status"] == "fail"
    assert results["max_score"] == 30
    assert reported(results)[0] == 15
    assert results["version"] == 1


def test_a_test_names_the_file_in_the_repository_and_the_line() -> None:
    (test,) = reporter_reads(encoded(runner_result(report(failed()), "submissions/alice/")))["tests"]

    assert (test["filename"], test["line_no"]) == ("submissions/alice/serverx.py", 3)
    assert test["message"].startswith("not all were served: x Reading x.")
    assert test["execution_time"] == 0.012


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([Verdict.PASS], "pass"),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], "error"),
        ([Verdict.FAIL, Verdict.INCONCLUSIVE], "fail"),
        ([Verdict.SKIPPED], "fail"),
    ],
)
def test_the_status_of_all_is_the_worst_that_the_student_can_help(verdicts: list[Verdict], status: str) -> None:
    checks = [passed(id=f"check-{place}", verdict=verdict) for place, verdict in enumerate(verdicts)]

    assert runner_result(report(*checks))["status"] == status


def test_one_runner_for_each_check_shows_in_the_table_what_is_reported() -> None:
    found = report(passed(), failed(), passed(id="half-close", max_points=5, points=5))

    shown = outputs(found)

    assert sorted(shown) == ["result", "result_concurrent", "result_echo", "result_half_close"]
    alone = [reporter_reads(shown[name]) for name in sorted(shown) if name != "result"]
    assert [reported(results) for results in alone] == [(0, 0), (10, 10), (5, 5)]
    assert sum(results["max_score"] for results in alone) == 35


def test_without_a_report_there_is_a_result_that_changes_no_points() -> None:
    results = reporter_reads(encoded(no_result("cannot read report.json")))

    assert results["status"] == "error"
    assert not results["max_score"]  # and so NotifyClassroom leaves it out


def test_the_outputs_are_lines_of_their_own() -> None:
    for line in step_outputs(everywhere("\nresult=x\n")):
        assert line.count("\n") == 1
        assert line.isascii()


@pytest.mark.parametrize("text", [*COMMANDS, *HOSTILE])
def test_what_the_reporter_prints_holds_no_command(text: str) -> None:
    log = printed_by_reporter(reporter_reads(encoded(runner_result(everywhere(text)))))

    assert workflow_commands(log) == []
    assert workflow_commands(printed_by_reporter(no_result(text))) == []


@given(st.text(st.sampled_from([*":#[]%0AD \n\r\t=,x", "\u2028", "\x85", "\x0b"])))
def test_a_text_that_others_print_is_no_command(text: str) -> None:
    assert workflow_commands(harmless(text)) == []


# Annotations


def test_a_mistake_is_shown_once_on_its_line_with_all_checks_that_it_failed() -> None:
    found = report(failed(), failed(id="again"), passed())

    (command,) = workflow_commands("\n".join(annotation_lines(found, "submissions/alice")))

    assert command.name == "error"
    assert command.properties == {
        "file": "submissions/alice/serverx.py",
        "line": "3",
        "title": "concurrent, again: Reading x",
    }
    assert command.message.startswith("not all were served: x\nReading x.\n")


def test_what_could_not_be_decided_is_a_warning_without_a_line() -> None:
    (command,) = workflow_commands("\n".join(annotation_lines(report(failed(verdict=Verdict.INCONCLUSIVE)))))

    assert command.name == "warning"
    assert "line" not in command.properties


@pytest.mark.parametrize("text", [*COMMANDS, *HOSTILE])
def test_an_annotation_is_one_command_whatever_a_submission_chose(text: str) -> None:
    lines = list(annotation_lines(everywhere(text)))

    commands = workflow_commands("\n".join(lines))
    assert [command.name for command in commands] == ["error", "warning"]
    assert commands[0].properties["line"] == "3"
    assert set(commands[0].properties) == {"file", "line", "title"}
    assert not harmful("".join(lines))


def test_of_a_hidden_check_nothing_is_told_but_the_verdict() -> None:
    mistake = Diagnosis(id="secret", title="secret", file="secret.py", line=3)
    secret = failed("secret", hidden=True, title="secret", behaviour="secret", hint="secret", diagnosis=mistake)
    found = report(secret, text="")

    told = [*annotation_lines(found), job_summary(found), str(runner_result(found))]

    assert all("secret" not in text for text in told)
    assert "hidden check" in told[0]


# The summary


def test_the_summary_has_a_row_for_each_check_and_the_line_of_the_mistake() -> None:
    found = report(passed(), failed(), text="")

    html = MarkdownIt("gfm-like", {"linkify": False}).render(job_summary(found))

    assert "<h2>alice: 10 of 30 points</h2>" in html
    assert html.count("<tr>") == 3
    assert "<td>concurrent</td>\n<td>0/20</td>\n<td>not all were served: x</td>" in html
    assert "serverx.py:3" in html


@pytest.mark.parametrize("text", [*COMMANDS, *HOSTILE, "a|b\n|c|", "</td>", "$x$", "@everyone", "www.evil.example"])
def test_the_summary_keeps_its_shape_whatever_a_submission_chose(text: str) -> None:
    summary = job_summary(everywhere(text))

    html = MarkdownIt("gfm-like", {"linkify": False}).render(summary)
    assert html.count("<table>") == 1
    assert html.count("<tr>") == 6
    assert not any(markup in html for markup in ("<a ", "<img", "<script", "<link", "<style", "<h1"))
    assert not harmful(summary)
    plain = "".join(summary.split("```")[::2])
    assert "$" not in plain
    assert "@" not in plain


def test_a_summary_is_never_larger_than_github_takes() -> None:
    checks = [failed("x" * 3000, id=f"check-{number}", diagnosis=None) for number in range(400)]

    summary = job_summary(report(*checks))

    assert len(summary.encode()) < 1 << 20
    assert summary.endswith("it is in the report.\n")


def test_a_class_has_a_line_for_each_submission_with_its_mistakes_or_why_there_is_no_report() -> None:
    cleo = Outcome("cleo", "cleo", failed="there is no server.py", fault="submission")
    unsure = Outcome("ann", "ann", report(failed(), failed(id="again"), failed(id="x", verdict=Verdict.INCONCLUSIVE)))

    html = MarkdownIt("gfm-like", {"linkify": False}).render("".join(class_summary([unsure, cleo])))

    cells = "<td>ann</td>\n<td>10/30</td>\n<td>Reading x; could not be decided: x</td>"
    assert cells in html
    assert "<td>cleo</td>\n<td>not graded</td>\n<td>there is no server.py</td>" in html
    assert "<p>1 of 2 submissions graded.</p>" in html


@pytest.mark.parametrize("text", [*COMMANDS, *HOSTILE, "a|b\n|c|", "$x$"])
def test_the_table_of_a_class_keeps_its_shape(text: str) -> None:
    outcomes = [Outcome(text, text, everywhere(text)), Outcome(text, text, failed=text, fault="grader")]

    summary = "".join(class_summary(outcomes))

    html = MarkdownIt("gfm-like", {"linkify": False}).render(summary)
    assert html.count("<tr>") == 3
    assert not any(markup in html for markup in ("<a ", "<img", "<script", "<link", "<style"))
    assert not harmful(summary)


# The command


def export(*arguments: object, **env: str) -> Result:
    """Run in a workflow that has these variables, and no others of the one that this may be tested in."""
    workflow = {"GITHUB_OUTPUT": None, "GITHUB_STEP_SUMMARY": None, **env}
    return CliRunner().invoke(grader_command, ["export", "github", *map(str, arguments)], env=workflow)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_json(report(), tmp_path / "report.json")
    return tmp_path


def test_in_a_workflow_everything_goes_where_it_belongs(written: Path) -> None:
    told = export(written, GITHUB_OUTPUT=str(written / "output"), GITHUB_STEP_SUMMARY=str(written / "summary"))

    assert told.exit_code == 0
    assert [command.name for command in workflow_commands(told.stdout)] == ["error"]
    assert (written / "output").read_text() == "".join(step_outputs(report()))
    assert (written / "summary").read_text() == job_summary(report())


def test_one_check_is_a_runner_of_its_own(written: Path) -> None:
    told = export(written / "report.json", "--check", "echo", "--result", written / "output", "--no-annotations")

    assert told.exit_code == 0
    assert not told.stdout
    (line,) = (written / "output").read_text().splitlines()
    assert reporter_reads(line.removeprefix("result=")) == runner_result(narrowed(report(), "echo"))


def test_a_class_gets_a_summary_and_nothing_else(written: Path) -> None:
    (written / "class" / "alice").mkdir(parents=True)
    (written / "report.json").rename(written / "class" / "alice" / "report.json")

    told = export(written / "class", "--summary", written / "summary", "--result", written / "output")

    assert told.exit_code == 0
    assert not told.stdout
    assert not (written / "output").exists()
    assert "1 of 1 submission graded" in (written / "summary").read_text()


def test_a_check_that_is_not_there_is_told_with_those_that_are(written: Path) -> None:
    told = export(written, "--check", "ecko")

    assert told.exit_code == 2
    assert told.stderr == "grader: there is no check 'ecko' in the report; there are echo, concurrent\n"


def test_without_a_report_the_result_says_so_and_the_status_is_2(tmp_path: Path) -> None:
    told = export(tmp_path / "report.json", "--result", tmp_path / "output")

    assert told.exit_code == 2
    assert "No such file or directory" in told.stderr
    line = (tmp_path / "output").read_text()
    assert reporter_reads(line.removeprefix("result=").strip())["status"] == "error"
