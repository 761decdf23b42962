"""The small parts under a spec: its text with the places in it, its file, and quantities with their units."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from test_spec import BUNDLED, GOOD, PERCENT, SIZES, TIMES, changed, parse, problems

from grader.behaviours import catalogue
from grader.spec import Place, Problem, SpecError, bundled_folder, find_spec, load_spec
from grader.spec.units import parse_duration, parse_percent, parse_size

SIZE = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
TIME = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "the file is empty; a spec begins with 'spec: NAME' at x.yaml:1:1"),
        (b"# only a comment\n", "the file is empty; a spec begins with 'spec: NAME' at x.yaml:1:1"),
        (b"- spec: a\n", "a spec is a mapping that begins with 'spec: NAME' at x.yaml:1:1"),
        (b"just words", "a spec is a mapping that begins with 'spec: NAME' at x.yaml:1:1"),
        (b"---\n...\n", "a spec is a mapping that begins with 'spec: NAME' at x.yaml:1:1"),
        (
            b"spec: a\n\ttitle: b\n",
            "this is not valid YAML: found character '\\t' that cannot start any token at x.yaml:2:1",
        ),
        (b"spec: a\ntitle: b: c\n", "this is not valid YAML: mapping values are not allowed here at x.yaml:2:9"),
        (b"spec: a\ntitle: *b\n", "this is not valid YAML: found undefined alias 'b' at x.yaml:2:8"),
        (b"spec: a\n---\nspec: b\n", "this is not valid YAML: but found another document at x.yaml:2:1"),
        (b"spec: a\ntitle: \xff\n", "this is not UTF-8 text at x.yaml:2:8"),
        ("spec: a\ntitle: \u00e9\U0001f600".encode() + b"\xff", "this is not UTF-8 text at x.yaml:2:10"),
        (b"\xef\xbb\xbfspec: a\ntitle: \xff\n", "this is not UTF-8 text at x.yaml:2:8"),
        (b"\xef\xbb\xbfspec: \xff\n", "this is not UTF-8 text at x.yaml:1:7"),
        ("spec: a\n".encode("utf-16"), "this is not UTF-8 text at x.yaml:1:1"),
        (b"spec: a\ntitle: \x07\n", "a spec may not hold the character '\\x07' at x.yaml:2:8"),
        (b'spec: a\ntitle: "\\ud800"\n', "a spec may not hold the character '\\ud800' at x.yaml:2:8"),
        (b'spec: a\n"\\udfff": b\n', "a spec may not hold the character '\\udfff' at x.yaml:2:1"),
        (b'spec: "\\UFFFFFFFF"\n', "this cannot be read as YAML: OverflowError at x.yaml:1:1"),
        (b"? [a]\n: b\n", "a key must be a word at x.yaml:1:3"),
        (b"spec: a\nspec: b\n", "the key 'spec' is there twice at x.yaml:2:1"),
        (b"a: " + b"[" * 60 + b"]" * 60, "this is nested too deeply at x.yaml:1:54"),
        (b"a: &a {b: *a}\n", "this is nested too deeply at x.yaml:1:4"),
        (b"[" * 2000, "this cannot be read as YAML: RecursionError at x.yaml:1:1"),
        (b"{a: " * 2000, "this cannot be read as YAML: RecursionError at x.yaml:1:1"),
        (b"#" * ((1 << 20) + 1), "the file is larger than 1 MiB at x.yaml:1:1"),
        (b"#" * (1 << 20), "the file is empty; a spec begins with 'spec: NAME' at x.yaml:1:1"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_text_that_is_no_spec_is_told_with_its_place(text: bytes, said: str) -> None:
    assert problems(text) == [said]


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object:os.system {a: b}",
        "!!python/object/apply:os.system [touch /tmp/made-by-a-spec]",
        "!!python/name:os.system x",
        "!!binary aGk=",
        "!!timestamp 2024-01-01",
        "!!set {a, b}",
        "!!omap [a: b]",
        "!own x",
        "!!map [a]",
        "!!seq a",
    ],
)
@pytest.mark.parametrize("where", ["title: {}", "server: {{env: {}}}", "{}: a", "? {}\n: a"])
def test_a_tag_makes_nothing_and_is_told(value: str, where: str) -> None:
    tag = value.split(maxsplit=1)[0].replace("!!", "tag:yaml.org,2002:")
    column = where.format(value).index("!") + 1

    found = problems(f"spec: a\n{where.format(value)}\n")

    if where[0] in "{?" and value[-1] in "}]":
        assert found == [f"a key must be a word at x.yaml:2:{column}"]
    else:
        assert f"the tag {tag!r} has no place in a spec at x.yaml:2:{column}" in found


def test_a_small_file_that_stands_for_billions_of_values_is_stopped() -> None:
    bomb = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
    for previous, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{previous}'] * 10)}]\n"

    (found,) = problems(bomb)
    assert re.fullmatch(r"the file holds too many values at x\.yaml:\d:\d+", found)


def test_an_anchor_may_be_used_twice() -> None:
    spec = parse(changed("  - behaviour: echo", "  - &echo {behaviour: echo}\n  - *echo\n  - behaviour: echo"))

    assert [check.id for check in spec.checks[:3]] == ["echo", "echo-2", "first"]


@pytest.mark.parametrize("words", ["on", "off", "no", "Y", "2024-01-01", "10:30", "08", "=", "<<", "1.5.2"])
def test_words_that_yaml_takes_for_something_else_stay_words(words: str) -> None:
    assert parse(changed("Made for a test", words)).title == words


@pytest.mark.parametrize(("text", "value"), [("8_0", 80), ("0x50", 80), ("0b11", 3), ("+7", 7)])
def test_whole_numbers_are_read_as_yaml_writes_them(text: str, value: int) -> None:
    assert parse(changed("entry: server.py", f"port: {text}")).server.port == value


@pytest.mark.parametrize("digits", ["9" * 400, "9" * 5000, "0x" + "f" * 9000])
@pytest.mark.parametrize("where", ["clients: 3", "points: 10", "behaviour: echo", "model: select", "5%", "id: first"])
def test_a_number_that_is_too_long_to_print_is_a_problem_like_any_other(where: str, digits: str) -> None:
    found = problems(changed(where, f"{where.split(maxsplit=1)[0]} {digits}" if ":" in where else digits))

    assert found
    assert all(" at x.yaml:" in problem for problem in found)


@pytest.mark.parametrize("name", ["select", "select.yaml", str(ROOT / "specs" / "select.yaml")])
def test_a_bundled_spec_is_found_by_name_even_beside_a_folder_of_that_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "select").mkdir()
    monkeypatch.chdir(tmp_path)

    assert find_spec(name) == (bundled_folder() / "select.yaml" if name[0] != "/" else Path(name))


def test_a_file_comes_before_a_bundled_spec_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "select.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)

    assert load_spec(find_spec("select.yaml"), catalogue()).spec == "made"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("slect", "did you mean 'select'?"),
        ("slect.yaml", "did you mean 'select'?"),
        ("./treads", "did you mean 'threads'?"),
        ("qqqq", f"choose one of {', '.join(BUNDLED)}"),
        ("", f"choose one of {', '.join(BUNDLED)}"),
        ("q" * 5000, f"choose one of {', '.join(BUNDLED)}"),
    ],
)
def test_a_name_of_no_spec_is_told_with_the_nearest(name: str, remedy: str) -> None:
    with pytest.raises(SpecError) as caught:
        find_spec(name)

    said = f"there is no spec {name!r}, neither a file nor a bundled one"
    assert caught.value.problems == [Problem(said, name, None, remedy)]


@pytest.mark.parametrize(("name", "why"), [("none.yaml", "No such file or directory"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read_is_a_located_problem(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / name, catalogue())

    said = Problem(f"cannot read the spec: {why}", str(tmp_path / name), Place(1, 1))
    assert caught.value.problems == [said]


@given(st.integers(0, 10**6).map(lambda points: points / 100), st.integers(0, 10**6).map(lambda points: points / 100))
def test_points_add_up_without_the_noise_of_floats(one: float, other: float) -> None:
    text = changed("points: 10", f"points: {one:.2f}") + f"    points: {other:.2f}\n"

    assert f"{parse(text).max_score:.4f}" == f"{one + other:.2f}00"


@pytest.mark.parametrize("unit", SIZE)
@given(number=st.integers(0, 10**6))
def test_a_size_is_exact(unit: str, number: int) -> None:
    assert parse_size(f"{number}{unit}") == parse_size(f" {number}.0  {unit} ") == number * SIZE[unit]


@given(st.integers(0, 10**4), st.integers(0, 99), st.sampled_from(sorted(SIZE)))
def test_a_size_is_rounded_to_whole_bytes(whole: int, part: int, unit: str) -> None:
    found = parse_size(f"{whole}.{part:02d} {unit}")

    assert isinstance(found, int)
    assert abs(100 * found - (100 * whole + part) * SIZE[unit]) <= 51


@pytest.mark.parametrize("unit", TIME)
@given(number=st.decimals(0, 10**6, places=3))
def test_a_duration_is_in_seconds(unit: str, number: Any) -> None:
    assert parse_duration(f"{number} {unit}") == pytest.approx(float(number) * TIME[unit])


@given(st.integers(0, 10**6))
def test_a_percent_is_a_share_of_one(number: int) -> None:
    assert parse_percent(f"{number}%") == pytest.approx(number / 100)


PARSERS: list[tuple[Callable[[Any], float], str]] = [
    (parse_percent, PERCENT),
    (parse_duration, TIMES),
    (parse_size, SIZES),
]


@pytest.mark.parametrize(("read", "remedy"), PARSERS)
@pytest.mark.parametrize(
    "value",
    [200, 0.5, True, None, ["5%"], b"5%", "", "5", "%", "ms", "-5%", "+5 s", "1e3 ms", ".5 s", "5. s", "5 %%", "5 S"],
)
def test_what_is_no_number_with_a_unit_is_refused(read: Callable[[Any], float], remedy: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(remedy)}$"):
        read(value)


@pytest.mark.parametrize(("read", "remedy"), PARSERS)
@pytest.mark.parametrize(
    "text",
    ["5 mib", "\u0665%", "\uff15 B", "5\u00a0%", "1,5 s", "1_0 B", "5 s s", "nan s", "inf %", "0x5 B", "5 pounds"],
)
def test_what_only_looks_like_a_quantity_is_refused(read: Callable[[Any], float], remedy: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(remedy)}$"):
        read(text)


@given(st.text(max_size=12), st.sampled_from(PARSERS))
def test_any_text_is_a_finite_quantity_or_refused(text: str, parser: tuple[Callable[[Any], float], str]) -> None:
    read, remedy = parser
    try:
        assert 0 <= read(text) < float("inf")
    except ValueError as error:
        assert str(error) == remedy  # noqa: PT017 - only what is raised is of interest


@pytest.mark.parametrize("text", ["9" * 400 + " h", "9" * 400 + "%", "9" * 400 + " GiB"])
def test_a_quantity_beyond_all_floats_is_refused(text: str) -> None:
    read = {"h": parse_duration, "%": parse_percent, "B": parse_size}[text[-1]]

    with pytest.raises(ValueError, match="that is too large; write something such as "):
        read(text)
