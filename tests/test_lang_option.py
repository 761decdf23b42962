"""`--lang`: which language the commands speak, and what stays English whatever it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT

from grader.cli import grade_command, grader_command

CHINESE = re.compile("[\u4e00-\u9fff]")
BEN = str(ROOT / "submissions" / "ben")


def grader(*words: str, **environment: str) -> Result:
    settings = {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "C.UTF-8"} | environment
    return CliRunner().invoke(grader_command, words, env=settings, catch_exceptions=False)


def grade(output: Path, *words: str) -> Result:
    argv = [BEN, "--spec", "select", "--only", "concurrent", "--output", str(output), *words]
    return CliRunner().invoke(grade_command, argv, env={"LC_ALL": "C.UTF-8"}, catch_exceptions=False)


@pytest.mark.parametrize("command", [["specs"], ["explain", "select"]], ids=lambda command: command[0])
def test_the_locale_is_the_usual_language_and_the_option_another(command: list[str]) -> None:
    english, chinese = grader(*command), grader(*command, "--lang", "zh")

    assert not CHINESE.search(english.output)
    assert CHINESE.search(chinese.output)
    assert grader(*command, LANG="zh_CN.UTF-8").output == chinese.output
    assert grader(*command, "--lang", "en", LANG="zh_CN.UTF-8").output == english.output


def test_explain_breaks_lines_of_chinese_where_they_may_be_broken() -> None:
    lines = grader("explain", "select", "--lang", "zh").output.splitlines()
    told = [line for line in lines if CHINESE.search(line) and not line.startswith("    ")]

    assert max(len(line) + len(CHINESE.findall(line)) for line in told) <= 102
    assert not [line for line in told if line.strip()[0] in "\uff0c\u3002\uff1b\uff1a\u3001\uff09\u201d"]


def test_a_report_graded_in_chinese_is_the_one_rendered_in_chinese(tmp_path: Path) -> None:
    done = grade(tmp_path, "--lang", "zh")
    page, found = tmp_path / "ben" / "report.html", tmp_path / "ben" / "report.json"
    graded, written = page.read_bytes(), found.read_text(encoding="utf-8")

    assert CHINESE.search(done.output)
    assert not CHINESE.search(written)
    grader("render", str(found))
    english = page.read_bytes()
    grader("render", str(found), "--lang", "zh")
    assert page.read_bytes() == graded != english
    assert found.read_text(encoding="utf-8") == written
    assert b'<html lang="en">' in english


def test_json_on_stdout_is_english_in_every_language(tmp_path: Path) -> None:
    done = grade(tmp_path, "--lang", "zh", "--format", "json")

    assert not CHINESE.search(done.stdout)
    assert '"summary": "client 8 could not connect' in done.stdout
