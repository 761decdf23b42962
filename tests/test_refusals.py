"""Why a submission could not be graded is told in the language of whoever reads it, wherever it is told."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path

import pytest
from class_samples import SPEC, refused
from click.testing import CliRunner, Result
from servers import RIGHT
from test_reasons import answer, fail
from test_whole_class import SPEC as SHORT
from test_whole_class import Fragile

from grader.arena.submission import SubmissionError, Wanted, open_submission
from grader.batch import Done, Job, grade_all, grade_job
from grader.behaviours import catalogue
from grader.cli import grade_command, grader_command
from grader.cluster import Parcel, _graded, grade_parcel, sender
from grader.evidence.abilities import Abilities
from grader.report.class_files import write_batch
from grader.report.json_file import ReportError, read_json
from grader.report.results import RESULTS, add_result, read_results
from grader.report.told import reading
from grader.spec import load_spec
from grader.words import Said, changed, say
from grader.words.language import language

ZH = language("zh")
WANTED = Wanted(["server.py"], 8080)
REASON = "submission 'cleo' has no server.py; it holds main.py"
IN_CHINESE = "提交 'cleo' 中没有 server.py；其中有 main.py；启动服务器的文件应命名为 server.py，而不是 main.py"


@pytest.fixture
def class_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a right submission, and one without the file that starts it."""
    monkeypatch.chdir(tmp_path)
    for name, source in (("ann", "server.py"), ("cleo", "main.py")):
        (tmp_path / name).mkdir()
        (tmp_path / name / source).write_text(RIGHT)
    (tmp_path / "short.yaml").write_text(SHORT)
    return tmp_path


def grade(*words: str) -> Result:
    argv = ["--spec", "short.yaml", "--output", "out", *words]
    return CliRunner().invoke(grade_command, argv, env={"LC_ALL": "C.UTF-8"}, catch_exceptions=False)


def render(*words: str) -> Result:
    return CliRunner().invoke(grader_command, ["render", "out", *words], env={"LC_ALL": "C.UTF-8"})


