"""Submissions as pytest collects them: a folder of submissions, a submission, its spec, and an item for each check."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import pytest

from grader.pytest_plugin.extra import Extra, as_pytest_writes, extra_of
from grader.pytest_plugin.grading import Grading, Handed, NotGradedError
from grader.report.junit import JUNIT
from grader.report.model import CheckResult, Verdict
from grader.report.terminal import check_in_words
from grader.spec import CheckFields

GRADING = pytest.StashKey[Grading]()
_COMPLAINT = pytest.StashKey[str]()
_PARAMETER = "graded_submission"


@pytest.fixture
def stage(graded_submission: Handed) -> None:
    """The stage of an extra check: the server, its clients, and the evidence. Here it only stands for the real one."""
    del graded_submission  # it is asked for so that the test is run for each


@pytest.fixture
def client(graded_submission: Handed) -> None:
    """A client that has connected, likewise."""
    del graded_submission  # likewise


def without_submissions(config: pytest.Config, arguments: Iterable[str]) -> list[str]:
    """The arguments of the command line that are no submissions and hold none.

    Raises:
        UsageError: the spec cannot be used, or pytest has taken its settings from a submission.
    """
    grading = Grading.of(config)
    config.stash[GRADING] = grading
    here = config.invocation_params.dir
    for handed in grading.handed:
        if config.inipath and config.inipath.is_relative_to(handed.path):
            raise pytest.UsageError(
                f"pytest takes its settings from the submission ({config.inipath}); name a file with -c, "
                "or give the folder in which the submissions lie"
            )
    return [argument for argument in arguments if not grading.holds((here / argument.split("::")[0]).resolve())]


def pytest_configure(config: pytest.Config) -> None:
    """Make markers known: one for each behaviour, to select by with -m, and those of extra checks."""
    for name in sorted(config.stash[GRADING].behaviours):
        config.addinivalue_line("markers", f"{name}: a check of this behaviour")
    config.addinivalue_line("markers", "points(number): what an extra check is worth")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Whoever hands out the work clears what this run is about to say anew."""
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        session.config.stash[GRADING].begin()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Whoever handed out the work writes what concerns the whole class."""
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        grading, pytests = session.config.stash[GRADING], session.config.getoption("xmlpath", None)
        ours = not pytests or Path(pytests).resolve() != (grading.output / JUNIT).resolve()
        if complaint := grading.end(junit=ours):
            session.config.stash[_COMPLAINT] = complaint
            session.exitstatus = pytest.ExitCode.USAGE_ERROR


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell what could not be written for the class."""
    if complaint := config.stash.get(_COMPLAINT, ""):
        terminalreporter.write_line(f"ERROR: {complaint}", red=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of submissions of which single items are named, only these."""
    named = config.option.grade_item or []
    paths = {name.partition("::")[0] for name in named}
    chosen = [
        item
        for item in items
        if item.nodeid.partition("::")[0] not in paths or any(_within(item.nodeid, name) for name in named)
    ]
    if len(chosen) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


def _within(nodeid: str, name: str) -> bool:
    return nodeid == name or nodeid.startswith(f"{name}::")


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A folder of submissions, or a submission: pytest is not to look into either."""
    grading = parent.config.stash[GRADING]
    if path in grading.classes:
        return ClassFolder.from_parent(parent, path=path)
    return _submission(path, parent)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A submission that is an archive, or one file."""
    return _submission(file_path, parent)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nothing that students have handed in is a test."""
    inside = any(one.path in collection_path.parents for one in config.stash[GRADING].handed)
    return True if inside else None


def _submission(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    handed = parent.config.stash[GRADING].by_path.get(path)
    return Submission.from_parent(parent, path=path, handed=handed) if handed else None


class ClassFolder(pytest.File):
    """A folder in which submissions lie."""

    def collect(self) -> Iterator[pytest.Collector]:
        """Every submission in it."""
        for handed in self.config.stash[GRADING].handed:
            if handed.path.parent == self.path:
                yield Submission.from_parent(self, path=handed.path, handed=handed)


class Submission(pytest.File):
    """One submission."""

    def __init__(self, *, handed: Handed, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type] # whatever pytest hands on
        self.handed = handed

    def collect(self) -> Iterator[pytest.Collector]:
        """The spec that it is graded under."""
        yield UnderSpec.from_parent(self, name=self.config.stash[GRADING].spec.spec, handed=self.handed)


class UnderSpec(pytest.Collector):
    """One submission under the spec."""

    def __init__(self, *, handed: Handed, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type] # likewise
        self.handed = handed

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each check of the spec."""
        for check in self.config.stash[GRADING].spec.checks:
            yield Check.from_parent(self, name=check.id, check=check, handed=self.handed)


class Check(pytest.Item):
    """One check of one submission."""

    def __init__(self, *, check: CheckFields, handed: Handed, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type] # likewise
        self.check, self.handed = check, handed
        self.add_marker(check.behaviour)

    def setup(self) -> None:
        """Grade the submission, if that has not been done; what cannot be known is an error and no failure."""
        require_known(self, self.check.id)

    def runtest(self) -> None:
        """Tell what was found."""
        tell(result_of(self, self.check.id))

    def reportinfo(self) -> tuple[Path, None, str]:
        """What is said of it in headings."""
        return self.path, None, f"{self.handed.name}: {self.check.id}"


class Told(Exception):  # noqa: N818 - not an error of ours: what was found
    """A check that did not pass, in words."""


def result_of(item: pytest.Item, check: str) -> CheckResult:
    """The result of one check; the first item of a submission has all of its items graded that are to run."""
    grading = item.config.stash[GRADING]
    handed = _handed(item)
    assert handed is not None  # noqa: S101 - only items of submissions ask
    ours = [other for other in item.session.items if _handed(other) == handed]
    ids = [other.check.id for other in ours if isinstance(other, Check)]
    return grading.result(handed, check, ids, [extra for other in ours if (extra := _extra(other))])


def _handed(item: pytest.Item) -> Handed | None:
    if isinstance(item, Check):
        return item.handed
    found = item.callspec.params.get(_PARAMETER) if hasattr(item, "callspec") else None
    return found if isinstance(found, Handed) else None


def _extra(item: pytest.Item) -> Extra | None:
    handed = _handed(item)
    return extra_of(item, _PARAMETER, handed.id) if isinstance(item, pytest.Function) and handed else None


def require_known(item: pytest.Item, check: str) -> None:
    """Grade, and let an error be told where nothing is known.

    Raises:
        Told: why nothing is.
    """
    try:
        found = result_of(item, check)
    except NotGradedError as error:
        raise Told(str(error)) from None
    if found.verdict is Verdict.INCONCLUSIVE:
        raise Told(check_in_words(found))


def tell(found: CheckResult) -> None:
    """Let pytest know the verdict.

    Raises:
        Told: the check failed.
    """
    if found.verdict is Verdict.SKIPPED:
        pytest.skip(found.summary)
    if found.verdict is not Verdict.PASS:
        raise Told(check_in_words(found))


# Extra checks, written as test functions.


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test function that asks for a stage or a client is run for each submission."""
    if _PARAMETER in metafunc.fixturenames:
        handed = metafunc.config.stash[GRADING].handed
        metafunc.parametrize(_PARAMETER, handed, ids=[one.id for one in handed], scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, object, object]:
    """What cannot be an extra check is an error of its collection, as what cannot be imported is."""
    found = yield
    for item in found if isinstance(found, list) else ():
        if extra := _extra(item):
            _require_own_id(collector.config.stash[GRADING], item, extra.id)
    return found


def _require_own_id(grading: Grading, item: pytest.Item, check: str) -> None:
    if any(check == known.id for known in grading.spec.checks):
        raise pytest.Collector.CollectError(f"{item.nodeid} would be the check {check!r}, which the spec has already")
    owner = grading.extras.setdefault((_handed(item), check), item.nodeid)
    if owner != item.nodeid:
        raise pytest.Collector.CollectError(
            f"{owner} and {item.nodeid} would both be the check {check!r}; give one of them another name, "
            "or its parameters other ids"
        )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Such a function has run in the submission's arena, beside the checks of the spec."""
    extra = _extra(pyfuncitem)
    if extra is None:
        return None
    require_known(pyfuncitem, extra.id)
    tell(result_of(pyfuncitem, extra.id))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A check took as long as it took in the arena, whenever that was; what was found is told without a traceback."""
    report = yield
    extra = _extra(item)
    check = item.check.id if isinstance(item, Check) else extra and extra.id
    if check:
        found = item.config.stash[GRADING].known(_handed(item), check)
        report.duration = found.seconds if found and call.when == "call" else 0.0
        if call.excinfo and isinstance(call.excinfo.value, Told):
            report.longrepr = str(call.excinfo.value)
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """All checks of one submission go to one worker; whoever chose another way to distribute has it."""
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler.loadscope import LoadScopeScheduling  # noqa: PLC0415 - only xdist calls this

    handed = sorted(config.stash[GRADING].handed, key=lambda one: len(one.id), reverse=True)

    class BySubmission(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            path, _, name = nodeid.partition("::")
            parameters = name.partition("[")[2]
            for one in handed:
                if parameters.startswith((f"{as_pytest_writes(one.id)}-", f"{as_pytest_writes(one.id)}]")):
                    return one.id  # an extra check of that submission
            return path

    return BySubmission(config, log)
