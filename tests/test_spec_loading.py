"""Specs: what is right loads, and what is not is told at once, with its place and what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from grader.behaviours import catalogue
from grader.behaviours.leaving import Disconnect
from grader.spec import Problem, Spec, SpecError, find_spec, load_spec, parse_spec, spec_schema
from grader.spec.units import parse_duration, parse_percent, parse_size

SELECT = (ROOT / "specs" / "select.yaml").read_bytes()
GOOD = """\
spec: made
title: Made for a test
model: select
server: {entry: server.py}
checks:
  - behaviour: echo
    points: 10
  - behaviour: disconnect
    id: leaving
    how: reset
    clients: 3
"""


OUTSIDE = "give a file name inside the submission's folder"
KNOWN = ", ".join(catalogue())
UNITS = "write a number and its unit (B, kB, KB, MB, GB, KiB, MiB, GiB), such as 256 MiB"


def parse(text: str | bytes) -> Spec:
    return parse_spec(text.encode() if isinstance(text, str) else text, "specs/x.yaml", catalogue())


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse(text)
    return [str(problem) for problem in caught.value.problems]


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_the_bundled_spec_is_right_and_worth_100_points() -> None:
    spec = load_spec(ROOT / "specs" / "select.yaml", catalogue())

    assert (spec.spec, spec.max_score, spec.model_name) == ("select", 100, "select")
    assert len({check.id for check in spec.checks}) == len(spec.checks) == 11
    assert spec.facets()["waits"] == ["select"]


def test_checks_are_typed_by_their_behaviour() -> None:
    check = parse(GOOD).checks[1]

    assert isinstance(check, Disconnect)
    assert (check.how, check.clients, check.rounds) == ("reset", 3, 4)


def test_a_check_without_id_or_title_gets_them() -> None:
    spec = parse(GOOD + "  - behaviour: disconnect\n    how: fin\n  - behaviour: disconnect\n    how: fin\n")

    assert [check.id for check in spec.checks] == ["echo", "leaving", "disconnect-fin", "disconnect-fin-2"]
    assert spec.checks[0].title == "Every message is answered rightly"


def test_the_nearest_name_is_suggested_with_the_place() -> None:
    head = "spec: made\ntitle: Made\n" + "#\n" * 8 + "checks:\n  - behaviour: echo\n    points: 1\n"

    assert problems(head + "  - behaviour: concurent_clients\n") == [
        "unknown behaviour 'concurent_clients' at specs/x.yaml:14:16; did you mean 'concurrent_clients'?"
    ]


def test_every_problem_is_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
spec: Made For A Test
titel: Made
model: selekt
server: {entry: ../server.py, prot: 80}
limits: {memory: 256}
checks:
  - behaviour: echo
    id: first
    points: -1
  - behaviour: disconnekt
    id: second
  - behaviour: cpu_ceiling
    id: third
    when: idel
    at_most: 5
  - behaviour: echo
    id: twice
    needs: [second, thirt]
  - behaviour: echo
    id: twice
  - echo
"""

    assert problems(text) == [
        "'title' is missing at specs/x.yaml:1:1",
        "'spec' cannot be 'Made For A Test' at specs/x.yaml:1:7; use small letters, digits, '-' and '_' only",
        "unknown key 'titel' at specs/x.yaml:2:1; did you mean 'title'?",
        "unknown model 'selekt' at specs/x.yaml:3:8; did you mean 'select'?",
        f"entry 1 of 'entry' cannot be '../server.py' at specs/x.yaml:4:17; {OUTSIDE}",
        "unknown key 'prot' at specs/x.yaml:4:31; did you mean 'port'?",
        f"'memory' cannot be 256 at specs/x.yaml:5:18; {UNITS}",
        "'points' must be at least 0, not -1 at specs/x.yaml:9:13",
        "unknown behaviour 'disconnekt' at specs/x.yaml:10:16; did you mean 'disconnect'?",
        "'when' cannot be 'idel' at specs/x.yaml:14:11; did you mean 'idle'?",
        "'at_most' cannot be 5 at specs/x.yaml:15:14; write a number and its unit (%), such as 5%",
        "'twice' needs 'thirt', which is not the id of an earlier check at specs/x.yaml:18:21; did you mean 'third'?",
        "the id 'twice' is there twice at specs/x.yaml:20:9; every check has an id of its own",
        f"a check is a mapping that begins with 'behaviour: NAME' at specs/x.yaml:21:5; known are {KNOWN}",
    ]


