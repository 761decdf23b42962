"""The Report record and its writers: complete, escaped, and the same after reading back."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import failed, passed, report
from rich.console import Console

from grader.report import people
from grader.report.escape import escape_text
from grader.report.essence import essence
from grader.report.html import render_html
from grader.report.json_file import ReportError, read_json, report_json, report_schema, write_json
from grader.report.model import Basis, Excerpt, Report, Verdict
from grader.report.terminal import print_report

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]></svg><script>x</script>",
    "</style><link rel=stylesheet href=//x>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202e\u2066evil\u2069",
    "\x1b]0;title\x07\x1b[31m\x9b31m\x00",
    "javascript:alert(1)' onload='x",
]


# report.json


def test_a_report_reads_back_as_it_was_written(tmp_path: Path) -> None:
    write_json(report(), tmp_path / "report.json")

    assert read_json(tmp_path / "report.json") == report()
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@given(st.text())
def test_any_text_survives_the_json(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()

    assert Report.model_validate_json(report_json(report(text=clean))) == report(text=clean)


def test_the_json_has_the_fields_of_schema_1() -> None:
    found = json.loads(report_json(report()))

    assert found["schema"] == 1
    assert {"grader", "started", "seconds", "score", "max_score", "observed", "arena", "checks"} <= set(found)
    assert set(found["spec"]) == {"id", "title", "sha256"}
    assert set(found["submission"]) == {"name", "entry", "language", "sha256"}
    assert set(found["observed"]) == {"workers", "bound", "waits", "sockets", "library"}
    assert set(found["arena"]) == {"isolation", "evidence", "missing"}
    check = found["checks"][1]
    asked = "id behaviour title verdict basis points max_points hidden seconds summary diagnosis facts"
    assert set(asked.split()) <= set(check)
    assert {"id", "title", "file", "line"} <= set(check["diagnosis"])
    assert check["facts"] == {"clients": 50, "served": 1, "said": "x", "several": ["x", "b"]}


def test_the_json_fits_its_published_schema() -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    assert validator.is_valid(json.loads(report_json(report())))
    assert not validator.is_valid({**json.loads(report_json(report())), "schema": 2})
    assert not validator.is_valid({**json.loads(report_json(report())), "score": "much"})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a report of schema 1: the file: Invalid JSON"),
        (b"{}", "is not a report of schema 1: grader: Field required"),
        (b'{"schema": 2}', "is not a report of schema 1: schema"),
        (b"\xff", "is not a report of schema 1"),
        (b"[1]", "is not a report of schema 1"),
    ],
)
def test_what_is_no_report_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "report.json").write_bytes(content)

    with pytest.raises(ReportError, match=re.escape(said)):
        read_json(tmp_path / "report.json")


def test_a_report_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"cannot read .*: No such file or directory"):
        read_json(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([Verdict.PASS], 0),
        ([Verdict.PASS, Verdict.SKIPPED], 0),
        ([Verdict.PASS, Verdict.FAIL], 1),
        ([Verdict.FAIL, Verdict.INCONCLUSIVE], 3),
    ],
)
def test_the_exit_status_follows_from_the_verdicts(verdicts: list[Verdict], status: int) -> None:
    assert report(*[passed(verdict=verdict) for verdict in verdicts]).exit_status == status


def test_the_essence_leaves_out_what_changes_from_run_to_run() -> None:
    assert essence(report()) == essence(report(seconds=9.9, started="later"))
    assert essence(report())["checks"] == {
        "echo": "pass",
        "concurrent": {
            "verdict": "fail",
            "basis": "proof",
            "diagnosis": "recv-in-accept-loop",
            "at": "serverx.py:3",
        },
    }
    assert essence(report(failed(basis=Basis.BUDGET))) != essence(report(failed()))


# report.html


class Page(HTMLParser):
    """What a browser would make of a page: its elements with attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join("".join(self.texts).split())


def harmful(text: str) -> list[str]:
    return [char for char in text if unicodedata.category(char) in ("Cc", "Cf") and char not in "\n\t\xad"]


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_submission_chose_is_only_text(text: str) -> None:
    plain, hostile = Page(render_html(report(text="x"))), Page(render_html(report(text=text)))

    assert {tag for tag, _ in hostile.elements} == {tag for tag, _ in plain.elements}
    assert not {"script", "img", "iframe", "link", "object", "form"} & {tag for tag, _ in hostile.elements}
    for _, attributes in hostile.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert not {"src", "href"} & set(attributes) or str(attributes["href"]).startswith("#")
    assert harmful(render_html(report(text=text))) == []
    assert "7 * 7" in hostile.words or "7 * 7" not in text


def test_nothing_can_be_fetched_and_only_our_style_applies() -> None:
    text = render_html(report())
    (policy,) = [m["content"] or "" for m in Page(text).all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)

    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "url(" not in style
    assert "http" not in style


def test_links_lead_to_places_that_are_there_once() -> None:
    page = Page(render_html(report(passed(), failed(), passed(id="later", verdict=Verdict.SKIPPED))))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    targets = [str(link["href"]).removeprefix("#") for link in page.all("a")]

    assert targets == ["echo", "concurrent", "later"]
    assert [ids.count(target) for target in targets] == [1, 1, 1]
    assert len(ids) == len(set(ids))


