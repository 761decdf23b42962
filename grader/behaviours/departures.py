"""The ways in which clients leave: each lets a number of them come and go, and returns when they are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from grader.clients import personas
from grader.clients.personas import Persona, Steps, Until
from grader.judgement.expectations import Answered
from grader.judgement.finding import CheckFailed, Finding
from grader.judgement.outcome import How
from grader.report.model import Basis, Verdict
from grader.stage import SMALL_BUFFER, Guest, Stage
from grader.words import mark, say

_ASKED_AT_ONCE, _MOST_ASKED = 1 << 20, 4 << 20
_TRIES = 50
_LONG_REQUEST = 1 << 15
_PIECE, _PILE = 1 << 14, 1 << 15
_OTHERWISE = {
    Until.ANSWERED: say("not all clients were served before they left"),
    Until.TAKEN: say("half of a message was not read"),
    Until.ENDED: say("half-closed clients did not get their reply and then the end"),
}


@dataclass(frozen=True, slots=True)
class Party:
    """Who comes and goes: `count` clients, at most `together` of them at the same time, in round `number`."""

    how: str
    number: int
    count: int
    together: int

    def requests(self, stage: Stage) -> Iterator[bytes]:
        """A request unlike any other for each."""
        return (stage.request(self.number * self.count + index) for index in range(self.count))


Departure = Callable[[Stage, Party], None]


def _after(persona: Persona) -> Departure:
    """They leave at the end of a persona's part."""

    def departure(stage: Stage, party: Party) -> None:
        requests = party.requests(stage)
        for start in range(0, party.count, party.together):
            guests = stage.connect(min(party.together, party.count - start))
            scripts = [(guest, persona(guest, next(requests))) for guest in guests]
            stage.perform(scripts, _OTHERWISE, doing=party.how, round=party.number)
            stage.forget(guests)

    return departure


def _go(guests: Sequence[Guest], before: int = 0) -> None:
    """One resets, one closes, and so on in turn; `before` is how many have left already."""
    for index, guest in enumerate(guests, before):
        if index % 2:
            guest.close()
        else:
            guest.reset()


def _mid_message(stage: Stage, party: Party) -> None:
    requests = party.requests(stage)
    for start in range(0, party.count, party.together):
        guests = stage.connect(min(party.together, party.count - start))
        scripts = [(guest, personas.interrupted(guest, next(requests))) for guest in guests]
        stage.perform(scripts, _OTHERWISE, doing=party.how, round=party.number)
        _go(guests, start)
        stage.forget(guests)


def _half_close(stage: Stage, party: Party) -> None:
    """All announce that they will send no more; and once one does while the server still has replies for it."""
    _after(personas.half_closing)(stage, party)
    if party.number == 1:
        _half_close_unread(stage, party)


def _half_close_unread(stage: Stage, party: Party) -> None:
    guest = stage.connect_narrow()
    rest = stage.pile_up(guest, stage.request(party.number, _PIECE), _PILE)
    if rest.how is How.ENDED:
        stage.fail(rest, say("the server did not live through clients who do not read"), [guest], doing=party.how)
    kept = dropped = 0
    if rest.evidence is not None:
        left = stage.kept_for(guest)
        kept, dropped = (left, 0) if any(wait.writes for wait in rest.evidence.waits) else (0, left)
    guest.finish()
    if duty := stage.busier(rest, stage.rest()):
        words = say(
            "the server rested before, and spins while a half-closed client does not read: duty {duty:.0%} of a core",
            duty=duty.share,
        )
        stage.fail_observed(words, doing=party.how, duty=round(duty.share, 3), kept=stage.kept_for(guest))
    late = say("a half-closed client who read late did not get its replies and then the end")
    stage.perform([(guest, _to_the_end(guest))], {Until.ENDED: late}, doing=party.how, kept=kept, dropped=dropped)
    stage.forget([guest])


def _to_the_end(guest: Guest) -> Steps:
    guest.client.resume()
    yield Until.ENDED
    guest.close()