def test_why_a_machine_cannot_run_it_comes_out_of_the_arena_as_it_was_composed(
    class_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.launch.abilities", answer(Abilities(descriptors=False)))

    for level in ("auto", "process"):
        done = grade_job(Job(class_ / "ann", class_ / "short.yaml", isolation=level))
        assert done.fault == "grader"
        assert ZH.tell(done.failed).startswith("本机不让评分程序查看服务器持有哪些套接字")


@pytest.mark.usefixtures("class_")
def test_one_that_is_refused_is_told_so_in_the_language_asked_for() -> None:
    assert grade("cleo").stderr.startswith(f"grade: {REASON}; ")
    assert grade("cleo", "--lang", "zh").stderr.endswith(f"grade: {IN_CHINESE}\n")


@pytest.mark.usefixtures("class_")
def test_who_watches_is_told_in_the_language_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.cli.watching._moments", lambda *_: iter([None]))

    assert grade("cleo", "--watch", "--lang", "zh").stdout.endswith(f"：{IN_CHINESE}\n")


@pytest.mark.parametrize("where", ["grader.cli.grade.grade", "grader.batch.grade"])
@pytest.mark.usefixtures("class_")
def test_the_graders_own_faults_are_told_in_the_language_asked_for(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setattr(where, lambda *_, **__: 1 // 0)
    alone = where == "grader.cli.grade.grade"

    done = grade(*(["ann"] if alone else ["ann", "cleo"]), "--lang", "zh")

    assert done.exit_code == 3
    assert "grade: ann 未评分：评分程序出错：ZeroDivisionError: " in done.stderr


@pytest.mark.usefixtures("class_")
def test_a_machines_refusal_is_told_in_the_language_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.arena.levels.obstacle", answer(say("try again")))

    done = grade("ann", "--isolation", "namespaces", "--lang", "zh")

    assert done.exit_code == 3
    assert "grade: ann 未评分：无法使用隔离级别 namespaces：请重试（" in done.stderr


def test_a_class_is_told_who_was_refused_and_its_page_says_the_same_when_it_is_made_again(class_: Path) -> None:
    done = grade("ann", "cleo", "--lang", "zh")
    page = (class_ / "out" / "index.html").read_text()

    assert f"grade: {IN_CHINESE}\n" in done.stderr
    assert page.count(IN_CHINESE.replace("'", "&#39;")) == 2
    assert REASON.replace("'", "&#39;") not in page
    render()
    english = (class_ / "out" / "index.html").read_text()
    render("--lang", "zh")
    assert (class_ / "out" / "index.html").read_text() == page
    assert english.count(REASON.replace("'", "&#39;")) == 2
    assert "提交" not in english


def test_results_remember_how_a_reason_was_composed(class_: Path) -> None:
    grade("ann", "cleo", "--lang", "zh")
    lines = [json.loads(line) for line in (class_ / "out" / RESULTS).read_text().splitlines()]

    assert "messages" not in lines[0]
    assert lines[1]["failed"].startswith(REASON)
    again = read_results(class_ / "out" / RESULTS)[1]
    assert reading(ZH, again.messages).word(again.failed) == IN_CHINESE
    write_batch(class_ / "out", again.spec, [])
    assert read_results(class_ / "out" / RESULTS)[1] == again


def test_results_of_before_are_read_and_told_as_far_as_they_go(tmp_path: Path) -> None:
    add_result(tmp_path / RESULTS, refused("cleo"))
    (line,) = (tmp_path / RESULTS).read_text().splitlines()

    assert "messages" not in json.loads(line)
    write_batch(tmp_path, SPEC, [], ZH)
    assert "has no server.py; it holds main.py" in (tmp_path / "index.html").read_text()


def test_odd_names_in_a_reason_are_the_same_when_it_is_read_back(tmp_path: Path) -> None:
    name = "\udcff\u202e\x1b{0}'"
    with pytest.raises(SubmissionError) as caught:
        open_submission(tmp_path / name, WANTED)
    told = caught.value.told

    add_result(tmp_path / RESULTS, refused("cleo").model_copy(update={"failed": told}))

    (again,) = read_results(tmp_path / RESULTS)
    assert again.failed == told
    assert reading(ZH, again.messages).word(again.failed) == ZH.tell(told)


def test_a_report_that_cannot_be_written_is_told_so_on_the_class_page(class_: Path) -> None:
    (class_ / "out" / "ann" / "report.html").mkdir(parents=True)

    grade("ann", "cleo", "--lang", "zh")

    assert read_results(class_ / "out" / RESULTS)[0].failed == "its report could not be written"
    assert "它的报告无法写入" in (class_ / "out" / "index.html").read_text()


def test_a_report_that_cannot_be_read_is_told_so_on_the_class_page(class_: Path) -> None:
    grade("ann", "cleo")
    (class_ / "out" / "ann" / "report.json").write_text("{}")
    with pytest.raises(ReportError) as caught:
        read_json(class_ / "out" / "ann" / "report.json")

    done = render("--lang", "zh")

    told = "ann/report.json 不是模式 1 的报告：grader: "
    assert told in ZH.tell(caught.value.told)
    assert told in done.stderr
    assert told in (class_ / "out" / "index.html").read_text()


class Lost(Fragile):
    """What it is given does not come back."""

    def submit(self, fn: object, /, *_: object, **__: object) -> Future[Done]:  # type: ignore[override] # noqa: ARG002
        future: Future[Done] = Future()
        future.set_exception(ConnectionError("0"))
        return future


def test_what_was_lost_on_its_way_can_be_told_of_later(class_: Path) -> None:
    (done,) = grade_all([Job(class_ / "ann", class_ / "short.yaml")], Lost(0), 1)

    assert done.report is not None
    summary = done.report.checks[0].summary
    assert summary == "it was lost on its way: ConnectionError: 0"
    plain = type(done.report).model_validate_json(done.report.model_dump_json(by_alias=True))
    assert reading(ZH, plain.messages).word(plain.checks[0].summary) == "它在途中丢失：ConnectionError: 0"


def test_on_a_cluster_a_reason_names_the_submission_where_it_was_handed_in(class_: Path) -> None:
    work = sender(load_spec(class_ / "short.yaml", catalogue()), class_ / "short.yaml")
    parcel = work(Job(Path("cleo"), class_ / "short.yaml")).args[0]  # type: ignore[attr-defined]
    assert isinstance(parcel, Parcel)

    for done in (_graded(parcel), grade_parcel(parcel)):
        assert done.failed.startswith(REASON)
        assert ZH.tell(done.failed) == IN_CHINESE


def test_on_a_cluster_what_is_refused_before_it_travels_is_told_alike(
    class_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = sender(load_spec(class_ / "short.yaml", catalogue()), class_ / "short.yaml")

    def sent(name: str) -> Done:
        return work(Job(Path(name), class_ / "short.yaml"))()

    assert ZH.tell(sent("gone").failed) == "提交 'gone' 不存在；请给出含有 server.py 的目录"
    (class_ / "x.zip").touch()
    monkeypatch.setattr("grader.cluster.read_regular", fail)
    assert ZH.tell(sent("x.zip").failed).startswith("本机无法读取提交 'x.zip'（0），")
    monkeypatch.setattr("grader.arena.files.MAX_FILES", 0)
    assert ZH.tell(sent("ann").failed).startswith("提交 'ann' 超过了 64 MiB 或 0 个文件；")


def test_plain_strings_within_a_sentence_can_be_changed_and_it_is_told_as_before() -> None:
    words = say(
        "{what}: {why}",
        what=say("user {number}", number=3),
        why=say("{path} of submission {name}", path="/a", name="/a/b"),
    )

    found = changed(words, lambda text: text.replace("/a", "/c"))

    assert found == "user 3: /c of submission /c/b"
    assert isinstance(found, Said)
    assert ZH.tell(found) == "用户 3：提交 /c/b 的 /c"
    assert changed("/a", str.upper) == "/A"
