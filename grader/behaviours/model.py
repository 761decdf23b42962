"""The IO model: what the kernel sees, not what the source claims."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.behaviours.hands import Look, Shown, clients, shown
from grader.clients.personas import silent
from grader.evidence.records import Pass, Stack
from grader.judgement import io_model
from grader.judgement.expectations import Answered
from grader.judgement.finding import CheckFailed, Fact, Finding
from grader.report.model import Basis, Observed, Verdict
from grader.stage import Guest, Stage
from grader.words import also, say, together

_STACKS_TRIED, _MOST_DOUBLED = 10, 5
_SAME_LINE = 3  # times that a line must be seen
_LONG = 4096
_PROCESSES_READ = 2  # the first, and one that it has made


class IoModel(Behaviour):
    """Really use the model that the spec names.

    Silent clients connect in two steps; each time the server comes to rest, and the kernel shows how many threads
    and processes there are, in which call each waits, and for which descriptors. (Where the kernel hands over only
    clients who have spoken, TCP_DEFER_ACCEPT, each asks once.) With `at_work: true` they then all
    ask at once, and until all are served no thread may be seen asleep in a call that lets only time pass: in a
    coroutine that stops everybody else.
    """

    name: ClassVar[str] = "io_model"
    default_title: ClassVar[str] = "The server uses the model it claims"
    behaviour: Literal["io_model"] = "io_model"
    clients: int = Field(default=20, ge=2, le=500, description="silent clients in each of the two steps")

    at_work: bool = Field(default=False, description="whether to look for a thread that sleeps while clients wait")

    @property
    def waits_for_replies(self) -> bool:
        return False

    def check(self, stage: Stage) -> Finding:
        scenes = [stage.scene()]
        guests: list[Guest] = []
        for watch in (False, True):
            guests += self._come(stage)
            scenes.append(stage.scene(watch=watch))
        last = scenes[-1]
        stacks, runtimes = stage.python_stacks(last.look, processes=_PROCESSES_READ), stage.runtimes(last.look)
        found = io_model.observe(scenes, stacks, runtimes)
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
            summary = say("this is not the {model} model: {why}", model=stage.model_name, why=together(wrong))
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
        if self.at_work:
            self._require_awake(stage, guests)
        summary = say(
            "with {clients} silent clients, {workers}, waiting in {calls}",
            clients=last.clients,
            workers=found.explanation,
            calls=also(found.waits),
        )
        return Finding(Verdict.PASS, Basis.OBSERVATION, summary, facts)

    def by_hand(self) -> Shown:
        right = say("it has the threads, and waits in the call, that its model asks for")
        return shown(right, clients(silent, self.clients), Look.THREADS, Look.WAITS)

    def _come(self, stage: Stage) -> list[Guest]:
        guests = stage.connect_some(self.clients)
        if stage.held_back_until_they_speak(guests):
            for number, guest in enumerate(guests):
                guest.ask(stage.request(number))
            stage.settle(Answered(guests))
        return guests

    def _require_awake(self, stage: Stage, guests: list[Guest]) -> None:
        for number, guest in enumerate(guests):
            guest.ask(stage.request(number))
        if wait := stage.asleep_at_work(guests):
            asleep = say("it sleeps in {call} while clients wait for a reply", call=wait.call)
            words = say("this is not the {model} model: {why}", model=stage.model_name, why=asleep)
            look, stacks = self._again(stage, guests)
            finding = Finding(Verdict.FAIL, Basis.OBSERVATION, words, look=look, doing="at_work", stacks=stacks)
            raise CheckFailed(finding)

    @staticmethod
    def _again(stage: Stage, guests: list[Guest]) -> tuple[Pass, tuple[Stack, ...]]:
        """Where it sleeps, in its own code: to read a stack takes longer than many a nap, so it gets ever more to do.

        A nap can end while its stack is read, and the line after it is shown: the line seen most often is the one.
        """
        seen: list[tuple[Pass, tuple[Stack, ...]]] = []
        for number in range(_STACKS_TRIED):
            for turn in range(2 ** min(number, _MOST_DOUBLED)):
                for guest in guests:
                    # Long ones, so that several are not read at once, and slept over only once.
                    guest.ask(stage.request(turn, _LONG))
            stage.pump()
            look = stage.look()[0]
            stacks = stage.stacks(look)
            seen.append((look, stacks))
            times, first = io_model.seen_most([read for _, read in seen])
            if times == _SAME_LINE:
                break
        return seen[first]


BEHAVIOURS = (IoModel,)
