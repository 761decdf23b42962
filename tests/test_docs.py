"""The documentation site: it builds without a warning, holds every definition, and its examples are true."""

from __future__ import annotations

import ast
import fcntl
import io
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from docs_examples import DOCS, RECORDED, TERMINAL, blocks, grade_ben, on_a_terminal, without_figures
from pydantic import BaseModel
from rich.console import Console
from selenium import webdriver

from grader.behaviours import Stage, catalogue
from grader.behaviours.departures import WAYS
from grader.behaviours.steps import Amount, Expect, ForEach, Payload, Quiet, Repeat, Step
from grader.grading import grade
from grader.judgement.proof import RULES
from grader.judgement.texts import TEXTS
from grader.report.essence import essence
from grader.report.json_file import read_json, report_json, report_schema
from grader.report.model import Report
from grader.report.terminal import print_report
from grader.spec import MODELS, Exchange, Facets, Protocol, Spec, load_spec, parse_spec
from grader.spec.model import CheckFields, Limits, Server

HEAD = "spec: example\ntitle: An example\n"
WITHOUT_REPLIES = "checks: [{behaviour: starts}]\n"
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}


class Page(HTMLParser):
    """What a page names, links to, loads and says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self._said: list[str] = []
        self.feed(text)
        self.text = " ".join("".join(self._said).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if LOADED.get(tag, "") in found:
            self.loads.append(found[LOADED[tag]])

    def handle_data(self, data: str) -> None:
        self._said.append(data)


def built(folder: Path) -> None:
    argv = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--nitpicky", "--quiet"]
    done = subprocess.run(
        [*argv, "-d", str(folder.with_name("doctrees")), str(DOCS), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; where tests run in several processes, the first to come builds it for all."""
    shared = tmp_path_factory.getbasetemp()
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "site"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "objects.inv").exists():
            built(folder)
    return folder


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, Page]:
    return {file.stem: Page(file.read_text()) for file in sorted(site.glob("*.html"))}


def named(*words: str) -> str:
    """The id of a place, as Sphinx writes it."""
    return "-".join(words).lower().replace("_", "-")


def said(text: str) -> str:
    """Text as a reader sees it: without backticks, in one line."""
    return " ".join(text.replace("`", "").split())


def missing(page: Page, model: type[BaseModel], anchor: str, without: Any = ()) -> list[str]:
    """The fields of a definition that a page does not name, or does not describe as the definition does."""
    return [
        name
        for name, field in model.model_fields.items()
        if name not in without and not field.exclude
        if named(anchor, name) not in page.ids or said((field.description or "")[1:].rstrip(".")) not in page.text
    ]


def test_every_behaviour_is_there_with_each_of_its_parameters(pages: dict[str, Page]) -> None:
    page = pages["behaviours"]

    for name, kind in catalogue().items():
        assert named("behaviour", name) in page.ids
        assert said((kind.__doc__ or "").split("\n\n")[0]) in page.text
        assert kind.default_title in page.text
        assert missing(page, kind, name, CheckFields.model_fields) == []


def test_units_bounds_and_defaults_are_in_words(pages: dict[str, Page]) -> None:
    text = pages["behaviours"].text

    assert "A whole number from 2 to 1000; 50 if left out." in text
    assert "A percentage such as 5%, more than 0% and at most 100%; 5% if left out." in text
    assert "A size with its unit, such as 256 MiB, from 1 KiB to 64 MiB; 1 MiB if left out." in text
    assert "fin, reset, half_close, mid_message, while_replying, before_accept or storm; fin if left out." in text


def test_every_key_of_a_spec_is_there(pages: dict[str, Page]) -> None:
    page = pages["spec"]

    assert missing(page, Spec, "spec") == []
    assert missing(page, CheckFields, "check") == []
    for part in (Server, Protocol, Exchange, Limits, Facets):
        assert missing(page, part, named("part", part.__name__)) == []
    for model in MODELS:
        assert f" {model} " in page.text


def test_every_step_of_a_scenario_is_there(pages: dict[str, Page]) -> None:
    for part in (Step, Quiet, Repeat, ForEach, Payload, Amount, Expect):
        assert named("part", part.__name__) in pages["scenario"].ids
        assert missing(pages["scenario"], part, named("part", part.__name__)) == []


def test_every_field_of_a_report_is_there(pages: dict[str, Page]) -> None:
    schema = report_schema()
    records = {schema["title"]: schema, **schema["$defs"]}

    for name, record in records.items():
        for field, described in record.get("properties", {}).items():
            assert named("part", name, field) in pages["report"].ids
            assert said(described["description"])[1:] in pages["report"].text


def test_every_diagnosis_is_there(pages: dict[str, Page]) -> None:
    for name, text in TEXTS.items():
        assert named("diagnosis", name) in pages["diagnoses"].ids
        for words in (text.title, text.explanation, text.hint, *text.reading):
            assert said(words) in pages["diagnoses"].text
    assert pages["diagnoses"].text.count("It is said where the evidence shows this") == len(TEXTS)


def test_every_rule_of_proof_is_there(pages: dict[str, Page]) -> None:
    for rule in RULES:
        assert named("rule", rule.__name__) in pages["proof"].ids
        assert said(rule.__doc__ or "") in pages["proof"].text


def test_all_that_bundled_behaviours_call_on_the_stage_is_there(pages: dict[str, Page]) -> None:
    called = {
        node.attr
        for file in (ROOT / "grader" / "behaviours").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("stage", "self._stage")
        if callable(getattr(Stage, node.attr, None))
    }

    assert called
    assert {name for name in called if named("stage", name) not in pages["own-checks"].ids} == set()


