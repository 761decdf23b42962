"""The Report record and its writers: complete, escaped, and the same after reading back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import HOSTILE, Page, everywhere, failed, harmful, passed, report

from grader.report.escape import escape_text
from grader.report.essence import essence
from grader.report.html import render_html, source_lines, write_html
from grader.report.json_file import ReportError, read_json, report_json, report_schema, write_atomically, write_json
from grader.report.model import Basis, Excerpt, Report, ServerOutput, Verdict


def test_a_report_reads_back_as_it_was_written(tmp_path: Path) -> None:
    write_json(report(), tmp_path / "report.json")

    assert read_json(tmp_path / "report.json") == report()
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@settings(max_examples=50)
@given(st.text())
def test_any_text_survives_the_json(text: str) -> None:
    assert Report.model_validate_json(report_json(report(text=text))) == report(text=text)


@pytest.mark.parametrize("name", ["a\udcffb", "\ud83d", "\\udcff"])
def test_a_name_that_is_no_utf8_is_spelled_out_in_the_json_and_on_the_page(tmp_path: Path, name: str) -> None:
    write_json(report(text=name), tmp_path / "report.json")
    write_html(report(text=name), tmp_path / "report.html")

    assert read_json(tmp_path / "report.json").submission.name == "alice" + escape_text(name)
    assert escape_text(name) in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen, move = tmp_path / "report.json", [], Path.replace
    path.write_text("old")

    def moved(beside: Path, target: Path) -> Path:
        seen.append((target.read_text(), beside.read_text(), beside.parent))
        return move(beside, target)

    monkeypatch.setattr(Path, "replace", moved)
    write_atomically(path, "new")

    assert seen == [("old", "new", tmp_path)]
    assert path.read_text() == "new"


@pytest.mark.parametrize("text", ["no place to move to", "no UTF-8: \udcff"])
def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").mkdir()

    with pytest.raises((OSError, UnicodeError)):
        write_atomically(tmp_path / "report.json", text)

    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_the_json_has_the_fields_of_schema_1() -> None:
    found = json.loads(report_json(report()))

    assert found["schema"] == 1
    whole = "schema grader started seconds spec submission score max_score observed arena checks resources output notes"
    assert set(found) == {*whole.split(), "messages"}
    assert set(found["spec"]) == {"id", "title", "sha256"}
    assert set(found["submission"]) == {"name", "entry", "language", "sha256"}
    assert set(found["observed"]) == {"workers", "made_of", "bound", "waits", "sockets", "library"}
    assert set(found["arena"]) == {"isolation", "evidence", "missing"}
    check = found["checks"][1]
    asked = "id behaviour title verdict basis points max_points hidden seconds summary diagnosis facts"
    assert set(check) == {*asked.split(), "hint", "steps", "stood", "evidence", "timeline", "by_hand"}
    assert set(check["diagnosis"]) == {"id", "title", "file", "line", "explanation", "hint", "reading", "excerpt"}
    assert check["facts"] == {"clients": 50, "served": 1, "said": "x", "several": ["x", "b"]}


def test_the_json_fits_its_published_schema() -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    assert schema["$schema"] == validator.META_SCHEMA["$id"]
    assert validator.is_valid(json.loads(report_json(report())))
    assert not validator.is_valid({**json.loads(report_json(report())), "schema": 2})
    assert not validator.is_valid({**json.loads(report_json(report())), "score": "much"})


def test_the_schema_says_what_every_field_means() -> None:
    schema = report_schema()
    records = {"Report": schema, **schema["$defs"]}
    fields = [
        (name, field, found) for name, kind in records.items() for field, found in kind.get("properties", {}).items()
    ]

    assert len(fields) > 80
    assert [(name, field) for name, field, found in fields if not found.get("description")] == []


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
    ("verdicts", "status"), [("pass", 0), ("pass skipped", 0), ("pass fail", 1), ("fail inconclusive", 3)]
)
def test_the_exit_status_follows_from_the_verdicts(verdicts: str, status: int) -> None:
    assert report(*[passed(verdict=Verdict(verdict)) for verdict in verdicts.split()]).exit_status == status


def test_the_essence_leaves_out_what_changes_from_run_to_run() -> None:
    assert essence(report()) == essence(report(seconds=9.9, started="later"))
    assert essence(report())["checks"] == {
        "echo": "pass",
        "concurrent": {"verdict": "fail", "basis": "proof", "diagnosis": "recv-in-accept-loop", "at": "serverx.py:3"},
    }
    assert essence(report(failed(basis=Basis.BUDGET))) != essence(report(failed()))


# report.html


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_submission_chose_is_only_text(text: str) -> None:
    plain, hostile = Page(render_html(everywhere("x"))), Page(render_html(everywhere(text)))
    shapes = [[tag for tag, _ in page.elements if tag != "span"] for page in (plain, hostile)]

    assert shapes[0] == shapes[1]
    assert not {"script", "img", "iframe", "link", "object", "form"} & set(shapes[1])
    for _, attributes in hostile.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style", "xlink:href")]
        assert str(attributes.get("href", "#")).startswith("#")
        assert harmful("".join(f"{name}{value}" for name, value in attributes.items())) == []
    assert harmful(render_html(everywhere(text))) == harmful("".join(hostile.texts)) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_made_harmless_can_still_be_read(text: str) -> None:
    page = Page(render_html(everywhere(text)))

    assert page.words.count(escape_text(text)) >= 35
    assert page.all("a")[0]["title"] == f"{escape_text(text)}: pass"
    assert page.all("svg")[0]["aria-label"] == f"What happened in the check: {escape_text(text)}"


def test_nothing_can_be_fetched_and_only_our_style_applies() -> None:
    text = render_html(report())
    (policy,) = [m["content"] or "" for m in Page(text).all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)

    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert not re.search(r"url\(|http|@import", style)


def test_links_lead_to_places_that_are_there_once() -> None:
    kinds = {"problems": Verdict.FAIL, "passed": Verdict.PASS, "skipped": Verdict.SKIPPED, "output": Verdict.FAIL}
    checks = [passed(id=name, verdict=verdict) for name, verdict in kinds.items()]
    page = Page(render_html(report(*checks, failed(id="notes", hidden=True))))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    targets = [str(link["href"]).removeprefix("#") for link in page.all("a")]

    assert targets == [*kinds, "notes"]
    assert [ids.count(target) for target in targets] == [1] * 5
    assert len(ids) == len(set(ids))
    assert {section["aria-labelledby"] for section in page.all("section")} <= set(ids)


def test_the_marked_line_is_shown_once_with_its_number() -> None:
    text = render_html(report())
    (marked,) = re.findall(r'<div class="line marked">(.*?)</div>', text, re.DOTALL)
    assert Page(marked).words == "▶ 3b = x"
    assert (text.count('class="line"'), text.count("▶")) == (2, 1)


def test_a_marked_line_of_the_diagnosis_alone_is_shown_too() -> None:
    excerpt = Excerpt(file="server.py", first_line=9, lines=["sock.send(x)"], marked=9)
    found = failed()
    assert found.diagnosis
    check = failed(diagnosis=found.diagnosis.model_copy(update={"excerpt": excerpt}))

    assert render_html(report(check)).count('class="line marked"') == 2


@given(
    st.lists(st.text(max_size=20) | st.sampled_from(HOSTILE), min_size=1),
    st.sampled_from(["a.py", "a.c", "a.html", "Makefile", "server", "a.unknown"]),
)
def test_highlighting_neither_loses_nor_moves_a_line(lines: list[str], name: str) -> None:
    shown = source_lines(Excerpt(file=name, first_line=7, lines=lines, marked=8))

    assert [line.number for line in shown] == list(range(7, 7 + len(lines)))
    assert ["".join(Page(str(line.text)).texts) for line in shown] == [escape_text(x.expandtabs(4)) for x in lines]
    assert [line.number for line in shown if line.marked] == [8] * (len(lines) > 1)


@pytest.mark.parametrize("verdict", Verdict)
def test_a_hidden_check_shows_its_verdict_and_nothing_else(verdict: Verdict) -> None:
    text = render_html(report(failed("secret", hidden=True, title="secret", verdict=verdict), text="x"))

    assert Page(text).words.count("Hidden check") == 1
    assert f" {verdict} " in Page(text).words
    assert "secret" not in text


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
    whole = Page(render_html(report(output=ServerOutput(text="all", total_bytes=3, kept_bytes=3)))).words
    assert "What the server printed 3 B all" in whole
    assert "were kept" not in whole


def test_the_page_says_what_it_rests_on() -> None:
    words = Page(render_html(report())).words

    assert "by proof" in words
    assert "one thread serves everybody, waits in recv, blocking sockets" in words
    assert "isolation namespaces, evidence kernel" in words
    assert "bbbbbbbbbbbb" in words
