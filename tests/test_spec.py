"""Specs as people write them: what is right loads, and of what is not every problem is told, with its place."""

from __future__ import annotations

import hashlib

import pytest
from conftest import ROOT

from grader.behaviours import catalogue
from grader.behaviours.departures import WAYS
from grader.spec import CheckFields, Facets, Spec, SpecError, load_spec, parse_spec

SELECT = (ROOT / "specs" / "select.yaml").read_bytes()
BUNDLED = sorted(file.stem for file in (ROOT / "specs").glob("*.yaml"))
KNOWN = ", ".join(catalogue())
KEYS = "spec, title, description, picture, model, server, protocol, limits, behaviours, points, checks"
OUTSIDE = "give a file name inside the submission's folder"
SIZES = "write a number and its unit (B, kB, KB, MB, GB, KiB, MiB, GiB), such as 256 MiB"
TIMES = "write a number and its unit (us, ms, s, min, h), such as 200 ms"
PERCENT = "write a number and its unit (%), such as 5%"
SLUG = "use small letters, digits, '-' and '_' only"
GOOD = """\
spec: made
title: Made for a test
model: select
server: {entry: server.py}
limits: {memory: 256 MiB}
checks:
  - behaviour: echo
    id: first
    points: 10
  - behaviour: disconnect
    id: leaving
    how: fin
    clients: 3
  - behaviour: cpu_ceiling
    at_most: 5%
    needs: first
"""


def parse(text: str | bytes, file: str = "x.yaml") -> Spec:
    return parse_spec(text.encode() if isinstance(text, str) else text, file, catalogue())


def problems(text: str | bytes, file: str = "x.yaml") -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse(text, file)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem) for problem in caught.value.problems]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_spec_is_worth_100_points_and_its_ids_are_unique(name: str) -> None:
    spec = load_spec(ROOT / "specs" / f"{name}.yaml", catalogue())

    assert (spec.spec, spec.max_score) == (name, 100)
    assert len({check.id for check in spec.checks}) == len(spec.checks) > 5


def test_what_the_file_says_is_in_the_spec() -> None:
    spec = load_spec(ROOT / "specs" / "select.yaml", catalogue())

    assert (spec.limits.memory, spec.limits.startup) == (256 << 20, 10.0)
    assert spec.server.entry == ["server.py", "server.c", "server.cpp", "server.rs"]
    assert spec.sha256 == hashlib.sha256(SELECT).hexdigest()
    assert [(check.id, check.points) for check in spec.checks[:3]] == [
        ("echo", 10),
        ("concurrent", 15),
        ("capacity", 5),
    ]
    assert {check.model_dump().get("at_most") for check in spec.checks} == {None, 0.05}


def test_an_unknown_behaviour_is_told_with_its_place_and_the_nearest_name() -> None:
    text = "spec: a\ntitle: b\nchecks:\n" + "  - behaviour: echo\n" * 10 + "  - behaviour: concurent_clients\n"

    assert problems(text, "specs/x.yaml") == [
        "unknown behaviour 'concurent_clients' at specs/x.yaml:14:16; did you mean 'concurrent_clients'?"
    ]


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
sha256: abc
titel: Made
spec: made
checks:
  - behaviour: pool_limit
    id: pool
    clients: 3
  - {behaviour: echo, id: first, points: -1}
  - behaviour: ecko
    id: twice
    needs: [first, later]
  - {behaviour: disconnect, id: twice, how: fins, client: 3, rounds: 2}
  - {behaviour: cpu_ceiling, id: later, at_most: 0%}
  - id: nameless
