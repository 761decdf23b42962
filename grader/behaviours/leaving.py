"""Leaving: however a client goes, the others are served and nothing of it stays behind."""

from __future__ import annotations

from contextlib import nullcontext
from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.behaviours.departures import BY_HAND, WAYS, Party
from grader.behaviours.hands import Look, Shown, Typed, clients, shown
from grader.behaviours.rounds import counting_losses, leak
from grader.clients.personas import polite
from grader.judgement.duty import PLAINLY_BUSY
from grader.judgement.finding import Finding, passed
from grader.judgement.outcome import How
from grader.stage import Guest, Stage
from grader.words import say


class Disconnect(Behaviour):
    """Survive clients who leave, time after time, while another one stays.

    In each round some clients connect and leave in the stated way. After each round the one who stays is served, and
    the server is as quiet as it was. What it holds must not grow with every round. With `staying: false`, for
    servers that serve one client at a time, they come one after the other, and after each round somebody new is served.

    Where the spec asks for a pool, more clients than it may have workers come and close before the first round: a pool
    may make its workers one by one. From then on they must not become fewer with every round.

    The ways: `fin` is served and closes; `reset` is served and resets; `half_close` sends a last message, stops sending
    and waits for the reply and the end of the stream, and in the first round another does so while the server still has
    replies for it, and reads late; `mid_message` leaves when half of its message has been read; `while_replying` asks
    for much, does not read, and leaves while the server still has bytes for it; `before_accept` leaves while it still
    stands in the listener's queue, in one round without a word, in the next when it has asked; `storm`: all leave at
    one moment, and others come and leave at the same moment. In the last four one resets, one closes, and so on in
    turn.
    """

    name: ClassVar[str] = "disconnect"
    default_title: ClassVar[str] = "Clients that leave do no harm"
    behaviour: Literal["disconnect"] = "disconnect"
    how: Literal["fin", "reset", "half_close", "mid_message", "while_replying", "before_accept", "storm"] = Field(
        default="fin", description="the way in which they leave"
    )
    clients: int = Field(default=10, ge=1, le=500, description="how many leave in each round")
    rounds: int = Field(default=4, ge=3, le=20, description="how often; three at least tell a leak from a late release")
    staying: bool = Field(default=True, description="whether one client stays, and all others are there at once")

    def check(self, stage: Stage) -> Finding:
        depart, left = WAYS[self.how]
        staying = stage.connect(1 if self.staying else 0)
        for guest in staying:
            guest.ask(stage.request(0))
            stage.answered([guest], say("not even the first client was served"), doing=self.how)
        before = stage.rest()
        gone = say(left, clients=self.clients)

        def play(number: int) -> None:
            depart(stage, Party(self.how, number, self.clients, self.clients if self.staying else 1))
            after = say("after {clients_left} (round {round})", clients_left=gone, round=number)
            self._serve_another(stage, staying, number, after)
            rest = stage.rest()
            if rest.how is How.ENDED:
                stage.fail(rest, say("the server did not live on {when}", when=after), staying, doing=self.how)
            if duty := stage.busier(before, rest):
                share = duty.share
                spins = say(
                    "the server rested before, and spins {when}: duty {duty:.0%} of a core", when=after, duty=share
                )
                works = say(
                    "the server slept before, and is busy {when}: duty {duty:.0%} of a core", when=after, duty=share
                )
                words = spins if share >= PLAINLY_BUSY else works
                stage.fail_observed(words, doing=self.how, duty=round(share, 3))

        room = self._warm_up(stage) if stage.pool else 0
        with counting_losses(stage) if stage.pool else nullcontext():
            if grown := leak(stage, self.rounds, play, room):
                words = say("{grown} ({clients_left} in each)", grown=grown, clients_left=gone)
                stage.fail_observed(words, doing=self.how)
        words = say("{rounds} times {clients_left}, and nothing of them stayed", rounds=self.rounds, clients_left=gone)
        return passed(words, clients=self.clients, rounds=self.rounds)

    def by_hand(self) -> Shown:
        leaves, leave = BY_HAND[self.how]
        rounds = self.rounds if leaves else 1
        come = clients(leave, self.clients if self.staying else 1, rounds=rounds)
        typed = Typed(say("a line that is typed here is answered, before and after"))
        stays = typed if self.staying else clients(polite)
        before, after = ((stays,), ()) if self.staying else ((), (stays,))
        gone = say("when they have left") if leaves else say("when they have left (Ctrl-C)")
        right = say("{when}, others are answered, and the server holds and burns what it did before", when=gone)
        return shown(right, *before, come, *after, Look.DESCRIPTORS, Look.DUTY)

    def _warm_up(self, stage: Stage) -> int:
        """Let more clients come and go than the pool may have workers; how many threads that leaves room for."""
        before, (depart, _) = stage.counts().threads, WAYS["fin"]
        with counting_losses(stage):
            depart(stage, Party(self.how, 0, stage.pool + 1, self.clients if self.staying else 1))
            stage.rest()
        return before + stage.pool

    def _serve_another(self, stage: Stage, staying: list[Guest], number: int, after: str) -> None:
        (guest,) = staying or stage.connect()
        guest.ask(stage.request(number))
        who = say("the client who stayed") if self.staying else say("the next client")
        otherwise = say("{client} was not served {when}", client=who, when=after)
        stage.answered([guest], otherwise, doing=self.how, round=number)
        if not self.staying:
            stage.dismiss([guest])


BEHAVIOURS = (Disconnect,)
