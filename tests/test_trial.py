"""Specs that are themselves tested: what right and wrong servers say of a spec."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import ROOT, spec_of

from grader.behaviours import catalogue
from grader.collection import known_servers, why_not_bundled
from grader.judgement.trial import remarks, tried_checks
from grader.report.model import SpecInfo, Verdict
from grader.report.trial import Remark, Trial, TriedServer, Weight
from grader.report.trial_html import render_trial
from grader.spec import Spec, find_spec, load_spec

CHECKS = """
- {behaviour: echo, id: echo, points: 60}
- {behaviour: disconnect, how: fin, id: fin, points: 40}
"""
SPEC = spec_of(CHECKS)
RIGHT_SERVER = """
import select, socket
listener = socket.create_server(("", 8080), backlog=50)
sockets = [listener]
while True:
    for ready in select.select(sockets, [], [])[0]:
        if ready is listener:
            sockets.append(listener.accept()[0])
            continue
        if data := ready.recv(65536):
            ready.sendall(data{reply})
        else:
            sockets.remove(ready){leave}
"""


def server(name: str, *failed: str, role: str = "wrong", unknown: Sequence[str] = (), own: bool = True) -> TriedServer:
    verdicts = dict.fromkeys(("echo", "fin"), Verdict.PASS)
    verdicts |= dict.fromkeys(failed, Verdict.FAIL) | dict.fromkeys(unknown, Verdict.INCONCLUSIVE)
    summaries = {name: f"{name} was not so" for name, verdict in verdicts.items() if verdict is not Verdict.PASS}
    return TriedServer.model_validate(
        {"name": name, "role": role, "own": own, "verdicts": verdicts, "summaries": summaries}
    )


RIGHT = server("right/solution", role="right")
ENOUGH = [RIGHT, server("wrong/a", "echo"), server("wrong/b", "fin")]


def kinds(found: list[Remark]) -> list[tuple[str, str]]:
    return [(remark.kind, str(remark.weight)) for remark in found]


def test_a_spec_whose_every_check_catches_something_and_blames_nobody_else_is_fit() -> None:
    assert remarks(SPEC, ENOUGH, {}) == []


def test_a_check_that_fails_a_right_server_is_called_out() -> None:
    (found,) = remarks(SPEC, [*ENOUGH, server("right/other", "fin", role="right")], {})

    assert (found.kind, found.weight) == ("right-failed", Weight.ERROR)
    assert found.message == "fin fails right/other, which is right: fin was not so"


def test_a_check_that_nothing_can_fail_is_called_out() -> None:
    (found,) = remarks(SPEC, [RIGHT, server("wrong/a", "echo")], {})

    assert (found.kind, found.weight) == ("never-fails", Weight.ERROR)
    assert found.message == "fin is failed by none of the 1 wrong servers"


def test_a_wrong_server_that_nothing_catches_is_called_out() -> None:
    (found,) = remarks(SPEC, [*ENOUGH, server("wrong/c")], {})

    assert (found.kind, found.weight) == ("not-caught", Weight.ERROR)
    assert found.message == "wrong/c is wrong and passes every check"


@pytest.mark.parametrize(("catcher", "weight"), [("io_model", Weight.NOTE), ("disconnect fin", Weight.ERROR)])
def test_a_bundled_one_that_passes_is_an_error_only_where_the_spec_asks_for_what_it_does_wrong(
    catcher: str, weight: Weight
) -> None:
    wanted = {"mutants/x": frozenset({catcher})}

    (found,) = remarks(SPEC, [*ENOUGH, server("mutants/x", own=False)], wanted)

    assert (found.kind, found.weight) == ("not-caught", weight)


def test_without_right_or_without_wrong_servers_nothing_is_known() -> None:
    assert kinds(remarks(SPEC, ENOUGH[1:], {})) == [("no-right-server", "error")]
    assert kinds(remarks(SPEC, [RIGHT], {})) == [("no-wrong-server", "error")]


def test_what_could_not_be_told_is_the_graders_fault() -> None:
    found = remarks(SPEC, [*ENOUGH, server("wrong/c", "fin", unknown=["echo"])], {})

    assert kinds(found) == [("untold", "fault")]
    assert "echo could not be told of wrong/c: echo was not so" in found[0].message


def test_a_server_that_was_not_graded_is_a_fault_only_if_it_is_the_instructors_own() -> None:
    def failed(name: str, *, own: bool) -> TriedServer:
        return TriedServer(name=name, role="wrong", own=own, failed="no javac here")

    assert kinds(remarks(SPEC, [*ENOUGH, failed("wrong/c", own=True)], {})) == [("not-run", "fault")]
    assert kinds(remarks(SPEC, [*ENOUGH, failed("mutants/c", own=False)], {})) == [("not-run", "note")]


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ("- behaviour: echo\n  id: echo\n", [("points", "error")]),
        ("- {behaviour: echo, id: echo, points: 30}\n", [("points", "note")]),
        (f"{CHECKS}- {{behaviour: stops, id: stops}}\n", [("never-fails", "error"), ("no-points", "note")]),
    ],
)
def test_points_that_are_none_or_an_odd_sum_are_called_out(checks: str, said: list[tuple[str, str]]) -> None:
    assert kinds(remarks(spec_of(checks), ENOUGH, {})) == said


def test_a_check_counts_what_it_catches_and_what_it_alone_catches() -> None:
    echo, fin = tried_checks(SPEC.checks, [*ENOUGH, server("wrong/c", "echo", "fin")])

    assert (echo.catches, echo.alone) == (["wrong/a", "wrong/c"], ["wrong/a"])
    assert (fin.catches, fin.alone) == (["wrong/b", "wrong/c"], ["wrong/b"])


def trial(servers: list[TriedServer], found: list[Remark]) -> Trial:
    info = SpecInfo(id="made", title="Made", sha256="0" * 64)
    return Trial(
        grader="0",
        started="2026-01-01",
        seconds=1.0,
        spec=info,
        max_score=100,
        checks=tried_checks(SPEC.checks, servers),
        servers=servers,
        remarks=found,
    )


@pytest.mark.parametrize(("weights", "status"), [("", 0), ("note", 0), ("note error", 1), ("error fault note", 3)])
def test_the_exit_status_is_that_of_the_heaviest_remark(weights: str, status: int) -> None:
    found = [Remark(kind="points", weight=Weight(weight), message="") for weight in weights.split()]

    assert trial(ENOUGH, found).exit_status == status


def test_the_page_escapes_what_servers_and_folders_are_called() -> None:
    page = render_trial(trial([*ENOUGH, server("wrong/<script>\u202e", "echo")], remarks(SPEC, ENOUGH, {})))

    assert "<script>" not in page
    assert "wrong/&lt;script&gt;\\u202e" in page


# Which servers try a spec.


def names(spec: Spec, file: Path) -> dict[str, str]:
    found = known_servers(spec, file)
    return {known.name: "right" if known.right else "alike" if known.alike else "wrong" for known in found}


def test_a_bundled_spec_is_tried_on_its_model_solutions_the_others_and_all_mutants() -> None:
    found = names(load_spec(find_spec("threads"), catalogue()), find_spec("threads"))

    assert {name for name, role in found.items() if role == "right"} == {
        f"servers/threads{language}" for language in ("", "_c", "_rust", "_java")
    }
    assert found["servers/select"] == found["mutants/select/never-closed"] == "wrong"
    assert found["mutants/thread_pool/thread-per-client"] == "alike"
    mutants = (ROOT / "reference" / "mutants").rglob("[sS]erver.*")
    assert {str(file.parent.relative_to(ROOT / "reference")) for file in mutants} <= set(found)


def test_only_right_servers_that_the_spec_admits_must_pass_it(tmp_path: Path) -> None:
    text = (
        find_spec("threads")
        .read_text()
        .replace("[server.py, server.c, server.cpp, server.rs, Server.java]", "server.c")
    )
    file = tmp_path / "threads.yaml"
    file.write_text(text)

    found = names(load_spec(file, catalogue()), file)

    assert [name for name, role in found.items() if role == "right"] == ["servers/threads_c"]


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("", None),
        ("protocol: {reply: lines}", "the bundled servers do not speak its protocol"),
        ("protocol: {suffix: _SB}", "the bundled servers do not speak its protocol"),
        ("server: {run: ./run}", "the bundled servers are not started by its commands"),
    ],
)
def test_bundled_servers_are_used_where_they_can_be_right(head: str, why: str | None) -> None:
    assert why_not_bundled(spec_of(CHECKS, head)) == why
    assert bool(known_servers(spec_of(CHECKS, head), Path("none.yaml"))) is (why is None)


def test_without_a_known_model_no_bundled_server_is_called_right() -> None:
    spec = spec_of(CHECKS, "model: {workers: single}")

    assert {known.right for known in known_servers(spec, Path("none.yaml"))} == {False}


# The command.


def assignment(folder: Path, **wrong: str) -> Path:
    """A spec with a right server and wrong ones, given as replacements in it."""
    checks = "".join(f"  {line}\n" for line in CHECKS.strip().splitlines())
    (folder / "made.yaml").write_text(f"spec: made\ntitle: Made\nmodel: select\nchecks:\n{checks}")
    right = {"reply": ".upper()", "leave": "; ready.close()"}
    servers = {"right/solution": right, **{f"wrong/{name}": {**right, name: text} for name, text in wrong.items()}}
    for name, changes in servers.items():
        place = folder / "made" / name
        place.mkdir(parents=True)
        (place / "server.py").write_text(RIGHT_SERVER.format(**changes))
    return folder / "made.yaml"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own: it leaves the server of multiprocessing's workers behind, which ends with it."""
    grader = Path(sys.executable).with_name("grader")
    return subprocess.run([grader, "check-spec", *arguments], capture_output=True, text=True, check=False, timeout=300)