model: {waits: [select, pole], worker: single}
limits: {memory: 200, startup: 5, files: 2000000}
server: {port: "80", env: {A: 1}, args: [a, 2]}
"""

    assert problems(text) == [
        "unknown key 'sha256' at x.yaml:1:1",
        "'title' is missing at x.yaml:1:1",
        "unknown key 'titel' at x.yaml:2:1; did you mean 'title'?",
        "at_least, at_most and clients must grow in this order, clients above at_most at x.yaml:5:5",
        "'points' must be at least 0, not -1 at x.yaml:8:42",
        "unknown behaviour 'ecko' at x.yaml:9:16; did you mean 'echo'?",
        "'twice' needs 'later', which is not the id of an earlier check at x.yaml:11:20; choose one of pool, first",
        "the id 'twice' is there twice at x.yaml:12:33; every check has an id of its own",
        "'how' cannot be 'fins' at x.yaml:12:45; did you mean 'fin'?",
        "unknown key 'client' at x.yaml:12:51; did you mean 'clients'?",
        "'rounds' must be at least 3, not 2 at x.yaml:12:70",
        "'at_most' must be more than 0%, not 0% at x.yaml:13:50",
        f"a check is a mapping that begins with 'behaviour: NAME' at x.yaml:14:5; known are {KNOWN}",
        "entry 2 of 'waits' cannot be 'pole' at x.yaml:15:25; did you mean 'poll'?",
        "unknown key 'worker' at x.yaml:15:32; did you mean 'workers'?",
        f"'memory' cannot be 200 at x.yaml:16:18; {SIZES}",
        f"'startup' cannot be 5 at x.yaml:16:32; {TIMES}",
        "'files' must be at most 1048576, not 2000000 at x.yaml:16:42",
        "'port' must be a whole number, not '80' at x.yaml:17:16",
        "'A' must be text, not 1 at x.yaml:17:31",
        "entry 2 of 'args' must be text, not 2 at x.yaml:17:45",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("spec: made", "spec: Made!", f"'spec' cannot be 'Made!' at x.yaml:1:7; {SLUG}"),
        ("spec: made\n", "", "'spec' is missing at x.yaml:1:1"),
        ("title: Made for a test", "title: ''", "'title' must not be empty at x.yaml:2:8"),
        ("title: Made for a test", "title: [a]", "'title' must be text, not a list at x.yaml:2:8"),
        ("title: Made for a test", "title: T\nzzz: 1", f"unknown key 'zzz' at x.yaml:3:1; choose one of {KEYS}"),
        ("model: select", "model: selekt", "unknown model 'selekt' at x.yaml:3:8; did you mean 'select'?"),
        ("model: select", "model: {sockets: x}", "entry 1 of 'sockets' cannot be 'x' at x.yaml:3:18; "),
        ("model: select", "sha256: ''", "unknown key 'sha256' at x.yaml:3:1"),
        ("{entry: server.py}", "8080", "'server' must be a mapping of keys to values, not 8080 at x.yaml:4:9"),
        ("entry: server.py", "port: 0", "'port' must be at least 1, not 0 at x.yaml:4:16"),
        ("entry: server.py", "prot: 80", "unknown key 'prot' at x.yaml:4:10; did you mean 'port'?"),
        ("entry: server.py", "entry: []", "'entry' must not be empty at x.yaml:4:17"),
        ("entry: server.py", "entry: [a, 3]", "entry 2 of 'entry' must be text, not 3 at x.yaml:4:21"),
        ("256 MiB", "200", f"'memory' cannot be 200 at x.yaml:5:18; {SIZES}"),
        ("256 MiB", "256 MebiByte", f"'memory' cannot be '256 MebiByte' at x.yaml:5:18; {SIZES}"),
        ("256 MiB", "1 B", "'memory' must be at least 16 MiB, not 1 B at x.yaml:5:18"),
        ("memory: 256 MiB", "files: 2000000", "'files' must be at most 1048576, not 2000000 at x.yaml:5:17"),
        ("memory: 256 MiB", "startup: 5", f"'startup' cannot be 5 at x.yaml:5:19; {TIMES}"),
        ("points: 10", "points: .inf", "'points' must be a finite number, not inf at x.yaml:9:13"),
        ("points: 10", "points: -1", "'points' must be at least 0, not -1 at x.yaml:9:13"),
        ("points: 10", "points: ten", "'points' must be a number, not 'ten' at x.yaml:9:13"),
        ("points: 10", "hidden: yes", "'hidden' must be true or false, not 'yes' at x.yaml:9:13"),
        ("points: 10", "sizes: [1 B, 5]", f"entry 2 of 'sizes' cannot be 5 at x.yaml:9:18; {SIZES}"),
        ("id: leaving", "id: first", "the id 'first' is there twice at x.yaml:11:9; every check has an id of its own"),
        ("how: fin", "how: fins", "'how' cannot be 'fins' at x.yaml:12:10; did you mean 'fin'?"),
        (
            "how: fin",
            "how: 7",
            f"'how' cannot be 7 at x.yaml:12:10; choose one of {', '.join(WAYS)}",
        ),
        ("clients: 3", "clients: 0", "'clients' must be at least 1, not 0 at x.yaml:13:14"),
        ("clients: 3", "clients: 3.0", "'clients' must be a whole number, not 3.0 at x.yaml:13:14"),
        ("clients: 3", "clients:", "'clients' must be a whole number, not empty at x.yaml:13:13"),
        ("clients: 3", "clients: 3\n    clients: 4", "the key 'clients' is there twice at x.yaml:14:5"),
        ("5%", "0%", "'at_most' must be more than 0%, not 0% at x.yaml:15:14"),
        ("5%", "101%", "'at_most' must be at most 100%, not 101% at x.yaml:15:14"),
        ("5%", '"5"', f"'at_most' cannot be '5' at x.yaml:15:14; {PERCENT}"),
        ("needs: first", "needs: {a: b}", "'needs' must be a list, not a mapping at x.yaml:16:12"),
    ],
)
def test_one_problem_is_told_exactly_and_alone(old: str, new: str, said: str) -> None:
    (found,) = problems(changed(old, new))

    assert found.startswith(said) if said.endswith("; ") else found == said


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        (": null", "'checks' must be a list, not empty at x.yaml:3:9"),
        (": []", "'checks' must not be empty at x.yaml:3:9"),
        (": [echo]", f"a check is a mapping that begins with 'behaviour: NAME' at x.yaml:3:10; known are {KNOWN}"),
        (": [{behaviour: }]", f"unknown behaviour None at x.yaml:3:21; choose one of {KNOWN}"),
        ("x: 1", "'checks' is missing at x.yaml:1:1\nunknown key 'checksx' at x.yaml:3:1; did you mean 'checks'?"),
    ],
)
def test_checks_are_a_list_of_mappings_with_a_behaviour(checks: str, said: str) -> None:
    assert "\n".join(problems(f"spec: a\ntitle: b\nchecks{checks}\n")) == said


@pytest.mark.parametrize(
    ("need", "remedy"),
    [("firts", "did you mean 'first'?"), ("later", "choose one of first, leaving"), ("self", "choose one of first, ")],
)
def test_a_check_needs_only_earlier_ones(need: str, remedy: str) -> None:
    text = changed("needs: first", f"id: self\n    needs: [first, {need}]\n  - {{behaviour: echo, id: later}}")

    (found,) = problems(text)
    assert found.startswith(f"'self' needs {need!r}, which is not the id of an earlier check at x.yaml:17:20; {remedy}")


def test_checks_without_an_id_are_called_after_what_they_do() -> None:
    more = "  - {behaviour: cpu_ceiling, when: idle_clients}\n  - {behaviour: io_model}\n"
    spec = parse(GOOD + more * 2 + "  - {behaviour: echo, id: io-model, needs: cpu-ceiling-idle}\n")

    assert [check.id for check in spec.checks[2:]] == [
        "cpu-ceiling-idle",
        "cpu-ceiling-idle-clients",
        "io-model-2",
        "cpu-ceiling-idle-clients-2",
        "io-model-3",
        "io-model",
    ]
    assert spec.checks[2].title == "The server is quiet when there is nothing to do"


@pytest.mark.parametrize("entry", ["server.py", "[server.py]", "[server.py, src/main.c, a..b, ...]"])
def test_an_entry_is_one_name_or_several(entry: str) -> None:
    assert parse(changed("server.py", entry)).server.entry == entry.strip("[]").split(", ")


@pytest.mark.parametrize("name", ["/etc/passwd", "..", "../a.py", "a/../../b.py", "a/..", "-c", "", "\0"])
@pytest.mark.parametrize("form", ["{}", "[{}]"])
def test_a_file_name_that_leads_out_of_the_submission_is_refused(name: str, form: str) -> None:
    quoted = '"' + name.replace("\0", "\\0") + '"'
    column = 17 + form.index("{")

    (found,) = problems(changed("server.py", form.format(quoted)))
    assert found == f"entry 1 of 'entry' cannot be {name!r} at x.yaml:4:{column}; {OUTSIDE}"


def test_a_model_is_a_name_or_its_facets_or_left_out() -> None:
    facets = parse(changed("model: select", "model: {workers: pool, waits: [accept, recv]}"))

    assert facets.model == Facets(workers=["pool"], waits=["accept", "recv"])
    assert facets.model_name == "required"
    assert parse(GOOD).facets()["waits"] == ["select"]
    assert set(map(tuple, parse(changed("model: select\n", "")).facets().values())) == {()}


def test_nobody_is_blamed_for_needing_a_check_whose_name_is_not_known() -> None:
    wrong = changed("id: first\n    points: 10", "points: -1").replace("needs: first", "needs: echo")

    assert problems(wrong) == ["'points' must be at least 0, not -1 at x.yaml:8:13"]


def test_a_parameter_that_is_missing_is_told_at_its_check() -> None:
    class Juggle(CheckFields):
        balls: int

    with pytest.raises(SpecError, match=r"^'balls' is missing at y:3:10$"):
        parse_spec(b"spec: a\ntitle: b\nchecks: [{behaviour: juggle}]", "y", {"juggle": Juggle})
