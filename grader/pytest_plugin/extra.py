"""Extra checks as test functions: what asks for a `stage` or a `client` runs in the arena of each submission."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytest
from pydantic import PrivateAttr

from grader.behaviours import Behaviour
from grader.judgement.finding import CheckFailed, Finding, passed
from grader.report.model import Basis, Verdict
from grader.stage import Stage

_OURS = ("stage", "client")


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


def extra_of(item: pytest.Function, parameter: str) -> Extra:
    """The extra check that a test function is.

    Raises:
        UsageError: it asks for a fixture that is not to be had in the arena.
    """
    arguments = {name: value for name, value in item.callspec.params.items() if name != parameter}
    for name in inspect.signature(item.function).parameters:
        if name not in (*_OURS, *arguments):
            raise pytest.UsageError(
                f"{item.nodeid} asks for {name!r}: it runs in the submission's arena, where there is nothing but "
                "stage, client, and what it is parametrized with"
            )
    values = "-".join(str(value) for value in arguments.values())
    words = inspect.getdoc(item.function) or item.originalname.replace("_", " ")
    marker = item.get_closest_marker("points")
    points = float(marker.args[0]) if marker and marker.args else 0.0
    return Extra(_slug(item.originalname, values), words.splitlines()[0], points, item.function, arguments)


def _slug(name: str, values: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{name}-{values}".lower()).strip("-")
