"""results.json as Gradescope documents it, and the autograder zip, whose scripts run here as they run there."""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from markdown_it import MarkdownIt
from report_samples import HOSTILE, everywhere, failed, harmful, passed, report
from servers import RIGHT

from grader.arena import ports
from grader.autograder.run import NotGradedError, run_autograder
from grader.autograder.settings import Settings
from grader.cli import grader_command
from grader.report.gradescope import gradescope_results, not_gradable, results_json, unfinished
from grader.report.json_file import write_json
from grader.report.model import Diagnosis, Verdict
from grader.spec import Spec

# Gradescope's autograder documentation, "Autograder Specifications", section "Output format": fields and their values.
FORMATS = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
VISIBLE = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
NUMBER, TEXT = {"type": "number"}, {"type": "string"}
TEST = {
    "type": "object",
    "properties": {
        "score": NUMBER,
        "max_score": NUMBER,
        "status": {"enum": ["passed", "failed"]},
        "name": TEXT,
        "name_format": FORMATS,
        "number": TEXT,
        "output": TEXT,
        "output_format": FORMATS,
        "tags": {"type": "array", "items": TEXT},
        "visibility": VISIBLE,
        "extra_data": {"type": "object"},
    },
    "additionalProperties": False,
}
RESULTS = {
    "type": "object",
    "properties": {
        "score": NUMBER,
        "execution_time": NUMBER,
        "output": TEXT,
        "output_format": FORMATS,
        "test_output_format": FORMATS,
        "test_name_format": FORMATS,
        "visibility": VISIBLE,
        "stdout_visibility": VISIBLE,
        "extra_data": {"type": "object"},
        "tests": {"type": "array", "items": TEST},
        "leaderboard": {"type": "array"},
    },
    "additionalProperties": False,
}
MARKUP = [
    "[x](//evil)",
    "![x](//evil)",
    "`` ``` ~~~",
    "# a\n- b\n> c",
    "a|b",
    "*x* _y_ ~~z~~",
    "https://evil.example",
    "www.evil.example",
]
LIKE_A_CONTAINER = [sys.executable, str(ROOT / "tests" / "like_a_container.py"), "unshare,pidfd_getfd"]
SPEC = """\
spec: short
title: A short spec
server: {{entry: server.py, port: {port}}}
protocol: {{reply: upper}}
checks:
  - behaviour: echo
    points: 2
  - behaviour: greets
    hidden: true
    points: 1
behaviours: checks/greets.py
"""
GREETS = '''\
from typing import ClassVar, Literal

from grader.behaviours import Behaviour, Finding, Stage, passed


class Greets(Behaviour):
    """Answer a first message at once."""

    name: ClassVar[str] = "greets"
    behaviour: Literal["greets"] = "greets"

    def check(self, stage: Stage) -> Finding:
        (guest,) = stage.connect()
        guest.ask(b"hello")
        stage.answered([guest], "the first message was not answered")
        return passed("the first message was answered")
'''


def checked(results: dict[str, Any]) -> dict[str, Any]:
    """Results that went through the file, after a look at every field."""
    found: dict[str, Any] = json.loads(results_json(results))
    jsonschema.validate(found, RESULTS)
    return found


# results.json


def test_each_check_is_a_test_with_its_score_and_tags() -> None:
    found = checked(gradescope_results(report()))

    assert found["score"] == 10
    assert [(test["score"], test["max_score"], test["status"], test["tags"]) for test in found["tests"]] == [
        (10, 10, "passed", ["pass", "echo"]),
        (0, 20, "failed", ["fail", "concurrent_clients"]),
    ]
    assert found["tests"][1]["extra_data"] == {"id": "concurrent", "verdict": "fail", "basis": "proof"}


def test_the_output_names_the_mistake_its_line_and_a_hint() -> None:
    output = checked(gradescope_results(report(failed(), text="")))["tests"][0]["output"]

    shown = MarkdownIt().render(output)
    assert "<strong>Reading x.</strong> Because x" in shown
    assert "serverx.py:3" in shown
    assert "&gt;    3 | b = x" in shown
    assert "<em>Hint:</em> Think x" in shown


