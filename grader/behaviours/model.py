"""The IO model: what the kernel sees, not what the source claims."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.judgement import io_model
from grader.judgement.finding import CheckFailed, Fact, Finding
from grader.report.model import Basis, Observed, Verdict
from grader.stage import Stage

_PROCESSES_READ = 2  # the first, and one that it has made


class IoModel(Behaviour):
    """Really use the model that the spec names.

    Silent clients connect in two steps; each time the server comes to rest, and the kernel shows how many threads
    and processes there are, in which call each waits, and for which descriptors.
    """

    name: ClassVar[str] = "io_model"
    default_title: ClassVar[str] = "The server uses the model it claims"
    behaviour: Literal["io_model"] = "io_model"
    clients: int = Field(default=20, ge=2, le=500, description="silent clients in each of the two steps")

    def check(self, stage: Stage) -> Finding:
        scenes = [stage.scene()]
        for watch in (False, True):
            stage.connect_some(self.clients)
            scenes.append(stage.scene(watch=watch))
        last = scenes[-1]
        found = io_model.observe(scenes, stage.stacks(last.look, processes=_PROCESSES_READ))
        stage.observed = Observed(
            workers=found.workers,
            made_of=found.made_of,
            bound=found.bound,
            waits=list(found.waits),
            sockets=found.sockets,
            library=found.library,
        )
        facts: dict[str, Fact] = {name: value for name, value in stage.observed.model_dump().items() if value}
        if wrong := io_model.contradictions(found, stage.allowed):
            summary = f"this is not the {stage.model_name} model: {'; '.join(wrong)}"
            raise CheckFailed(
                Finding(
                    Verdict.FAIL,
                    Basis.OBSERVATION,
                    summary,
                    facts,
                    evidence=last.evidence,
                    look=last.look,
                    doing="io_model",
                )
            )
        summary = f"with {last.clients} silent clients, {found.explanation}, waiting in {' and '.join(found.waits)}"
        return Finding(Verdict.PASS, Basis.OBSERVATION, summary, facts)


BEHAVIOURS = (IoModel,)