def _while_replying(stage: Stage, party: Party) -> None:
    request = stage.request(party.number, _ASKED_AT_ONCE)
    for start in range(0, party.count, party.together):
        guests: list[Guest] = []
        while len(guests) < min(party.together, party.count - start):
            guests += stage.connect(1, receive_buffer=SMALL_BUFFER)
        rest = stage.stall(guests, request, _MOST_ASKED)
        if rest.how is How.ENDED:
            stage.fail(rest, say("the server did not live through clients who do not read"), guests, doing=party.how)
        _go(guests, start)
        stage.forget(guests)


def _before_accept(stage: Stage, party: Party) -> None:
    """Until as many as should have left while they still stood in the listener's queue, as the kernel shows it.

    In one round they do not ask before they leave, in the next they do, and so on in turn. What they ask is long, and
    all of it lies there when the server looks: who answers it piece by piece writes to a client who has closed, and
    then once more (EPIPE). Whom the server accepts too early does not leave so, but when it has been served.
    """
    seen, come, request = 0, 0, stage.request(party.number, _LONG_REQUEST)
    for _ in range(_TRIES):
        with stage.at_once():
            guests = stage.dial(min(party.count - seen, party.together))
            if party.number % 2 == 0:
                for guest in guests:
                    guest.ask(request)
            early = stage.accepted(guests)
            leaving = [guest for guest in guests if guest not in early]
            _go(leaving, come)
            queued = stage.waiting_in_queue()
        come += len(leaving)
        seen += min(queued, len(leaving))
        stage.forget(leaving)
        stage.settle(Answered(early))
        stage.dismiss(early)
        # That the server has not lived through it is seen when the client who stays asks again.
        if stage.rest().how is How.ENDED or seen >= party.count:
            return
    words = say(
        "only {seen} of {clients} clients could leave before the server accepted them", seen=seen, clients=party.count
    )
    raise CheckFailed(Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, words, doing=party.how))


def _storm(stage: Stage, party: Party) -> None:
    """All who are there leave at one moment, others come at the same moment, and some of those leave at once too."""
    requests = party.requests(stage)
    present = stage.connect(party.count) if party.together > 1 else []
    for guest in present:
        guest.ask(next(requests))
    stage.answered(present, say("not all clients were served before they left"), doing=party.how, round=party.number)
    with stage.at_once():
        for guest in present[::3]:
            guest.ask(stage.request(party.number))
        _go(present)
        new = stage.dial(party.count)
        for guest in new:
            guest.ask(stage.request(party.number))
        gone = new if party.together == 1 else new[::2]
        _go(gone)
    stage.forget([*present, *gone])
    staying = [guest for guest in new if guest not in gone]
    otherwise = say("of {count} clients who came while others left those who stayed were not served", count=len(new))
    stage.answered(staying, otherwise, doing=party.how, round=party.number)
    _go(staying)
    stage.forget(staying)


WAYS: dict[str, tuple[Departure, str]] = {
    "fin": (_after(personas.polite), mark("{clients} clients closed their connections")),
    "reset": (_after(personas.resetting), mark("{clients} clients reset their connections")),
    "half_close": (_half_close, mark("{clients} clients half-closed their connections")),
    "mid_message": (_mid_message, mark("{clients} clients left in the middle of a message")),
    "while_replying": (_while_replying, mark("{clients} clients left while the server was sending to them")),
    "before_accept": (_before_accept, mark("{clients} clients left before they were accepted")),
    "storm": (_storm, mark("{clients} clients left all at once while others came")),
}
"""By the name that a spec gives it: what happens, and that in words, with the number of clients."""

BY_HAND: dict[str, tuple[bool, Persona]] = {
    "fin": (True, personas.polite),
    "reset": (True, personas.resetting),
    "half_close": (True, personas.half_closing),
    "mid_message": (False, personas.interrupted),
    "while_replying": (False, personas.unreading),
    "before_accept": (True, personas.hasty),
    "storm": (True, personas.resetting),
}
"""Whether they leave by themselves, and the persona that leaves so, or is about to when it is interrupted."""
