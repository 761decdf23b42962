"""Every model solution and every wrong server under every spec's `io_model`: the matrix that tells the models apart.

`tests/matrix.yaml` is the golden table: for each server and spec "pass", or the sentence that says why not.
`pytest tests/test_matrix.py --record-expected` writes it anew, and the page made of it; review the diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from conftest import ROOT, require_language

from grader.behaviours import catalogue
from grader.grading import grade
from grader.spec import Spec, find_spec, load_spec

GOLDEN = Path(__file__).with_name("matrix.yaml")
PAGE = ROOT / "docs" / "matrix.md"
SPECS = sorted(file.stem for file in (ROOT / "specs").glob("*.yaml"))
SERVERS = {
    str(file.parent.relative_to(ROOT / "reference")): file.parent
    for top in ("servers", "mutants")
    for file in sorted((ROOT / "reference" / top).rglob("[sS]erver.*"))
}
LEGITIMATE: dict[str, dict[str, str]] = yaml.safe_load((ROOT / "reference" / "alike.yaml").read_text())


def only_model(name: str, entry: str) -> Spec:
    """A spec's `io_model` and nothing else, asked of a server in whatever language it is."""
    spec = load_spec(find_spec(name), catalogue())
    checks = [check for check in spec.checks if check.behaviour == "io_model"]
    return spec.model_copy(update={"checks": checks, "server": spec.server.model_copy(update={"entry": [entry]})})


def cell(folder: Path, name: str) -> str:
    """What `io_model` of one spec says of one server."""
    (check,) = grade(folder, only_model(name, require_language(folder))).checks
    return str(check.verdict) if check.verdict == "pass" else check.summary


def golden() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load(GOLDEN.read_text()) if GOLDEN.exists() else {}
    return found


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_is_told_apart_under_every_spec(server: str, pytestconfig: pytest.Config) -> None:
    row = {name: cell(SERVERS[server], name) for name in SPECS}

    if pytestconfig.getoption("--record-expected"):
        GOLDEN.write_text(yaml.safe_dump({**golden(), server: row}, width=200))
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(golden()))
    assert row == golden()[server]


def test_a_model_solution_passes_its_own_spec_and_others_only_for_a_reason() -> None:
    for server, row in golden().items():
        passed = {name for name, said in row.items() if said == "pass"}
        own = {Path(server).name} & set(SPECS) if server.startswith("servers/") else set()

        assert passed == own | set(LEGITIMATE.get(server, {})), server


def test_the_golden_table_is_of_all_servers_and_specs() -> None:
    assert set(golden()) == set(SERVERS)
    assert all(set(row) == set(SPECS) for row in golden().values())


def test_the_page_is_made_of_the_golden_table() -> None:
    assert PAGE.read_text() == page(golden())


def page(table: dict[str, dict[str, str]]) -> str:
    """The matrix as a page: a table, the reasons of what passes elsewhere, and each sentence."""
    head = ["| server |", *(f" {name} |" for name in SPECS)]
    lines = [
        "# Which server passes which model",
        "",
        "Every server in `reference/` under the check `io_model` of every bundled spec: ✓ passes, ✗ fails. In which",
        "language a server is written does not matter here. Made by `tests/test_matrix.py`.",
        "",
        "".join(head),
        "|---|" + "---|" * len(SPECS),
    ]
    for server, row in sorted(table.items()):
        marks = ("✓" if said == "pass" else "✗" for said in row.values())
        lines.append(f"| {server} | " + " | ".join(marks) + " |")
    lines += ["", "## Why some pass a spec that is not their own", ""]
    lines += [f"- {server}, {name}: {why}" for server, whys in LEGITIMATE.items() for name, why in whys.items()]
    lines += ["", "## What was seen", ""]
    for server, row in sorted(table.items()):
        lines += [f"### {server}", ""]
        lines += [f"- {name}: {said}" for name, said in row.items() if said != "pass"] + [""]
    return "\n".join(lines).rstrip("\n") + "\n"
