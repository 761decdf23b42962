"""Where reports go: a visible folder for each submission, inside the output folder, no two the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grader.report.folders import folder_name, report_folders

NAMES = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=300)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("ann", "ann"),
        ("Ann Smith_1234 (late)", "Ann Smith_1234 (late)"),
        ("Größe", "Größe"),
        ("..", "_"),
        (".", "_"),
        ("", "_"),
        (".hidden", "_hidden"),
        ("-rf", "_rf"),
        ("report.json", "_report.json"),
        ("Index.HTML", "_Index.HTML"),
        ("a/../b", "a_.._b"),
        ("a\nb\x1b[31m", "a_b__31m"),
        ("\u202eexe", "_exe"),
        ("<script>", "_script_"),
        ("\udcff", "_"),
        ("trailing. ", "trailing"),
    ],
)
def test_a_name_becomes_that_of_a_visible_folder(name: str, folder: str) -> None:
    assert folder_name(name) == folder


def test_names_that_are_too_long_are_cut_and_still_differ() -> None:
    one, other = folder_name("ö" * 200 + "1"), folder_name("ö" * 200 + "2")

    assert one != other
    assert len(one.encode()) <= 100
    assert one.startswith("öööö")


@pytest.mark.parametrize(
    ("places", "folders"),
    [
        ([("x", "ann"), ("x", "ben")], ["ann", "ben"]),
        ([("a", "server"), ("b", "server"), ("c", "ann")], ["a-server", "b-server", "ann"]),
        ([("x", "a", "server"), ("y", "a", "server")], ["x-a-server", "y-a-server"]),
        ([("x", "Ann"), ("y", "ann")], ["x-Ann", "y-ann"]),
        ([("x", "ann"), ("x", "ann"), ("x", "x-ann-2")], ["x-ann", "x-ann-3", "x-ann-2"]),
        ([("server",), ("a", "server")], ["server", "a-server"]),
    ],
)
def test_submissions_of_one_name_are_told_apart_by_where_they_lie(
    places: list[tuple[str, ...]], folders: list[str]
) -> None:
    assert report_folders(places) == folders


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3), min_size=1, max_size=6))
@example([["a"], ["a"], ["a-2"], ["a-2"]])
def test_no_two_reports_share_a_folder_and_none_leaves_the_output(places: list[list[str]]) -> None:
    found = report_folders(places)

    assert len({name.casefold() for name in found}) == len(places)
    for name in found:
        assert Path(name).name == name
        assert name[0] not in ".- "
        assert len(name.encode()) <= 110
