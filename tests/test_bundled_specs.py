"""Each bundled spec, tried: its right servers pass, and each of its checks is failed by some wrong server.

`tests/trials.yaml` holds which checks each wrong server fails; `pytest tests/test_bundled_specs.py --record-expected`
tries all of them anew, which takes half an hour, and writes the page made of it. Without the switch only as many wrong
servers are tried as it takes for every check to fail once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, missing_tools

from grader.batch import Job, grade_job
from grader.behaviours import catalogue
from grader.collection import KnownServer, known_servers
from grader.judgement.trial import remarks
from grader.report.model import Verdict
from grader.report.trial import TriedServer
from grader.spec import Spec, load_spec
from grader.trial import tried

GOLDEN = Path(__file__).with_name("trials.yaml")
PAGE = ROOT / "docs" / "trials.md"
SLOW = {"mutants/nonblocking/settimeout-round-robin", "servers/socketserver_forking"}  # each turn takes them long
SPECS = sorted((ROOT / "specs").glob("*.yaml"))


@functools.cache
def golden() -> Mapping[str, Mapping[str, list[str]]]:
    found: Mapping[str, Mapping[str, list[str]]] = yaml.safe_load(GOLDEN.read_text())
    return found


def spec_and_servers(file: Path) -> tuple[Spec, list[KnownServer]]:
    spec = load_spec(file, catalogue())
    return spec, known_servers(spec, file)


def enough(spec: Spec, servers: list[KnownServer]) -> Iterator[KnownServer]:
    """The right servers, and wrong ones until each check is failed by one of them: those that fail little first."""
    yield from (server for server in servers if server.right)
    failing = golden()[spec.spec]
    open_checks = {check.id for check in spec.checks}
    wrong = [server for server in servers if not server.right and not server.alike]
    for server in sorted(wrong, key=lambda known: (known.name in SLOW, len(failing[known.name]))):
        if open_checks & set(failing[server.name]):
            open_checks -= set(failing[server.name])
            yield server


def grade_one(file: Path, server: KnownServer) -> TriedServer:
    return tried(server, grade_job(Job(server.folder, file, entry=server.entry)))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_a_bundled_spec_is_fit(file: Path, pytestconfig: pytest.Config) -> None:
    spec, servers = spec_and_servers(file)
    record = pytestconfig.getoption("--record-expected")

    graded = [
        grade_one(file, server)
        for server in (servers if record else enough(spec, servers))
        if not missing_tools(server.folder)
    ]

    wanted = {server.name: server.catchers for server in servers}
    assert [remark.message for remark in remarks(spec, graded, wanted)] == []
    if record:
        recorded = {found.name: found.caught_by for found in graded if found.role != "right"}
        GOLDEN.write_text(yaml.safe_dump({**golden(), spec.spec: recorded}, width=200, default_flow_style=None))
        golden.cache_clear()
        PAGE.write_text(page())


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_every_mutant_is_caught_and_every_check_catches_one(file: Path) -> None:
    spec, servers = spec_and_servers(file)
    recorded = golden()[spec.spec]
    found = [
        TriedServer(
            name=server.name,
            role="right" if server.right else "alike" if server.alike else "wrong",
            verdicts={
                check.id: Verdict.FAIL if check.id in recorded.get(server.name, ()) else Verdict.PASS
                for check in spec.checks
            },
        )
        for server in servers
    ]

    assert set(recorded) == {server.name for server in servers if not server.right}
    assert remarks(spec, found, {server.name: server.catchers for server in servers}) == []


def test_the_page_is_made_of_the_golden_table() -> None:
    assert PAGE.read_text() == page()


def page() -> str:
    """The golden table as a page: for each spec which check catches what."""
    lines = [
        "# What each check catches",
        "",
        "Each bundled spec, tried on the wrong servers of `reference/` and on the solutions of the other models, as",
        "`grader check-spec SPEC` does it. Made by `tests/test_bundled_specs.py`.",
    ]
    for file in SPECS:
        spec, _ = spec_and_servers(file)
        failing = golden()[spec.spec]
        caught = sum(1 for names in failing.values() if names)
        lines += ["", f"## {spec.spec}", "", f"{caught} servers that are wrong here fail it.", ""]
        lines += ["| check | fails | of them mutants |", "|---|---|---|"]
        for check in spec.checks:
            names = [name for name, failed in failing.items() if check.id in failed]
            mutants = [name.removeprefix("mutants/") for name in names if name.startswith("mutants/")]
            lines.append(f"| {check.id} | {len(names)} | {', '.join(mutants)} |")
    return "\n".join(lines) + "\n"
