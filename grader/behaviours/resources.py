"""Resources: what a server may use."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour, message
from grader.judgement.finding import CheckFailed, Finding, passed
from grader.judgement.outcome import How
from grader.report.model import Basis, Verdict
from grader.spec import Percent
from grader.stage import Stage

_WORDS = {
    "idle": "without any client",
    "idle_clients": "with {clients} silent clients",
    "after_disconnect": "after {clients} clients have left",
}


class CpuCeiling(Behaviour):
    """Use next to no CPU while there is nothing to do.

    The figure is the duty: CPU time over the time in which the server could have run, so that a busy machine
    changes nothing. A server that is provably asleep without time limit uses none; that takes no time to measure.
    """

    name: ClassVar[str] = "cpu_ceiling"
    default_title: ClassVar[str] = "The server is quiet when there is nothing to do"
    behaviour: Literal["cpu_ceiling"] = "cpu_ceiling"
    when: Literal["idle", "idle_clients", "after_disconnect"] = Field(
        default="idle", description="with no clients, with silent ones, or after some have left"
    )
    clients: int = Field(default=10, ge=1, le=1000, description="how many, where there are clients")
    at_most: Percent = Field(default=0.05, gt=0, le=1, description="the ceiling, as a share of one core")

    def check(self, stage: Stage) -> Finding:
        situation = _WORDS[self.when].format(clients=self.clients)
        self._prepare(stage)
        rest = stage.rest()
        if rest.how is How.ENDED:
            stage.fail(rest, f"the server did not live on {situation}", [], doing=self.when)
        if rest.how is How.STUCK:
            return passed(f"{situation} it sleeps without time limit: duty 0%", Basis.PROOF, duty=0.0)
        duty = stage.duty(self.at_most)
        if duty is None:
            untold = "this machine does not tell how much CPU time a thread has used (schedstat)"
            summary = "the server hardly got to run, so its duty is not known" if stage.schedstat else untold
            raise CheckFailed(Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, summary))
        figures = f"duty {duty.share:.0%} of a core over {duty.own_seconds:.2f} s of its own time"
        if duty.share > self.at_most:
            stage.fail_observed(
                f"{situation} it is busy: {figures}, {self.at_most:.0%} is allowed",
                doing=self.when,
                duty=round(duty.share, 3),
            )
        return passed(f"{situation}: {figures}", duty=round(duty.share, 3))

    def _prepare(self, stage: Stage) -> None:
        # Whether many can be served at once is for other checks to say: here silent clients come as far as they
        # are let, and those who are to leave come one after the other.
        if self.when == "idle_clients":
            stage.connect_some(self.clients)
        if self.when == "after_disconnect":
            for number in range(self.clients):
                (guest,) = stage.connect()
                guest.ask(message(number))
                stage.answered([guest], "a client was not served before it left", doing=self.when)
                stage.dismiss([guest])


BEHAVIOURS = (CpuCeiling,)
