"""Extra checks as test functions: what asks for a `stage` or a `client` runs in the arena of each submission."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytest
from pydantic import PrivateAttr, ValidationError

from grader.behaviours import Behaviour
from grader.judgement.finding import CheckFailed, Finding, passed
from grader.report.model import Basis, Verdict
from grader.stage import Stage

_OURS = ("stage", "client")
_AN_ID = "it is made of the function's name and the ids of its parameters, and has at most 64 characters"


class Written(Behaviour):
    """What a test function of the instructor's asks for."""

    name: ClassVar[str] = "test_function"
    behaviour: Literal["test_function"] = "test_function"
    _run: Callable[[Stage], None] = PrivateAttr()

    def check(self, stage: Stage) -> Finding:
        try:
            self._run(stage)
        except AssertionError as error:
            raise _failed(error, "it does not hold") from None
        except pytest.fail.Exception as error:
            raise _failed(error, "it failed") from None
        except pytest.skip.Exception as error:
            return Finding(Verdict.SKIPPED, Basis.OBSERVATION, _first_line(error, "skipped"))
        return passed("it holds")


def _failed(error: BaseException, otherwise: str) -> CheckFailed:
    return CheckFailed(Finding(Verdict.FAIL, Basis.OBSERVATION, _first_line(error, otherwise)))


def _first_line(error: BaseException, otherwise: str) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), otherwise)


@dataclass(frozen=True, slots=True)
class Extra:
    """One such function with its parameters, and what it is worth; `id` is that of its check."""

    id: str
    title: str
    points: float
    function: Callable[..., object]
    arguments: Mapping[str, Any]

    def behaviour(self) -> Behaviour:
        """The check that runs it."""
        found = Written(id=self.id, title=self.title, points=self.points)
        found._run = self._run  # noqa: SLF001 - its own private part, which no spec can set
        return found

    def _run(self, stage: Stage) -> None:
        wanted = inspect.signature(self.function).parameters
        given = dict(self.arguments)
        if "stage" in wanted:
            given["stage"] = stage
        if "client" in wanted:
            (given["client"],) = stage.connect()
        self.function(**given)


def extra_of(item: pytest.Function, parameter: str, submission: str) -> Extra:
    """The extra check that a test function is; `submission` is the id of its `parameter`, which comes first.

    Raises:
        CollectError: it cannot be a check, or asks for a fixture that is not to be had in the arena.
    """
    if inspect.iscoroutinefunction(item.function):
        raise pytest.Collector.CollectError(
            f"{item.nodeid} is a coroutine, and in the submission's arena nobody awaits it"
        )
    arguments = {name: value for name, value in item.callspec.params.items() if name != parameter}
    for name in inspect.signature(item.function).parameters:
        if name not in (*_OURS, *arguments):
            raise pytest.Collector.CollectError(
                f"{item.nodeid} asks for {name!r}: it runs in the submission's arena, where there is nothing but "
                "stage, client, and what it is parametrized with"
            )
    words = inspect.getdoc(item.function) or item.originalname.replace("_", " ")
    marker = item.get_closest_marker("points")
    points = marker.args[0] if marker and marker.args else 0
    values = item.callspec.id.removeprefix(as_pytest_writes(submission))
    extra = Extra(_slug(f"{item.originalname}-{values}"), words.splitlines()[0], points, item.function, arguments)
    try:
        extra.behaviour()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = first["loc"][0]
        why = _AN_ID if field == "id" else first["msg"]
        raise pytest.Collector.CollectError(
            f"{item.nodeid} cannot be a check: {field} {first['input']!r}: {why}"
        ) from None
    return extra


def as_pytest_writes(parameter: str) -> str:
    """The id of a parameter as it stands in the name of an item, which is ASCII."""
    return parameter.encode("unicode_escape").decode("ascii")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
