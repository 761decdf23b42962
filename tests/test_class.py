"""What the reports of a class say together, and the folder in which they lie."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from class_samples import CHECKS, SPEC, fill, one, page_of, refused, students
from report_samples import failed, passed, report

from grader.report.class_files import write_batch
from grader.report.class_folder import Gathered, class_of, gather, reports_in, usual_spec
from grader.report.class_page import natural
from grader.report.html import render_html
from grader.report.json_file import ReportError, read_json, write_json
from grader.report.model import SpecInfo, Verdict
from grader.report.pages import revealed
from grader.report.results import Result, add_result, read_results, write_results

OTHER = SpecInfo(id="epoll", title="With epoll", sha256="e" * 64)


def test_mistakes_are_ranked_by_how_many_made_them() -> None:
    page = page_of(
        [
            one("ann", ["reset-not-handled"], 7),
            one("ben", ["reset-not-handled", "send-return-ignored"], 9),
            one("cleo", []),
        ]
    )

    assert [(mistake.id, [bearer.row.name for bearer in mistake.bearers]) for mistake in page.mistakes] == [
        ("reset-not-handled", ["ann", "ben"]),
        ("send-return-ignored", ["ben"]),
    ]
    first = page.mistakes[0]
    assert first.title == "A client that resets its connection ends the server"
    assert first.checks == [("reset", 2), ("storm", 2)]
    assert [(bearer.check, bearer.place) for bearer in first.bearers] == [
        ("reset", "server.py:7"),
        ("reset", "server.py:9"),
    ]


def test_who_fails_without_a_named_mistake_is_told_apart() -> None:
    page = page_of([one("ann", [""]), one("ben", ["", "send-return-ignored"]), one("cleo", [])])

    assert [row.name for row in page.unnamed] == ["ann"]


def test_the_hardest_check_comes_first_with_the_mistake_that_most_made() -> None:
    page = page_of([one("ann", ["reset-not-handled", "closed-but-not-removed"]), one("ben", ["reset-not-handled"])])

    hardest = page.difficulties[0]
    assert (hardest.column.id, hardest.passed, hardest.counts[Verdict.FAIL]) == ("reset", 0, 2)
    assert (hardest.commonest_count, hardest.mean_points) == (1, 0)
    assert {found.column.id: found.passed for found in page.difficulties[:3]} == {"reset": 0, "storm": 0, "fin": 0.5}


def test_a_check_that_could_not_be_decided_is_not_called_hard() -> None:
    unknown = passed(verdict=Verdict.INCONCLUSIVE, points=0)
    page = page_of([report(found, spec=SPEC) for found in (passed(), unknown, unknown)])

    (found,) = page.difficulties
    assert (found.passed, found.total) == (1, 3)


@pytest.mark.parametrize(
    ("score", "low"), [(0, 0), (9.99, 0), (10, 10), (28.999, 20), (29, 20), (70, 70), (99.9, 90), (100, 100)]
)
def test_scores_fall_into_tenths_and_full_marks_are_told_apart(score: float, low: int) -> None:
    page = page_of([one("ann", [], score=score)])

    assert [found.low for found in page.bins if found.count] == [low]
    assert len(page.bins) == 11


def test_without_points_there_is_no_distribution_of_scores() -> None:
    page = page_of([report(passed(points=0, max_points=0), spec=SPEC, score=0, max_score=0)])

    assert page.bins == []
    assert page.all_passed == 1


def test_names_are_in_the_order_in_which_people_count() -> None:
    names = ["Zoë", "team 10", "Élodie", "Team 9", "team 09b", "1" * 5000, "9", "Fay"]

    assert sorted(names, key=natural) == ["9", "1" * 5000, "Élodie", "Fay", "Team 9", "team 09b", "team 10", "Zoë"]


def test_another_version_of_the_spec_is_said_and_the_newest_gives_the_order_of_checks() -> None:
    older = report(passed(id="gone"), passed(), started="2026-01-01T00:00:00+00:00", spec=SPEC)
    newer = report(passed(), passed(id="new"), spec=SPEC.model_copy(update={"sha256": "c" * 64}))
    page = page_of([older, newer])

    assert [column.id for column in page.columns] == ["echo", "new", "gone"]
    assert page.notes[0].startswith("1 report was made with another version of the spec")


def test_an_empty_class_is_a_page_too() -> None:
    page = page_of([], refused("ann"))

    assert (page.median, page.mean, page.all_passed, page.bins) == (0, 0, 0, [])
    assert [result.name for result in page.not_graded] == ["ann"]


# The folder of a batch


def test_results_read_back_as_they_were_written(tmp_path: Path) -> None:
    results = [refused("ann"), refused("b\u202e\udcff\n\u2028<b>", "why\x1b")]
    write_results(tmp_path / "results.jsonl", results)

    text = (tmp_path / "results.jsonl").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 2
    assert text.replace("\n", "").isprintable()
    assert read_results(tmp_path / "results.jsonl")[0] == results[0]
    assert read_results(tmp_path / "results.jsonl")[1].failed == "why\x1b"
    assert read_results(tmp_path / "none.jsonl") == []


def test_a_line_for_which_there_is_no_room_leaves_the_others_whole(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    write_results(path, [refused("ann")])
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
    try:
        with pytest.raises(OSError, match="No space left"):
            add_result(path, refused("ben"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"schema": 2}'])
def test_a_line_that_is_no_result_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.jsonl").write_text(f"{text}\n")

    with pytest.raises(ReportError, match=r"results\.jsonl holds a line that is no result"):
        read_results(tmp_path / "results.jsonl")


def test_only_reports_in_folders_of_the_batch_are_taken_and_no_link_is_followed(tmp_path: Path) -> None:
    fill(tmp_path / "batch", [one("ann", [])])
    fill(tmp_path / "elsewhere", [one("ben", [])])
    (tmp_path / "batch" / "linked").symlink_to(tmp_path / "elsewhere" / "ben")
    (tmp_path / "batch" / "empty").mkdir()
    (tmp_path / "batch" / "file").touch()

    assert [path.parent.name for path, _ in reports_in(tmp_path / "batch")] == ["ann"]


def test_what_cannot_be_read_is_among_those_not_graded_and_hides_nobody_else(tmp_path: Path) -> None:
    fill(tmp_path, [one("ann", []), one("ben", [])])
    (tmp_path / "ben" / "report.json").write_text("{")
    (tmp_path / "results.jsonl").write_text("nonsense\n")

    page = class_of(gather(tmp_path), SPEC)

    assert [row.name for row in page.rows] == ["ann"]
    assert [(result.name, result.fault) for result in page.not_graded] == [("ben", "grader")]
    assert "is not a report of schema 1" in page.not_graded[0].failed
    assert page.notes[0].startswith("Submissions without a report may be missing here: ")


@pytest.mark.parametrize(("started", "graded"), [("2026-01-01T00:00:00+00:00", False), ("2026-02-01T00:00:00", True)])
def test_an_older_report_of_what_cannot_be_graded_any_more_does_not_count(started: str, *, graded: bool) -> None:
    page = page_of([one("ann", [], started=started)], refused("ann"))

    assert [row.name for row in page.rows] == ["ann"] * graded
    assert [result.name for result in page.not_graded] == ["ann"] * (not graded)


def test_reports_of_other_specs_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    found = gather(fill(tmp_path, [one("ann", []), one("ben", []), one("cleo", [], spec=OTHER)]))

    assert usual_spec(found) == SPEC
    page = class_of(found, SPEC)
    assert [row.name for row in page.rows] == ["ann", "ben"]
    assert page.notes == ["Left out: 1 report in this folder made with the spec epoll."]


def test_the_spec_of_the_last_batch_is_that_of_the_class(tmp_path: Path) -> None:
    fill(tmp_path, [one("ann", []), one("ben", []), one("cleo", [], spec=OTHER)])
    write_results(tmp_path / "results.jsonl", [refused("dan").model_copy(update={"spec": OTHER})])

    assert usual_spec(gather(tmp_path)) == OTHER
    assert usual_spec(Gathered()) is None


def test_who_is_graded_later_joins_the_class(tmp_path: Path) -> None:
    fill(tmp_path, [one("ann", [])])
    write_batch(tmp_path, SPEC, [_graded("ann"), refused("late")])
    fill(tmp_path, [one("ben", []), one("late", [], started="2026-03-01T00:00:00+00:00")])

    write_batch(tmp_path, SPEC, [_graded("ben"), _graded("late")])

    assert [(result.name, result.failed) for result in read_results(tmp_path / "results.jsonl")] == [
        ("ann", ""),
        ("ben", ""),
        ("late", ""),
    ]
    page = class_of(gather(tmp_path), SPEC)
    assert [row.name for row in page.rows] == ["ann", "ben", "late"]
    assert page.not_graded == []
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"ann", "ben", "late"}


def _graded(name: str) -> Result:
    update = {"failed": "", "fault": "", "score": 100.0, "max_score": 100.0}
    return refused(name).model_copy(update=update)


# Hidden checks


def test_the_instructors_page_shows_what_the_students_page_hides() -> None:
    found = report(passed(), failed("secret", hidden=True, title="A secret test"))

    assert "secret" not in render_html(found)
    whole = render_html(revealed(found))
    assert "A secret test (hidden from students)" in whole
    assert "not all were served: secret" in whole


def test_a_batch_gets_an_instructors_page_only_where_something_is_hidden(tmp_path: Path) -> None:
    hiding = one("ann", [])
    hiding = hiding.model_copy(update={"checks": [hiding.checks[0].model_copy(update={"hidden": True})]})
    fill(tmp_path, [hiding, one("ben", [])])

    write_batch(tmp_path, SPEC, [])

    assert (tmp_path / "ann" / "report.instructor.html").is_file()
    assert not (tmp_path / "ben" / "report.instructor.html").exists()
    pages = {row.name: row.page for row in gather(tmp_path).rows}
    assert pages == {"ann": "report.instructor.html", "ben": "report.json"}
    assert 'href="ann/report.instructor.html"' in (tmp_path / "index.html").read_text()


def test_the_sample_class_is_one_that_could_be(tmp_path: Path) -> None:
    page = page_of(students(40))

    assert len(page.columns) == len(CHECKS)
    assert {row.max_score for row in page.rows} == {100}
    write_json(students(1)[0], tmp_path / "report.json")
    assert read_json(tmp_path / "report.json") == students(1)[0]
