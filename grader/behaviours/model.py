"""The IO model: what the kernel sees, not what the source claims."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.judgement import io_model
from grader.judgement.finding import CheckFailed, Fact, Finding
from grader.report.model import Basis, Observed, Verdict
from grader.stage import Stage


class IoModel(Behaviour):
    """Really use the model that the spec names.

    Silent clients connect in two steps; each time the server comes to rest, and the kernel shows how many threads
    and processes there are, in which call each waits, and for which descriptors.
    """

    name: ClassVar[str] = "io_model"
    default_title: ClassVar[str] = "The server uses the model it claims"
    behaviour: Literal["io_model"] = "io_model"
    clients: int = Field(default=4, ge=2, le=100, description="silent clients in each of the two steps")

    def check(self, stage: Stage) -> Finding:
        scenes = [stage.scene()]
        for _ in range(2):
            stage.connect_some(self.clients)
            scenes.append(stage.scene())
        found = io_model.observe(scenes)
        stage.observed = Observed(workers=found.workers, waits=list(found.waits), sockets=found.sockets)
        facts: dict[str, Fact] = {
            "workers": found.workers,
            "waits": list(found.waits),
            "sockets": found.sockets,
        }
        wrong = io_model.contradictions(found, stage.allowed)
        if wrong:
            look = scenes[-1]
            raise CheckFailed(
                Finding(
                    Verdict.FAIL,
                    Basis.OBSERVATION,
                    f"this is not the {stage.model_name} model: {'; '.join(wrong)}",
                    facts,
                    evidence=look.evidence,
                    look=look.look,
                    doing="io_model",
                )
            )
        waits = " and ".join(found.waits)
        summary = f"with {2 * self.clients} silent clients, {found.explanation}, waiting in {waits}"
        return Finding(Verdict.PASS, Basis.OBSERVATION, summary, facts)


BEHAVIOURS = (IoModel,)