def test_nobody_is_blamed_for_needing_a_check_whose_name_is_not_known() -> None:
    found = problems(changed("points: 10", "points: -1") + "    needs: echo\n")

    assert found == ["'points' must be at least 0, not -1 at specs/x.yaml:7:13"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty; a spec begins with 'spec: NAME' at specs/x.yaml:1:1"),
        ("- a\n- b\n", "a spec is a mapping that begins with 'spec: NAME' at specs/x.yaml:1:1"),
        ("just words", "a spec is a mapping that begins with 'spec: NAME' at specs/x.yaml:1:1"),
        ("spec: [", "this is not valid YAML: expected the node content"),
        ("spec: a\n\ttitle: b\n", "this is not valid YAML"),
        (b"spec: a\ntitle: \xff\n", "this is not UTF-8 text at specs/x.yaml:2:8"),
        (changed("points: 10", "points: 10\n    points: 20"), "the key 'points' is there twice at specs/x.yaml:8:5"),
        (changed("title: Made for a test", "title: !!python/object:os.system x"), "has no place in a spec"),
        (changed("title: Made for a test", "title: !!binary aGk="), "has no place in a spec"),
        (changed("title: Made for a test", "title:"), "'title' must be text, not empty at specs/x.yaml:2:7"),
        (
            changed("clients: 3", "clients: three"),
            "'clients' must be a whole number, not 'three' at specs/x.yaml:11:14",
        ),
        (changed("clients: 3", "clients: 2.5"), "'clients' must be a whole number, not 2.5"),
        (changed("clients: 3", "clients: 0"), "'clients' must be at least 1, not 0"),
        (changed("clients: 3", "clients: 100000"), "'clients' must be at most 500, not 100000"),
        (changed("clients: 3", "clients: yes"), "'clients' must be a whole number"),
        (changed("points: 10", "points: .inf"), "'points' must be"),
        (changed("points: 10", "points: .nan"), "'points' must be"),
        (changed("how: reset", "how: no"), "'how' cannot be"),
        (changed("model: select", "model: {workers: many}"), "cannot be 'many'"),
        (changed("model: select", "model: 7"), "unknown model 7"),
        (changed("model: select", "sha256: abc"), "unknown key 'sha256' at specs/x.yaml:3:1"),
        (changed("{entry: server.py}", "{entry: []}"), "'entry' must not be empty"),
        (changed("{entry: server.py}", "{entry: /etc/passwd}"), "give a file name inside the submission's folder"),
        (changed("{entry: server.py}", "{port: 70000}"), "'port' must be at most 65535"),
        ("spec: a\ntitle: b\n", "'checks' is missing"),
        ("spec: a\ntitle: b\nchecks: []\n", "'checks' must not be empty"),
        ("spec: a\ntitle: b\nchecks: echo\n", "'checks' must be a list, not 'echo'"),
        ("? [a, b]\n: c\n", "a key must be a word at specs/x.yaml:1:3"),
    ],
)
def test_what_is_wrong_is_said(text: str | bytes, said: str) -> None:
    assert any(said in problem for problem in problems(text)), problems(text)


def test_an_alias_bomb_is_stopped() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for previous, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{previous}'] * 9)}]\n"

    assert "the file holds too many values" in problems(bomb)[0]


def test_a_circle_and_a_deep_nest_are_stopped() -> None:
    assert "nested too deeply" in problems("a: &a [*a]\n")[0]
    assert problems("[" * 5000)


def test_a_huge_file_is_refused_unread() -> None:
    assert problems(b"#" * (1 << 20) + b"#") == ["the file is larger than 1 MiB at specs/x.yaml:1:1"]


def test_words_that_old_yaml_takes_for_something_else_stay_words() -> None:
    spec = parse(changed("title: Made for a test", "title: on") + "    title: 2024-01-01\n")

    assert (spec.title, spec.checks[1].title) == ("on", "2024-01-01")