def test_the_command_says_what_each_check_catches_and_writes_a_page(tmp_path: Path) -> None:
    spec = assignment(tmp_path, reply="", leave="; ready.detach()")

    done = run(spec, "--own", "--output", tmp_path / "out")

    assert done.returncode == 0, done.stderr
    assert "the spec is fit: 1 right and 2 wrong servers" in done.stdout
    assert "3 of 3 servers done" in done.stderr
    assert "<!doctype html>" in (tmp_path / "out/made/check-spec.html").read_text()
    written = Trial.model_validate_json((tmp_path / "out/made/check-spec.json").read_bytes())
    assert {check.id: check.alone for check in written.checks} == {"echo": [], "fin": ["wrong/leave"]}


def test_the_command_calls_out_what_is_to_be_mended_and_ends_with_status_1(tmp_path: Path) -> None:
    spec = assignment(tmp_path, leave="; ready.close()  # as it should be")

    done = run(spec, "--own", "--output", tmp_path / "out", "--format", "json")

    assert done.returncode == 1
    found = {remark["kind"] for remark in json.loads(done.stdout)["remarks"]}
    assert found == {"never-fails", "not-caught"}


def test_more_servers_come_from_another_folder(tmp_path: Path) -> None:
    spec = assignment(tmp_path)
    (tmp_path / "years" / "wrong" / "of-2024").mkdir(parents=True)
    (tmp_path / "years" / "wrong" / "of-2024" / "server.py").write_text("raise SystemExit(1)")

    done = run(spec, "--own", "--servers", tmp_path / "years", "--output", tmp_path / "out")

    assert done.returncode == 0, done.stderr
    assert "wrong/of-2024" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.yaml"], "grader: there is no spec 'nothing.yaml', neither a file nor a bundled one"),
        (["select", "-n", "many"], "grader: -n cannot be 'many'; give a number of processes, or auto"),
        (["select", "-n", "0"], "grader: -n cannot be '0'"),
        (["select", "--servers", "nowhere"], "grader: there is no server in 'nowhere'; give a folder with servers in"),
    ],
)
def test_what_cannot_be_used_is_said_with_status_2(arguments: list[str], said: str) -> None:
    done = run(*arguments)

    assert done.returncode == 2
    assert said in done.stderr
