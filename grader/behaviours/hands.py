"""What a person does by hand to see what a check sees: reference clients, looks at the server, and what is right.

A behaviour says it with its own parameters; here it becomes commands that fit the protocol and the submission.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import PurePosixPath

from grader.clients import personas
from grader.clients.hands import PROGRAM, Hand, Options, Part, sized
from grader.judgement.protocols import conversation, example
from grader.report.model import Act, ByHand
from grader.spec import Protocol
from grader.words import mark, say

_HELLO = "hello"
_VERSION = re.compile(r"^python(3[.]\d+)?$")
_MUTE, _LONG = (personas.silent,), (personas.unreading,)
"""Who says nothing, and whose script has a long message of its own."""
_MANY = 900
"""Clients for whom the descriptors that a shell allows by default may be too few."""


class Look(Enum):
    """A look at the running server, with the tools of the system: in words, and as a command."""

    DUTY = (
        mark("the server's share of a core, in percent"),
        "top -b -n 2 -d 1 -p {pid} | tail -n 1 | awk '{{print $9}}'",
    )
    DESCRIPTORS = mark("how many descriptors the server has open, before and after"), "ls /proc/{pid}/fd | wc -l"
    THREADS = mark("how many threads the server has"), "ls /proc/{pid}/task | wc -l"
    MEMORY = mark("how much memory the server holds"), "grep VmRSS /proc/{pid}/status"
    WAITS = mark("where in the kernel each of its threads waits"), "tail -n +1 /proc/{pid}/task/*/wchan"
    CPU = (
        mark("nanoseconds of CPU time that the server has used, before and after"),
        "cut -d ' ' -f 1 /proc/{pid}/schedstat",
    )
    LISTENS = mark("where the server listens"), "ss -ltn"
    TERMINATE = mark("the server is told to end"), "kill -TERM {pid}"
    INTERRUPT = mark("the server is told to end, as by Ctrl-C"), "kill -INT {pid}"
    KILL = mark("the server is killed"), "kill -KILL {pid}"


@dataclass(frozen=True, slots=True)
class Typed:
    """A person types lines to the server, and says what they are to look for."""

    words: str


AGAIN = Typed(say("the server is started again, at once"))
"""The server's own command once more."""


@dataclass(frozen=True, slots=True)
class Shown:
    """`right` says what a right server does when all this is done."""

    right: str
    acts: tuple[Hand | Look | Typed, ...]


def shown(right: str, *acts: Hand | Look | Typed) -> Shown:
    """What is done, and what is right then."""
    return Shown(right, acts)


def clients(part: Part, count: int = 1, *, number: int = 0, message: str = "", **options: float) -> Hand:
    """A persona, played by `count` clients at once."""
    return Hand(part, Options(clients=count, **options), number, message)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a submission runs: the words that build and run it, its environment, and where it listens.

    `files` is how many descriptors it may have open.
    """

    build: Sequence[str]
    run: Sequence[str]
    environment: dict[str, str]
    host: str
    port: int
    files: int

    def acts(self, *, many: bool = False) -> list[Act]:
        """How to start it; `many`: with more descriptors than a shell allows by default."""
        built = [Act(words=say("build the server, in its folder"), command=_typed(self.build))] if self.build else []
        allowed = f"ulimit -n {self.files}; " if many else ""
        return [*built, Act(words=say("start the server, in its folder"), command=allowed + self.command)]

    @property
    def command(self) -> str:
        """What starts it."""
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.environment.items())
        return f"{settings} {_typed(self.run)}".strip()

    @property
    def pid(self) -> str:
        """What the shell replaces by the process id of the server."""
        return f"$(pgrep -o -f {shlex.quote(f'(^|/){_typed(self.run)}')})"


def _typed(words: Sequence[str]) -> str:
    """Words of a command as a person types them: a program by its name, wherever this machine has it."""
    program, *rest = words
    name = PurePosixPath(program).name if program.startswith("/") else program
    return shlex.join([_VERSION.sub("python3", name), *rest])


def started(place: Place) -> ByHand:
    """Where the server did not even come to listen: that is to be seen without any client."""
    return ByHand(acts=place.acts(), right=say("it stays, and says nothing of an error"))


def by_hand(shown: Shown, protocol: Protocol, place: Place) -> ByHand:
    """The same with commands: clients whose messages fit the protocol, looks at this very server."""
    many = any(isinstance(act, Hand) and act.options.clients > _MANY for act in shown.acts)
    return ByHand(acts=[*place.acts(many=many), *(_act(act, protocol, place) for act in shown.acts)], right=shown.right)


def _act(act: Hand | Look | Typed, protocol: Protocol, place: Place) -> Act:
    match act:
        case Hand():
            fitted = fit(act, protocol)
            return Act(words=fitted.words, command=fitted.command(place.host, place.port))
        case Look():
            words, command = act.value
            return Act(words=words, command=command.format(pid=place.pid))
        case Typed():
            typing = f"{PROGRAM}/prompt.py {place.host} {place.port}"
            return Act(words=act.words, command=place.command if act is AGAIN else typing)


def fit(hand: Hand, protocol: Protocol) -> Hand:
    """A client whose message is a whole request of the protocol, and who knows how long its reply is."""
    options, talk = hand.options, conversation(protocol)
    if hand.part in _MUTE:
        return hand
    own = hand.part in _LONG and not options.size
    message, end = hand.message, protocol.line_end
    if protocol.reply == "table":
        message, options = example(protocol.table[0], 1) + end, replace(options, size=0)
    elif end != "\n" and not own:
        message = (message or f"{_HELLO}\n").replace("\n", end)
    transcript = talk.transcript("")
    greeting = transcript.missing
    request = sized(message or f"{_HELLO}\n", options.size).encode()
    transcript.announce(request)
    transcript.say(request)
    due = transcript.missing - greeting
    reply = 0 if due == len(request) or protocol.reply == "broadcast" else due
    return replace(hand, message=message, options=replace(options, greeting=greeting, reply=reply))