def test_what_could_not_be_decided_is_neither_passed_nor_failed_and_said_to_be_nobodys_fault() -> None:
    found = checked(gradescope_results(report(failed(verdict=Verdict.INCONCLUSIVE))))

    (test,) = found["tests"]
    assert "status" not in test
    assert test["name"].endswith("(could not be decided)")
    assert "not your submission's fault" in found["output"]
    assert found["extra_data"]["undecided"] == ["concurrent"]


@pytest.mark.parametrize("visibility", ["hidden", "after_due_date", "after_published"])
def test_of_a_hidden_check_nothing_is_written_but_verdict_and_points(visibility: str) -> None:
    mistake = Diagnosis(id="secret", title="secret")
    secret = failed("secret", hidden=True, title="secret", behaviour="secret", hint="secret", diagnosis=mistake)

    found = checked(gradescope_results(report(passed(), secret, text=""), hide_with=visibility))

    assert "secret" not in results_json(found)
    assert [test["visibility"] for test in found["tests"]] == ["visible", visibility]
    assert found["tests"][1]["score"] == 0


@pytest.mark.parametrize(
    "text",
    [*HOSTILE, "[x](//evil)", "![x](//evil)", "`` ``` ~~~", "# a\n- b\n> c", "a|b", "https://evil.example", "www.a.b"],
)
def test_no_markup_comes_of_what_a_submission_chose(text: str) -> None:
    found = checked(gradescope_results(everywhere(text)))

    for test in [found, *found["tests"]]:
        html = MarkdownIt("gfm-like", {"linkify": False}).render(test["output"])
        for markup in ("<a ", "<img", "<script", "<h1", "<blockquote", "<table", "<link", "<style", "<del"):
            assert markup not in html
    assert not harmful(results_json(found))


def test_before_the_first_check_there_is_no_score_and_with_each_check_there_is_more() -> None:
    begun, further = checked(unfinished([])), checked(unfinished([passed()]))

    assert "score" not in begun
    assert begun["tests"] == []
    assert "Not graded yet" in begun["output"]
    assert [test["score"] for test in further["tests"]] == [10]
    assert "Not graded to the end" in further["output"]


def test_who_handed_in_nothing_that_can_be_graded_reads_why() -> None:
    found = checked(not_gradable("there is no *server.py*", 100))

    assert found["score"] == 0
    assert r"there is no \*server\.py\*" in found["output"]


def test_the_command_writes_the_results_of_a_report(tmp_path: Path) -> None:
    write_json(report(), tmp_path / "report.json")

    told = export("gradescope-results", tmp_path / "report.json")

    assert told.exit_code == 0
    jsonschema.validate(json.loads(told.stdout), RESULTS)


# The zip


def export(*arguments: object) -> Result:
    return CliRunner().invoke(grader_command, ["export", *map(str, arguments)])


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    """A spec with a check of its own, on a port that no other test takes."""
    while not ports.is_free(port := secrets.choice(ports.candidates())):
        pass
    folder = tmp_path / "assignment"
    (folder / "checks").mkdir(parents=True)
    (folder / "checks" / "greets.py").write_text(GREETS)
    (folder / "spec.yaml").write_text(SPEC.format(port=port))
    return folder / "spec.yaml"


def built(spec: Path | str, folder: Path, *more: str) -> zipfile.ZipFile:
    told = export("gradescope", spec, "-o", folder / "autograder.zip", *more)
    assert told.exit_code == 0, told.stderr
    return zipfile.ZipFile(io.BytesIO((folder / "autograder.zip").read_bytes()))


def test_the_scripts_lie_at_the_root_and_may_be_run(spec_file: Path, tmp_path: Path) -> None:
    packed = built(spec_file, tmp_path)

    for name in ("setup.sh", "run_autograder"):
        assert packed.getinfo(name).external_attr >> 16 & 0o111
    names = set(packed.namelist())
    assert {"assignment/spec.yaml", "assignment/checks/greets.py", "package/grader/grading.py"} <= names


def test_no_solution_and_no_other_spec_is_packed(tmp_path: Path) -> None:
    names = built("select", tmp_path).namelist()

    assert "assignment/select.yaml" in names
    assert not [name for name in names if "bundled" in name or "reference" in name or "mutants" in name]
    assert [name for name in names if name.endswith(".yaml")] == ["assignment/select.yaml"]