def test_every_link_within_the_site_leads_somewhere(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        for link in page.links:
            target, _, place = link.partition("#")
            if target.startswith(("http:", "https:")) or not target.endswith((".html", "")):
                continue
            there = pages[target.removesuffix(".html") or name]
            assert not place or place in there.ids, f"{name}: {link}"


def test_no_name_of_a_place_is_there_twice(pages: dict[str, Page]) -> None:
    assert {place for page in pages.values() for place in page.ids if page.ids.count(place) > 1} == set()


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    assert [load for page in pages.values() for load in page.loads if re.match(r"(\w+:)?//", load)] == []
    for file in site.rglob("*.css"):
        assert not re.search(r"@import|url\(\s*['\"]?(\w+:)?//", file.read_text()), file


def test_no_page_scrolls_sideways_or_asks_anybody_for_anything(browser: webdriver.Chrome, site: Path) -> None:
    size = {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    for file in sorted(site.glob("*.html")):
        browser.get(file.as_uri())
        over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert browser.execute_script(over) == 0, file.name
        loaded = "return performance.getEntriesByType('resource').map(entry => entry.name)"
        others = [name for name in browser.execute_script(loaded) if not name.startswith("file:")]
        assert others == [], file.name


def whole(text: str) -> str:
    """An example as a whole spec."""
    head = "" if re.search(r"^spec:", text, re.MULTILINE) else HEAD
    checks = "" if re.search(r"^checks:", text, re.MULTILINE) else WITHOUT_REPLIES
    return f"{head}{text}{checks}"


@pytest.fixture
def assignment(tmp_path: Path) -> Path:
    """A folder with the checks in Python that a page shows."""
    ((page, text),) = ((page, text) for page, text in blocks("python") if "Behaviour" in text)
    assert page == "own-checks.md"
    (tmp_path / "my_checks.py").write_text(text)
    return tmp_path


@pytest.mark.usefixtures("site")  # it writes what is generated
def test_every_example_of_a_spec_loads(assignment: Path) -> None:
    examples = list(blocks("yaml"))

    for _page, text in examples:
        parse_spec(whole(text).encode(), "example.yaml", catalogue(), str(assignment))
    for name in ("spec", "scenario"):
        load_spec(DOCS / "examples" / f"{name}.yaml", catalogue())
    assert {page for page, _ in examples} == {"behaviours.md", "spec.md", "own-checks.md"}


TALKS = """
import socket
listener = socket.create_server(("", 8080))
while True:
    connection, _ = listener.accept()
    print("somebody has come")
    while data := connection.recv(1024):
        connection.sendall(data.upper())
        {more}
    connection.close()
    print("somebody has left")
"""


@pytest.mark.parametrize(
    ("more", "verdict", "printed"), [("", "pass", 10), ('print("and said"); print(len(data))', "fail", 20)]
)
def test_the_check_of_ones_own_tells_right_from_wrong(assignment: Path, more: str, verdict: str, printed: int) -> None:
    (text,) = (text for page, text in blocks("yaml") if page == "own-checks.md")
    (assignment / "quiet.yaml").write_text(text)
    (assignment / "handed-in").mkdir()
    (assignment / "handed-in" / "server.py").write_text(TALKS.format(more=more))

    report = grade(assignment / "handed-in", load_spec(assignment / "quiet.yaml", catalogue()))

    assert [check.verdict for check in report.checks] == ["pass", verdict]
    assert report.checks[1].summary == f"it printed {printed} lines for 5 clients"


def test_the_story_on_the_page_goes_as_it_says() -> None:
    spec = load_spec(DOCS / "examples" / "scenario.yaml", catalogue())
    right = grade(ROOT / "submissions" / "alice", spec)
    wrong = grade(ROOT / "submissions" / "farid", spec)

    assert {check.verdict for check in right.checks} == {"pass"}
    quoted = " ".join(re.sub(r"^> ", "", (DOCS / "scenario.md").read_text(), flags=re.MULTILINE).split())
    assert wrong.checks[1].summary in quoted


README = (ROOT / "README.md").read_text()


def test_the_readme_names_every_behaviour_and_every_way_of_leaving() -> None:
    assert {name for name in (*catalogue(), *WAYS) if f"`{name}`" not in README} == set()
    assert f"There are {len(catalogue())} behaviours" in README


def test_the_readme_shows_what_is_printed_of_a_wrong_server(ben: Report) -> None:
    block = README.split(" --spec select\n    ben: ")[1].split("    report: grade-report/ben/report.html\n")[0]
    text = io.StringIO()
    print_report(ben, Console(file=text, force_terminal=False))
    printed = without_figures(" ".join(text.getvalue().split()))

    for part in f"ben: {block}".split("..."):
        words = without_figures(" ".join(part.split()))
        assert words in printed
        printed = printed[printed.index(words) :]


@pytest.fixture(scope="session")
def ben() -> Report:
    return grade_ben()


def test_the_report_that_the_pages_walk_through_is_what_is_printed(pytestconfig: pytest.Config, ben: Report) -> None:
    found, some = ben, grade_ben("concurrent")
    text = on_a_terminal(found)

    if pytestconfig.getoption("--record-expected"):
        TERMINAL.write_text(text)
        RECORDED.write_text(report_json(some))
    assert without_figures(text) == without_figures(TERMINAL.read_text())
    assert essence(some) == essence(read_json(RECORDED))
    quoted = " ".join(re.sub(r"^> ", "", (DOCS / "students.md").read_text(), flags=re.MULTILINE).split())
    assert some.checks[0].summary in quoted
