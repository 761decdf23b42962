"""Resources: what a server may use."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.behaviours.hands import Look, Shown, clients, shown
from grader.behaviours.rounds import leak
from grader.clients.personas import polite, repeating, silent, talking
from grader.judgement.expectations import Answered
from grader.judgement.finding import CheckFailed, Finding, passed
from grader.judgement.outcome import How
from grader.report.model import Basis, Verdict
from grader.spec import Percent
from grader.stage import Stage
from grader.words import mark, say

_MOST_OF_NODE = 10  # four of its own, four for files and names, one for what is due later, one for signals
_WORDS = {
    "idle": mark("without any client"),
    "idle_clients": mark("with {clients} silent clients"),
    "after_disconnect": mark("after {clients} clients have left"),
}


class CpuCeiling(Behaviour):
    """Use next to no CPU while there is nothing to do.

    Of silent clients every second one has asked once, and may still have something to say.

    The figure is the duty: CPU time over the time in which the server could have run, so that a busy machine
    changes nothing. A server that is provably asleep without time limit uses none; that takes no time to measure. One
    that wakes up by the clock is measured over 2 s of its own time. What children have used who ended meanwhile counts.
    """

    name: ClassVar[str] = "cpu_ceiling"
    default_title: ClassVar[str] = "The server is quiet when there is nothing to do"
    behaviour: Literal["cpu_ceiling"] = "cpu_ceiling"
    when: Literal["idle", "idle_clients", "after_disconnect"] = Field(
        default="idle", description="with no clients, with silent ones, or after some have left"
    )
    clients: int = Field(default=10, ge=1, le=1000, description="how many, where there are clients")
    at_most: Percent = Field(default=0.05, gt=0, le=1, description="the ceiling, as a share of one core")

    @property
    def waits_for_replies(self) -> bool:
        return self.when == "after_disconnect"

    def check(self, stage: Stage) -> Finding:
        situation = say(_WORDS[self.when], clients=self.clients)
        self._prepare(stage)
        rest = stage.rest()
        if rest.how is How.ENDED:
            stage.fail(rest, say("the server did not live on {when}", when=situation), [], doing=self.when)
        if rest.how is How.STUCK:
            asleep = say("{when} it sleeps without time limit: duty 0%", when=situation)
            return passed(asleep, Basis.PROOF, duty=0.0)
        duty = stage.duty(self.at_most, rest)
        if duty is None:
            raise CheckFailed(Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, _why_not_known(stage)))
        figures = say(
            "duty {duty:.0%} of a core over {seconds:.2f} s of its own time",
            duty=duty.share,
            seconds=duty.own_seconds,
        )
        if duty.share > self.at_most:
            stage.fail_observed(
                say(
                    "{when} it is busy: {figures}, {most:.0%} is allowed",
                    when=situation,
                    figures=figures,
                    most=self.at_most,
                ),
                doing=self.when,
                duty=round(duty.share, 3),
                wakeups=round(duty.wakeups / duty.own_seconds),
            )
        return passed(say("{when}: {figures}", when=situation, figures=figures), duty=round(duty.share, 3))

    def by_hand(self) -> Shown:
        come = {
            "idle": [],
            "idle_clients": [clients(silent, self.clients), clients(talking, self.clients)],
            "after_disconnect": [clients(polite, rounds=self.clients)],
        }[self.when]
        return shown(say("it uses at most {most:.0%} of a core", most=self.at_most), *come, Look.DUTY)

    def _prepare(self, stage: Stage) -> None:
        # Whether many can be served at once is for other checks to say: here silent clients come as far as they
        # are let, some ask once and get what they are given, and those who are to leave come one after the other.
        if self.when == "idle_clients":
            talking = stage.connect_some(self.clients)[::2]
            for number, guest in enumerate(talking):
                guest.ask(stage.request(number))
            stage.settle(Answered(talking))
        if self.when == "after_disconnect":
            for number in range(self.clients):
                (guest,) = stage.connect()
                guest.ask(stage.request(number))
                stage.answered([guest], say("a client was not served before it left"), doing=self.when)
                stage.dismiss([guest])


def _why_not_known(stage: Stage) -> str:
    if not stage.abilities.kernel:
        return say("this machine does not tell what the server's threads wait in, so its duty is not known")
    if not stage.schedstat:
        return say("this machine does not tell how much CPU time a thread has used (schedstat)")
    return say("the server hardly got to run, so its duty is not known")


class DescriptorLeak(Behaviour):
    """Give back whatever was opened to serve a message, while the clients stay.

    Some clients ask in several rounds, many times in each. What the server holds must not grow with every round.
    """

    name: ClassVar[str] = "descriptor_leak"
    default_title: ClassVar[str] = "Messages leave nothing open"
    behaviour: Literal["descriptor_leak"] = "descriptor_leak"
    clients: int = Field(default=3, ge=1, le=500, description="how many are there")
    messages: int = Field(default=20, ge=1, le=1000, description="how many each of them sends in a round")
    rounds: int = Field(default=4, ge=3, le=20, description="how often; three at least tell a leak from a late release")

    def check(self, stage: Stage) -> Finding:
        guests = stage.connect(self.clients)

        def play(turn: int) -> None:
            for number in range(self.messages):
                for guest in guests:
                    guest.ask(stage.request(turn * self.messages + number))
                stage.answered(guests, say("not all messages were answered"), doing="leak", round=turn)
            if (rest := stage.rest()).how is How.ENDED:
                after = say("the server did not live on after round {round}", round=turn)
                stage.fail(rest, after, guests, doing="leak")

        each = say("{messages} messages of {clients} clients in each", messages=self.messages, clients=self.clients)
        if grown := leak(stage, self.rounds, play):
            stage.fail_observed(say("{grown} ({each})", grown=grown, each=each), doing="leak")
        words = say("{rounds} rounds left nothing open ({each})", rounds=self.rounds, each=each)
        return passed(words, rounds=self.rounds)

    def by_hand(self) -> Shown:
        ask = clients(repeating, self.clients, number=self.messages)
        return shown(say("messages leave no descriptor open, only clients have one each"), ask, Look.DESCRIPTORS)


class ThreadCeiling(Behaviour):
    """Have no more threads than stated, in all processes together, however many clients there are.

    Counted at rest: without clients, with silent ones, and when each has been served. Threads that the language's
    runtime keeps for itself do not count. Libraries' threads do: asyncio, for one, keeps a thread from when it looked
    up the name that it listens on. Go's runtime makes threads as it sees fit, so there nothing can be told.
    """

    name: ClassVar[str] = "thread_ceiling"
    default_title: ClassVar[str] = "The server has no more threads than it needs"
    behaviour: Literal["thread_ceiling"] = "thread_ceiling"
    clients: int = Field(default=20, ge=0, le=1000, description="how many are connected")
    at_most: int = Field(default=1, ge=1, le=10000, description="threads of all processes, the first included")

    @property
    def waits_for_replies(self) -> bool:
        return False

    def check(self, stage: Stage) -> Finding:
        runtimes = stage.runtimes(stage.look()[0])
        if "go" in runtimes:
            words = say("Go's runtime makes threads as it sees fit, so their number says nothing of the server")
            raise CheckFailed(Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, words))
        # Node's workers have no names by which to know them, but they are there before the first client is.
        of_the_runtime = min(stage.threads() - 1, _MOST_OF_NODE) if "node" in runtimes else 0
        most = self._count(stage, say("without clients"), of_the_runtime, 0)
        guests = stage.connect_some(self.clients)
        silent = say("with {clients} silent clients", clients=len(guests))
        most = max(most, self._count(stage, silent, of_the_runtime, len(guests)))
        for number, guest in enumerate(guests):
            guest.ask(stage.request(number))
        stage.settle(Answered(guests))
        asked = say("with {clients} clients that have asked", clients=len(guests))
        most = max(most, self._count(stage, asked, of_the_runtime, len(guests)))
        words = say("it never had more than {seen} threads, {most} are allowed", seen=most, most=self.at_most)
        return passed(words, threads=most)

    def by_hand(self) -> Shown:
        come = [clients(silent, self.clients)] if self.clients else []
        right = say("it has at most {most:,} threads, in all its processes", most=self.at_most)
        return shown(right, *come, Look.THREADS)

    def _count(self, stage: Stage, when: str, of_the_runtime: int, clients: int) -> int:
        if (rest := stage.rest()).how is How.ENDED:
            stage.fail(rest, say("the server did not live on {when}", when=when), [], doing="threads")
        threads = stage.threads() - of_the_runtime
        if threads > self.at_most:
            words = say("{when} it has {seen} threads, {most} are allowed", when=when, seen=threads, most=self.at_most)
            stage.fail_observed(words, doing="threads", threads=threads, clients=clients)
        return threads


BEHAVIOURS = (CpuCeiling, DescriptorLeak, ThreadCeiling)
