"""The IO model: what the kernel sees, not what the source claims."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.behaviours.hands import Look, Shown, clients, shown
from grader.clients.personas import silent, talking
from grader.judgement import io_model
from grader.judgement.expectations import Answered
from grader.judgement.finding import CheckFailed, Fact, Finding
from grader.judgement.io_model import Facets, Scene
from grader.judgement.outcome import How
from grader.report.model import Basis, Observed, Verdict
from grader.stage import Guest, Stage
from grader.words import also, say, together

_ONE_BY_ONE = 3
_PROCESSES_READ = 2  # the first, and one that it has made


class IoModel(Behaviour):
    """Really use the model that the spec names.

    Silent clients connect in two steps; each time the server comes to rest, and the kernel shows how many threads and
    processes there are, in which call each waits, and for which descriptors. (Where the kernel hands over only clients
    who have spoken, TCP_DEFER_ACCEPT, each asks once.) At last all ask, and when it has answered them it must show the
    same model, and again to one who comes when these have left; of a pool, clients who then come one by one must not
    each get a new worker. With `at_work: true` they first all ask at once, again and again, and until all are served no
    thread that waited for many clients may be seen blocked in another call, such as a sleep or the wait for another
    thread: in a coroutine that stops everybody else. What other threads do is their own affair.
    """

    name: ClassVar[str] = "io_model"
    default_title: ClassVar[str] = "The server uses the model it claims"
    behaviour: Literal["io_model"] = "io_model"
    clients: int = Field(default=20, ge=2, le=500, description="silent clients in each of the two steps")

    at_work: bool = Field(default=False, description="whether to look for a loop that blocks while clients wait")

    @property
    def waits_for_replies(self) -> bool:
        return False

    def check(self, stage: Stage) -> Finding:
        scenes = [stage.scene()]
        guests: list[Guest] = []
        for watch in (False, True):
            guests += self._come(stage)
            scenes.append(stage.scene(watch=watch))
        at_first = self._require_model(stage, scenes)
        if self.at_work:
            self._require_awake(stage, guests, scenes[-1])
        for number, guest in enumerate(guests):
            guest.ask(stage.request(number))
        # Whether all can be served, and whether the server lives on, is for other checks to say.
        if stage.settle(Answered(guests)).how is not How.ENDED:
            spoken = [scenes[0], stage.scene(watch=True)]
            found = self._require_model(stage, spoken, say("once its clients have spoken"))
            if found.workers == "pool":
                self._require_lasting(stage, guests)
            else:
                self._require_the_same_later(stage, guests)
        summary = say(
            "with {clients} silent clients, {workers}, waiting in {calls}",
            clients=scenes[-1].clients,
            workers=at_first.explanation,
            calls=also(at_first.waits),
        )
        return Finding(Verdict.PASS, Basis.OBSERVATION, summary, _facts(stage))

    def _require_model(
        self, stage: Stage, scenes: list[Scene], when: str = "", but_for: Collection[str] = ()
    ) -> Facets:
        """What these scenes show, if it is the model that is asked for; `when` is said where it is not.

        The facets in `but_for` may be any.
        """
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
        unread = bool(stage.allowed.get("library")) and stage.unread(last.look, stacks, _PROCESSES_READ)
        unknown = {*but_for, "library"} if unread else {*but_for}
        allowed = {name: values for name, values in stage.allowed.items() if name not in unknown}
        if wrong := io_model.contradictions(found, allowed):
            why = say("{when} {what}", when=when, what=together(wrong)) if when else together(wrong)
            summary = _not_the_model(stage, why)
            raise CheckFailed(
                Finding(
                    Verdict.FAIL,
                    Basis.OBSERVATION,
                    summary,
                    _facts(stage),
                    evidence=last.evidence,
                    look=last.look,
                    doing="io_model",
                )
            )
        if unread:
            words = say("where it stands in its source could not be read, so whose loop it runs is not known")
            raise CheckFailed(Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, words, _facts(stage), look=last.look))
        return found

    @staticmethod
    def _require_lasting(stage: Stage, guests: list[Guest]) -> None:
        """That workers of a pool wait for clients: who come one by one are not each served by a new one.

        Workers that are replaced after some clients may all have ended just before one comes, but not before each.
        """
        stage.dismiss(guests)
        for number in range(_ONE_BY_ONE):
            if stage.rest().how is How.ENDED:
                return
            waiting = {(sample.pid, sample.tid) for sample in stage.look()[0].threads}
            guests = _served(stage, number)
            if not guests:
                return  # that is for other checks to say
            scene = stage.scene()
            serving = io_model.attended_by_thread(scene).keys()
            if not serving or not waiting.isdisjoint(serving):
                return
            stage.dismiss(guests)
        why = say("its workers end when their clients have left, and whoever comes next gets a new one")
        summary = _not_the_model(stage, why)
        finding = Finding(Verdict.FAIL, Basis.OBSERVATION, summary, _facts(stage), evidence=scene.evidence)
        raise CheckFailed(replace(finding, look=scene.look, doing="io_model"))

    def _require_the_same_later(self, stage: Stage, guests: list[Guest]) -> None:
        """That who comes when these have left is served by the same model.

        Of the workers one client says nothing: old ones may still end. Whether anybody is served then, and whether the
        server rests, is for other checks to say.
        """
        observed = stage.observed
        stage.dismiss(guests)
        if not _rests(stage):
            return
        scenes = [stage.scene()]
        if not _served(stage, 0) or not _rests(stage):
            return
        scenes.append(stage.scene(watch=True))
        self._require_model(stage, scenes, say("once others have come and left"), but_for=("workers", "made_of"))
        stage.observed = observed

    def by_hand(self) -> Shown:
        right = say("it has the threads, and waits in the call, that its model asks for")
        come = clients(silent, self.clients), clients(talking, self.clients)
        return shown(right, *come, Look.THREADS, Look.WAITS)

    def _come(self, stage: Stage) -> list[Guest]:
        guests = stage.connect_some(self.clients)
        if stage.held_back_until_they_speak(guests):
            for number, guest in enumerate(guests):
                guest.ask(stage.request(number))
            stage.settle(Answered(guests))
        return guests

    @staticmethod
    def _require_awake(stage: Stage, guests: list[Guest], scene: Scene) -> None:
        blocked = stage.blocked_at_work(guests, scene, stage.request)
        if blocked is None:
            return
        call, naps = blocked.wait.call, io_model.is_nap(blocked.wait)
        blocks = (
            say("it sleeps in {call} while clients wait for a reply", call=call)
            if naps
            else say("it is blocked in {call} while clients wait for a reply", call=call)
        )
        words = _not_the_model(stage, blocks)
        look, stacks = blocked.look, blocked.stacks
        raise CheckFailed(Finding(Verdict.FAIL, Basis.OBSERVATION, words, look=look, doing="at_work", stacks=stacks))


def _served(stage: Stage, number: int) -> list[Guest]:
    """One more client that has asked and has its reply; none if it could not connect, or has no reply."""
    guests = stage.connect_some(1)
    for guest in guests:
        guest.ask(stage.request(number))
    return guests if guests and stage.settle(Answered(guests)).how is How.MET else []


def _rests(stage: Stage) -> bool:
    found = stage.rest()
    return found.how is not How.ENDED and not found.busy


def _not_the_model(stage: Stage, why: str) -> str:
    return say("this is not the {model} model: {why}", model=stage.model_name, why=why)


def _facts(stage: Stage) -> dict[str, Fact]:
    return {name: value for name, value in stage.observed.model_dump().items() if value} if stage.observed else {}


BEHAVIOURS = (IoModel,)