def test_the_marked_line_is_shown_once_with_its_number() -> None:
    text = render_html(report())

    (marked,) = re.findall(r'<div class="line marked">(.*?)</div>', text, re.DOTALL)
    assert Page(marked).words == "▶ 3b = x"
    assert text.count('class="line"') == 2


def test_a_marked_line_of_the_diagnosis_alone_is_shown_too() -> None:
    excerpt = Excerpt(file="server.py", first_line=9, lines=["sock.send(x)"], marked=9)
    found = failed()
    assert found.diagnosis
    check = failed(diagnosis=found.diagnosis.model_copy(update={"excerpt": excerpt}))

    assert render_html(report(check)).count('class="line marked"') == 2


@pytest.mark.parametrize("name", ["server.unknown", "Makefile", "server", "server.c", "server.py"])
def test_source_of_any_name_can_be_shown(name: str) -> None:
    check = failed()
    assert check.stood[0].excerpt
    stood = check.stood[0].model_copy(update={"excerpt": check.stood[0].excerpt.model_copy(update={"file": name})})

    page = Page(render_html(report(check.model_copy(update={"stood": [stood]}))))

    assert "b = x" in page.words


def test_a_hidden_check_shows_its_verdict_and_nothing_else() -> None:
    page = Page(render_html(report(failed("secret", hidden=True), passed(hidden=True, summary="secret"), text="x")))

    assert page.words.count("Hidden check") == 2
    assert "secret" not in page.words
    assert "Many at once" not in page.words
    assert "secret" not in render_html(report(failed("secret", hidden=True, title="secret"), text="x"))


def test_what_failed_comes_first_and_what_cannot_be_known_is_said() -> None:
    unknown = passed(id="unknown", verdict=Verdict.INCONCLUSIVE, summary="this machine cannot tell", points=0)
    words = Page(render_html(report(passed(), failed(), unknown))).words

    assert words.index("not all were served") < words.index("every reply was right")
    assert words.index("this machine cannot tell") < words.index("every reply was right")
    assert "? inconclusive" in words


def test_output_that_was_cut_is_said_to_be() -> None:
    words = Page(render_html(report())).words

    assert "4.9 KiB, of which 100 B were kept" in words
    assert "printed x" in words


def test_every_picture_has_words_for_those_who_do_not_see_it() -> None:
    page = Page(render_html(report()))

    (picture,) = page.all("svg")
    assert picture["role"] == "img"
    assert picture["aria-label"] == "What happened in the check: Many at once"
    assert "0.4 ms: client 2 sends hello 5 B" in page.words.replace(" x ", " hello ")


def test_the_page_says_what_it_rests_on() -> None:
    words = Page(render_html(report())).words

    assert "by proof" in words
    assert "one thread serves everybody, waits in recv, blocking sockets" in words
    assert "isolation namespaces, evidence kernel" in words
    assert "bbbbbbbbbbbb" in words


# the terminal


def printed(found: Report, *, terminal: bool) -> str:
    stream = io.StringIO()
    print_report(found, Console(file=stream, force_terminal=terminal, width=100, color_system=None))
    return stream.getvalue()


def test_plain_output_has_one_line_for_each_check() -> None:
    lines = printed(report(), terminal=False).splitlines()

    assert lines[0] == "alicex: 10 of 30 points (A server x)"
    assert lines[1].split()[:4] == ["pass", "10/10", "echo", "observation"]
    assert lines[2].split()[:4] == ["fail", "0/20", "concurrent", "proof"]
    assert "  >    3 | b = x" in lines


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_control_character_of_a_submission_reaches_the_terminal(text: str, *, terminal: bool) -> None:
    assert harmful(printed(report(text=text), terminal=terminal)) == []


@pytest.mark.parametrize("terminal", [True, False])
def test_markup_of_the_console_is_only_text(*, terminal: bool) -> None:
    assert "[bold red]" in printed(report(text="[bold red]x[/]"), terminal=terminal)


def test_one_mistake_at_one_line_is_explained_once() -> None:
    text = printed(report(failed(), failed(id="fin"), failed(id="other", diagnosis=None)), terminal=False)

    assert "\nconcurrent, fin: Reading x\n" in text
    assert text.count("Because x") == 1
    assert "\nother: not all were served: x\n" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_a_hidden_check_says_nothing_in_the_terminal(*, terminal: bool) -> None:
    assert "secret" not in printed(report(failed("secret", hidden=True), text="x"), terminal=terminal)


# words for people


@pytest.mark.parametrize(
    ("value", "words"), [(0.0004, "0.4 ms"), (0.0123, "12 ms"), (0.999, "999 ms"), (1.44, "1.4 s"), (75, "75.0 s")]
)
def test_times_are_written_for_people(value: float, words: str) -> None:
    assert people.seconds(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (12800, "12.5 KiB"), (4 << 20, "4 MiB"), (5 << 40, "5120 GiB")],
)
def test_sizes_are_written_for_people(value: int, words: str) -> None:
    assert people.size(value) == words


@pytest.mark.parametrize(("value", "words"), [(12.0, "12"), (7.5, "7.5"), (0.0, "0"), (33.333, "33.33"), (100, "100")])
def test_points_have_no_superfluous_zeros(value: float, words: str) -> None:
    assert people.number(value) == words


@given(st.text())
def test_escaped_text_holds_nothing_harmful_and_plain_text_is_kept(text: str) -> None:
    assert harmful(escape_text(text)) == []
    assert "\n" not in escape_text(text)
    assert escape_text("äöü 中文 <b>") == "äöü 中文 <b>"