def test_a_reference_server_that_the_spec_needs_is_packed_beside_it(spec_file: Path, tmp_path: Path) -> None:
    text = spec_file.read_text().partition("  - behaviour: greets")[0]
    spec_file.write_text(f"{text}  - behaviour: throughput\n    reference: select\n    points: 1\n")

    names = built(spec_file, tmp_path).namelist()

    assert "assignment/select/server.py" in names


def test_the_same_spec_gives_the_same_bytes(spec_file: Path, tmp_path: Path) -> None:
    built(spec_file, tmp_path)
    first = (tmp_path / "autograder.zip").read_bytes()
    built(spec_file, tmp_path)

    assert (tmp_path / "autograder.zip").read_bytes() == first


def test_what_pip_and_apt_are_to_install_is_written_down(spec_file: Path, tmp_path: Path) -> None:
    packed = built(spec_file, tmp_path, "--requirement", "course-checks==1.2", "--apt", "gcc")

    requirements = packed.read("requirements.txt").decode().splitlines()
    assert "course-checks==1.2" in requirements
    assert any(line.startswith("pydantic") for line in requirements)
    assert not any("extra" in line or "pytest" in line for line in requirements)
    assert any(line.startswith("pydantic-core==") for line in packed.read("constraints.txt").decode().splitlines())
    assert packed.read("apt-packages.txt") == b"gcc\n"


def test_a_spec_that_cannot_be_used_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("spec: bad\n")

    told = export("gradescope", tmp_path / "bad.yaml", "-o", tmp_path / "autograder.zip")

    assert told.exit_code == 2
    assert "bad.yaml" in told.stderr
    assert not (tmp_path / "autograder.zip").exists()


@pytest.mark.parametrize("name", ["", "-y", "gcc make", "a;b"])
def test_what_is_no_package_of_apt_is_told(spec_file: Path, tmp_path: Path, name: str) -> None:
    told = export("gradescope", spec_file, "-o", tmp_path / "autograder.zip", f"--apt={name}")

    assert told.exit_code == 2
    assert told.stderr == f"grader: {name!r} is not the name of a package for apt; gcc would be one\n"


@pytest.mark.parametrize("script", ["setup.sh", "run_autograder"])
def test_the_scripts_are_shell_without_a_mistake(script: str) -> None:
    path = ROOT / "grader" / "autograder" / script

    subprocess.run(["bash", "-n", str(path)], check=True)  # noqa: S607
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(path)], check=True)  # noqa: S607


# The container


class Container:
    """A folder in place of /autograder, with the unpacked zip and the grader installed by its setup.sh."""

    def __init__(self, top: Path, archive: zipfile.ZipFile) -> None:
        self.root, self.home = top / "autograder", top / "home"
        for name in ("source", "submission", "results"):
            (self.root / name).mkdir(parents=True)
        archive.extractall(self.root / "source")
        for name in ("setup.sh", "run_autograder"):
            (self.root / "source" / name).chmod(0o755)

    @property
    def environment(self) -> Mapping[str, str]:
        # pip finds all it wants installed, as no test may need a network.
        return os.environ | {
            "AUTOGRADER_ROOT": str(self.root),
            "GRADER_HOME": str(self.home),
            "PIP_NO_INDEX": "1",
            "PIP_NO_CACHE_DIR": "1",
        }

    def set_up(self) -> None:
        here = Path(sysconfig.get_path("purelib"))
        packages = self.home / here.relative_to(sys.prefix)
        packages.mkdir(parents=True)
        (packages / "installed.pth").write_text(f"{here}\n")
        python = self.home.parent / "path"
        python.mkdir()
        (python / "python3").symlink_to(sys._base_executable)  # type: ignore[attr-defined]
        path = f"{python}:{os.environ['PATH']}"
        setup = [str(self.root / "source" / "setup.sh")]
        subprocess.run(setup, env={**self.environment, "PATH": path}, check=True, stdout=subprocess.DEVNULL)

    def hand_in(self, source: str) -> None:
        (self.root / "submission" / "server.py").write_text(source)

    def run(self) -> subprocess.CompletedProcess[str]:
        command = [*LIKE_A_CONTAINER, str(self.root / "source" / "run_autograder")]
        return subprocess.run(command, env=self.environment, check=False, capture_output=True, text=True)

    def results(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "results" / "results.json").read_text())
        jsonschema.validate(found, RESULTS)
        return found