def test_a_spec_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"cannot read the spec: No such file or directory at .*none.yaml:1:1"):
        load_spec(tmp_path / "none.yaml", catalogue())


@pytest.mark.parametrize("name", ["select", "select.yaml", str(ROOT / "specs" / "select.yaml")])
def test_a_spec_is_found_by_path_or_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert find_spec(name).read_bytes() == SELECT


def test_the_digest_is_that_of_the_file() -> None:
    assert parse(GOOD).sha256 != parse(GOOD + "# more\n").sha256
    assert len(parse(GOOD).sha256) == 64


def problems_of(text: bytes) -> list[Problem]:
    try:
        parse(text)
    except SpecError as error:
        return error.problems or [Problem("nothing said", "", None)]
    return []


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_spec_or_located_problems(text: bytes) -> None:
    assert all(problem.place and problem.file == "specs/x.yaml" for problem in problems_of(text))


@given(st.integers(0, len(SELECT)), st.integers(0, 60), st.text("[]{}:-#&*!|>'\"%@` \n\tabc019.", max_size=6))
def test_a_damaged_spec_is_a_spec_or_located_problems(at: int, length: int, put: str) -> None:
    assert all(problem.place for problem in problems_of(SELECT[:at] + put.encode() + SELECT[at + length :]))


@pytest.mark.parametrize(
    ("function", "text", "value"),
    [
        (parse_percent, "5%", 0.05),
        (parse_percent, " 12.5 % ", 0.125),
        (parse_duration, "200 ms", 0.2),
        (parse_duration, "2min", 120.0),
        (parse_duration, "3 us", 3e-6),
        (parse_size, "256 MiB", 256 << 20),
        (parse_size, "1.5 KiB", 1536),
        (parse_size, "2 kB", 2000),
    ],
)
def test_quantities_are_read_with_their_units(function: Any, text: str, value: float) -> None:
    assert function(text) == pytest.approx(value)


@pytest.mark.parametrize("function", [parse_percent, parse_duration, parse_size])
@pytest.mark.parametrize(
    "text", ["5", "", "%", "-5%", "5 pounds", "1e3 ms", "\u0665%", 5, None, True, ["5%"], "5 %%", "9" * 400 + " s"]
)
def test_quantities_without_a_right_unit_are_refused(function: Any, text: Any) -> None:
    with pytest.raises(ValueError, match="such as"):
        function(text)


@given(st.integers(0, 10**6), st.sampled_from([("B", 1), ("KiB", 1 << 10), ("GiB", 1 << 30)]))
def test_sizes_are_exact(number: int, unit: tuple[str, int]) -> None:
    assert parse_size(f"{number} {unit[0]}") == number * unit[1]


SCHEMA = spec_schema(catalogue())


def fits(text: str | bytes) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(text))


def test_the_schema_is_one_and_takes_the_bundled_spec() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    assert fits(SELECT)
    assert fits(GOOD)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("clients: 3", "clients: 0"),
        ("clients: 3", "clients: three"),
        ("clients: 3", "client: 3"),
        ("how: reset", "how: fins"),
        ("behaviour: echo", "behaviour: ecko"),
        ("points: 10", "points: -1"),
        ("model: select", "model: selekt"),
        ("spec: made", "spec: Made!"),
        ("title: Made for a test\n", ""),
        ("points: 10", "sizes: [5]"),
        ("{entry: server.py}", "{entry: []}"),
        ("points: 10", "sizes: []"),
    ],
)
def test_the_schema_and_the_loader_refuse_alike(old: str, new: str) -> None:
    assert not fits(changed(old, new))
    assert problems(changed(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{entry: server.py}", "{entry: [server.py, server.c]}"),
        ("model: select", "model: {workers: single, waits: [select, poll]}"),
        ("points: 10", "sizes: [5 B, 64 KiB]"),
        ("clients: 3", "clients: 3\n    needs: echo"),
        ("clients: 3", "clients: 3\n    needs: [echo]\n    hidden: true\n    hint: look"),
    ],
)
def test_the_schema_and_the_loader_accept_alike(old: str, new: str) -> None:
    assert fits(changed(old, new))
    assert parse(changed(old, new)).checks
