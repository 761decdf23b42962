"""What several tests need: the bundled spec, a way to grade a program given as text, and one switch to re-record."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsers import headless
from hypothesis import HealthCheck, settings
from in_process import in_this_process
from selenium import webdriver

from grader.arena.languages import toolchain
from grader.behaviours import catalogue
from grader.grading import grade
from grader.report.model import CheckResult, Report
from grader.spec import Spec, load_spec, parse_spec

ROOT = Path(__file__).resolve().parents[1]

Grade = Callable[..., Report]

# A slow machine is no wrong result.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("usual", UNHURRIED)
# CI tries the same examples each time; whoever works on the code gets new ones with every run.
settings.register_profile("ci", UNHURRIED, derandomize=True)
# What benchmarks/fuzz.py tries again and again.
settings.register_profile("long", UNHURRIED, max_examples=1_000)
settings.load_profile("ci" if os.environ.get("CI") else "usual")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-expected", action="store_true", help="write expected.yaml anew from what is found; review the diff"
    )
    parser.addoption(
        "--isolation",
        choices=["namespaces", "process"],
        default="namespaces",
        help="the level at which tests/hostile/run.py has hostile programs graded",
    )


@pytest.fixture(autouse=True)
def _no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """`grade` in a test's own process starts no others, which would live as long as the tests do."""
    monkeypatch.setattr("grader.cli.grade.local_executor", in_this_process)


@pytest.fixture(scope="session")
def select_spec() -> Spec:
    """The bundled spec for select()."""
    return load_spec(ROOT / "specs" / "select.yaml", catalogue())


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Headless Chromium; where it is absent the tests are skipped, but in CI they fail."""
    driver = headless(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def grade_source(tmp_path: Path) -> Grade:
    """Grades a server given as source text against checks given as YAML."""

    def run(source: str, checks: str = "- behaviour: echo", *, name: str = "server.py", head: str = "") -> Report:
        folder = tmp_path / "submission"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(textwrap.dedent(source))
        return grade(folder, spec_of(checks, head))

    return run


def only(report: Report) -> CheckResult:
    """The result of the one check that was asked."""
    (check,) = report.checks
    return check


def missing_tools(folder: Path) -> list[str]:
    """The programs that this machine lacks for the server in a folder; in CI none may be missing."""
    (entry,) = (file for file in folder.iterdir() if file.stem.lower() == "server")
    tools = toolchain(entry.suffix)
    needed = (*tools.tools, *tools.language.build.split()[:1])
    missing = [tool for tool in needed if "{" not in tool and tool != "python" and shutil.which(tool) is None]
    assert not (missing and os.environ.get("CI")), f"CI needs {' and '.join(missing)}"
    return missing


def require_language(folder: Path) -> str:
    """The file that starts a server; the test is skipped where its language is absent, but in CI it fails."""
    if missing := missing_tools(folder):
        pytest.skip(f"{' and '.join(missing)} not installed")
    return next(file.name for file in folder.iterdir() if file.stem.lower() == "server")


def spec_of(checks: str, head: str = "") -> Spec:
    """A spec with these checks; `head` is further YAML at its top level."""
    model = "" if "model:" in head else "model: select"
    listed = textwrap.indent(textwrap.dedent(checks).strip(), "  ")
    text = f"spec: made-for-a-test\ntitle: A test\n{textwrap.dedent(head)}\n{model}\nchecks:\n{listed}\n"
    return parse_spec(text.encode(), "test.yaml", catalogue())