@pytest.fixture
def container(spec_file: Path, tmp_path: Path) -> Container:
    """Servers may run as root here, as nobody else may be able to read this Python."""
    return Container(tmp_path / "container", built(spec_file, tmp_path, "--isolation", "process"))


def test_the_zip_sets_itself_up_and_grades_right_and_wrong_without_namespaces(
    container: Container, spec_file: Path
) -> None:
    port = spec_file.read_text().partition("port: ")[2].partition("}")[0]
    container.set_up()

    container.hand_in(RIGHT.replace("8080", port))
    right = container.run()
    assert right.returncode == 0, right.stderr
    assert [(test["status"], test["score"]) for test in container.results()["tests"]] == [("passed", 2), ("passed", 1)]
    assert container.results()["score"] == 3
    assert container.results()["extra_data"]["isolation"] == "process"

    container.hand_in(RIGHT.replace("8080", port).replace(".upper()", ".upper()[:64]"))
    wrong = container.run()
    assert wrong.returncode == 0, wrong.stderr
    assert container.results()["score"] == 1
    assert container.results()["tests"][0]["status"] == "failed"

    (container.root / "submission" / "server.py").unlink()
    nothing = container.run()
    assert nothing.returncode == 0, nothing.stderr
    assert "could not be graded" in container.results()["output"]


def test_the_folder_is_closed_while_a_server_runs_and_open_again_afterwards(container: Container) -> None:
    python = container.home / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nstat -c %a "$AUTOGRADER_ROOT"\n')
    python.chmod(0o755)
    container.root.chmod(0o755)

    assert container.run().stdout == "700\n"
    assert container.root.stat().st_mode & 0o777 == 0o755


# What runs in it


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "server.py").write_text(RIGHT)
    return tmp_path


def short(select_spec: Spec, *checks: str) -> Spec:
    return select_spec.model_copy(update={"checks": [check for check in select_spec.checks if check.id in checks]})


def results_of(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "results" / "results.json").read_text())
    jsonschema.validate(found, RESULTS)
    return found


def test_results_are_there_from_the_beginning_and_grow_with_each_check(
    root: Path, select_spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def grade(_: object, __: object, progress: Any, *___: object) -> object:
        seen.append(len(results_of(root)["tests"]))
        for check in (passed(), failed()):
            progress(check)
            seen.append(len(results_of(root)["tests"]))
        return report()

    monkeypatch.setattr("grader.autograder.run.grade", grade)
    run_autograder(root, select_spec, Settings(spec="select.yaml", timeout=600))

    assert seen == [0, 1, 2]
    assert results_of(root)["score"] == 10


def test_the_grading_ends_before_the_platforms_time_does(
    root: Path, select_spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []

    def grade(_: object, spec: Spec, *__: object) -> object:
        limits.append(spec.limits.time)
        return report()

    monkeypatch.setattr("grader.autograder.run.grade", grade)
    run_autograder(root, select_spec, Settings(spec="select.yaml", timeout=600))
    run_autograder(root, select_spec, Settings(spec="select.yaml", timeout=120))

    assert limits == [540, 90]


def test_a_fault_of_the_grader_is_no_zero(root: Path, select_spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    def grade(_: object, __: object, progress: Any, *___: object) -> object:
        progress(passed())
        raise RuntimeError("lost")

    monkeypatch.setattr("grader.autograder.run.grade", grade)
    with pytest.raises(NotGradedError, match="the grader failed: RuntimeError: lost"):
        run_autograder(root, select_spec, Settings(spec="select.yaml", timeout=600))

    assert "score" not in results_of(root)
    assert results_of(root)["tests"] == []


def test_a_folder_in_place_of_the_results_does_no_harm(root: Path, select_spec: Spec) -> None:
    (root / "results" / "results.json").mkdir(parents=True)

    run_autograder(root, short(select_spec, "echo"), Settings(spec="select.yaml", timeout=600))

    assert results_of(root)["score"] == 10


def test_settings_that_are_not_there_are_told(tmp_path: Path) -> None:
    told = CliRunner().invoke(grader_command, ["run-autograder", str(tmp_path)])

    assert told.exit_code == 2
    assert told.stderr == f"grader: cannot read {tmp_path}/source/settings.json: No such file or directory\n"
