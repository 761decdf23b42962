"""Queueing: what a server that serves only so many at once owes to those who wait."""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from grader.behaviours.base import Behaviour
from grader.behaviours.hands import Shown, clients, shown
from grader.clients.personas import polite, talking
from grader.judgement.expectations import Answered, OneAnswered
from grader.judgement.finding import Finding, passed
from grader.judgement.outcome import How, Outcome
from grader.stage import Guest, Stage
from grader.words import say

_NEXT_AND_ONE_BEHIND = 2


class QueuedClients(Behaviour):
    """Serve the next client when the one before has left.

    All connect and ask at once, in order. As soon as one has its reply it leaves, and then the next must have its
    own. Nobody has to be served while another is still there.
    """

    name: ClassVar[str] = "queued_clients"
    default_title: ClassVar[str] = "The next client is served when the one before has left"
    behaviour: Literal["queued_clients"] = "queued_clients"
    clients: int = Field(default=5, ge=2, le=100, description="how many wait in the queue, the first included")

    def check(self, stage: Stage) -> Finding:
        waiting: deque[Guest] = deque()
        before = ""
        for number in range(self.clients):
            self._come(stage, waiting, number)
            guest = waiting.popleft()
            otherwise = say("{client} was not served", client=guest.name)
            if before:
                otherwise = say("{client} was not served after {before} had left", client=guest.name, before=before)
            stage.answered([guest], otherwise, doing="queue", served=number)
            stage.dismiss([guest])
            before = guest.name
        words = say("{clients} clients were served one after the other", clients=self.clients)
        return passed(words, clients=self.clients)

    def _come(self, stage: Stage, waiting: deque[Guest], left: int) -> None:
        """Let all come whom the listener's queue has room for; the next and one behind it in any case.

        Nobody is made to wait for those behind: a server may limit how long a client is silent.
        """
        missing = self.clients - left - len(waiting)
        come = stage.connect(min(max(_NEXT_AND_ONE_BEHIND - len(waiting), 0), missing))
        come += stage.connect_now(missing - len(come))
        for number, guest in enumerate(come, left + len(waiting)):
            guest.ask(stage.request(number))
        waiting += come

    def by_hand(self) -> Shown:
        return shown(say("all are answered, one after the other"), clients(polite, self.clients))


class PoolLimit(Behaviour):
    """Serve as many clients at once as the pool has workers, and the others in turn.

    All connect and ask at once, and nobody leaves. Those who are answered then show how large the pool is; that has
    to be within the bounds. They leave one by one, and each time one more must be served, until all have been.
    """

    name: ClassVar[str] = "pool_limit"
    default_title: ClassVar[str] = "A pool of workers: so many at once, the others in turn"
    behaviour: Literal["pool_limit"] = "pool_limit"
    at_least: int = Field(default=2, ge=1, le=500, description="clients served at once, at the least")
    at_most: int = Field(default=16, ge=1, le=500, description="clients served at once, at the most")
    clients: int = Field(default=24, ge=2, le=1000, description="how many come; more than `at_most`")

    @property
    def pool(self) -> int:
        return self.at_most

    @model_validator(mode="after")
    def _bounds_in_order(self) -> PoolLimit:
        if not self.at_least <= self.at_most < self.clients:
            raise ValueError("at_least, at_most and clients must grow in this order, clients above at_most")
        return self

    def check(self, stage: Stage) -> Finding:
        guests = stage.connect(self.clients)
        for number, guest in enumerate(guests):
            guest.ask(stage.request(number))
        found = stage.settle(Answered(guests))
        served = [guest for guest in guests if guest.transcript.complete]
        self._require_bounds(stage, found, guests, served)
        bound = len(served)
        waiting = [guest for guest in guests if guest not in served]
        while waiting:
            stage.dismiss([served.pop()])
            found = stage.settle(OneAnswered(waiting))
            if found.how is not How.MET:
                otherwise = say(
                    "{count} clients still waited when another had left, and none of them was served",
                    count=len(waiting),
                )
                stage.fail(found, otherwise, waiting, doing="pool", served=self.clients - len(waiting))
            served += [guest for guest in waiting if guest.transcript.complete]
            waiting = [guest for guest in waiting if not guest.transcript.complete]
        words = say("{bound} clients were served at once, and the others in turn", bound=bound)
        return passed(words, bound=bound, clients=self.clients)

    def by_hand(self) -> Shown:
        right = say(
            "between {least} and {most} are answered while all stay; the others wait",
            least=self.at_least,
            most=self.at_most,
        )
        return shown(right, clients(talking, self.clients))

    def _require_bounds(self, stage: Stage, found: Outcome, guests: list[Guest], served: list[Guest]) -> None:
        count = len(served)
        if found.how in (How.ENDED, How.BROKEN) or found.starved:
            stage.fail(found, say("the pool did not serve its first clients"), guests, doing="pool", served=count)
        if count < self.at_least:
            words = say(
                "only {served} of {clients} clients were served at once, at least {least} are to be",
                served=count,
                clients=self.clients,
                least=self.at_least,
            )
            stage.fail(found, words, guests, doing="pool", served=count)
        if count > self.at_most:
            words = say(
                "{served} of {clients} clients were served at once, more than a pool of {most} can",
                served=count,
                clients=self.clients,
                most=self.at_most,
            )
            stage.fail_observed(words, doing="pool", served=count)


BEHAVIOURS = (QueuedClients, PoolLimit)
