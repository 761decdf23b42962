"""Life: how a server starts, stops, and starts again."""

from __future__ import annotations

import ipaddress
import signal
from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.behaviours.hands import AGAIN, Look, Shown, Typed, clients, shown
from grader.clients.personas import talking
from grader.judgement.budget import Budget
from grader.judgement.expectations import Kernel
from grader.judgement.finding import CheckFailed, Finding, passed
from grader.judgement.outcome import How
from grader.report.model import Basis, Verdict
from grader.spec import Duration
from grader.stage import Guest, Stage
from grader.words import also, say

_KILLED_BY = 128
_WAKEUPS = 1000
_TRACEBACK, _CANCELLED = "Traceback (most recent call last):", "asyncio.exceptions.CancelledError"


def is_loopback(address: str) -> bool:
    """Whether only programs on the same machine can reach this address."""
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


class Starts(Behaviour):
    """Listen where clients are told to look for it.

    The port that the server listens on is read from the kernel. With `port` it must be that one; with
    `address: any` it must be reachable from other machines too, and not from its own alone.
    """

    name: ClassVar[str] = "starts"
    default_title: ClassVar[str] = "The server listens where it should"
    behaviour: Literal["starts"] = "starts"
    port: int | None = Field(default=None, ge=1, le=65535, description="the port; without it any will do")
    address: Literal["any", "loopback", "either"] = Field(
        default="either", description="reachable from everywhere (any), or from the same machine only (loopback)"
    )

    @property
    def waits_for_replies(self) -> bool:
        return False

    def check(self, stage: Stage) -> Finding:
        listeners = stage.bound()
        where = also(
            say("{address} port {port}", address=entry.local_address, port=entry.local_port) for entry in listeners
        )
        if self.port and self.port not in {entry.local_port for entry in listeners}:
            if stage.port_moved:
                words = say(
                    "port {port} was not free on this machine, so the server was offered another one", port=self.port
                )
                raise CheckFailed(Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, words))
            words = say("it listens on {where}, not on port {port}", where=where, port=self.port)
            stage.fail_observed(words, doing="starts", port=stage.port)
        local = all(is_loopback(entry.local_address) for entry in listeners)
        if self.address == "any" and local:
            words = say("it listens on {where}: only programs on the same machine can connect", where=where)
            stage.fail_observed(words, doing="starts", port=stage.port)
        if self.address == "loopback" and not local:
            words = say("it listens on {where}: everybody on the network can connect", where=where)
            stage.fail_observed(words, doing="starts", port=stage.port)
        return passed(say("it listens on {where}", where=where), port=stage.port)

    def by_hand(self) -> Shown:
        port = say("port {port}", port=self.port) if self.port else say("some port")
        right = {
            "any": say("it listens on every address (0.0.0.0 or *), {port}", port=port),
            "loopback": say("it listens on 127.0.0.1 alone, {port}", port=port),
        }
        return shown(right.get(self.address) or say("it listens on {where}", where=port), Look.LISTENS)


class Stops(Behaviour):
    """End when it is told to, with clients connected.

    Some clients connect and ask, and stay; then the server gets the signal. It must end, with status 0 or by that
    signal, and without a traceback, but for that of a task which asyncio cancels; and it must leave no process behind
    that still listens. One that is asleep again after the signal, without time limit, is proved not to end.
    """

    name: ClassVar[str] = "stops"
    default_title: ClassVar[str] = "The server stops when it is told to"
    behaviour: Literal["stops"] = "stops"
    on: Literal["SIGTERM", "SIGINT"] = Field(default="SIGTERM", description="the signal; SIGINT is what Ctrl-C sends")
    clients: int = Field(default=3, ge=0, le=500, description="how many are connected")
    within: Duration = Field(default=5.0, gt=0, le=600, description="how long it may take at the very most")

    @property
    def waits_for_replies(self) -> bool:
        return False

    def check(self, stage: Stage) -> Finding:
        _one_is_served(stage, self.clients, "stops")
        # Between two system calls of an interpreter a signal may come too early to end the second.
        rest = stage.rest()
        if rest.starved:
            raise CheckFailed(stage.finding(rest, say("the server could not come to rest")))
        number = signal.Signals[self.on]
        stage.send_signal(number, everybody=number is signal.SIGINT)
        gone = Kernel("the end of the server", lambda: stage.server.poll() is not None)
        patience = Budget(cpu=self.within, wakeups=_WAKEUPS, wall=self.within, total=self.within)
        found = stage.settle(gone, patience, by_runtime=True)
        with_clients = say("{signal} with {clients} clients connected", signal=self.on, clients=self.clients)
        if found.how is not How.MET:
            stage.fail(found, say("it did not end on {signal}", signal=with_clients), [], doing="stops")
        port = stage.port

        def nobody_listens() -> bool:
            # Where no process is left the kernel itself may hold the listener a little longer (io_uring).
            return not stage.reader.pids() or port not in {entry.local_port for entry in stage.bound()}

        silent = Kernel(f"nobody listening on port {port}", nobody_listens)
        found = stage.settle(silent, patience, by_runtime=True, to_the_last=True)
        if found.how is not How.MET:
            words = say(
                "it ended on {signal} and left processes behind that still listen on port {port}",
                signal=with_clients,
                port=port,
            )
            stage.fail(found, words, [], doing="stops")
        stage.server.output.drain()
        status = stage.server.poll() or 0
        if _complaints(stage.server.output.text) or status not in (0, _KILLED_BY + number):
            said = [line for line in stage.server.output.text.splitlines() if line.strip()]
            words = say("it ended on {signal} with status {status}", signal=with_clients, status=status)
            if said:
                words = say('{what}: "{last_line}"', what=words, last_line=said[-1][:200])
            finding = Finding(Verdict.FAIL, Basis.OBSERVATION, words, {"status": status}, doing="stops", ended=True)
            raise CheckFailed(finding)
        return passed(say("it ended on {signal}", signal=with_clients), status=status)

    def by_hand(self) -> Shown:
        come = [clients(talking, self.clients)] if self.clients else []
        told = Look.TERMINATE if self.on == "SIGTERM" else Look.INTERRUPT
        right = say("it ends, without a traceback, and nobody listens any more")
        return shown(right, *come, told, Look.LISTENS)


def _complaints(output: str) -> list[str]:
    """The last line of each traceback, but for those of cancelled tasks: asyncio cancels, and logs, what is left."""
    _, *after = output.split(_TRACEBACK)
    endings = (next((line for line in text.splitlines() if line[:1].strip()), "") for text in after)
    return [ending for ending in endings if not ending.startswith(_CANCELLED)]


class Restarts(Behaviour):
    """Start again at once, on the same port, when it has been killed while it served clients.

    The server is killed, so its side closes the connections first, and they stay in the kernel for a while
    (TIME_WAIT) when the clients have closed theirs. A new server must be able to listen on the port all the same.
    """

    name: ClassVar[str] = "restarts"
    fresh: ClassVar[bool] = True
    default_title: ClassVar[str] = "The server can be started again at once"
    behaviour: Literal["restarts"] = "restarts"
    clients: int = Field(default=3, ge=1, le=500, description="how many are connected when it is killed")

    @property
    def waits_for_replies(self) -> bool:
        return False

    def check(self, stage: Stage) -> Finding:
        guests = _one_is_served(stage, self.clients, "restarts")
        port = stage.port
        stage.kill()
        closed = all(guest.ending for guest in guests)
        stage.dismiss(guests)
        waiting = sum(entry.local_port == port for entry in stage.table.read_time_wait())
        if not closed or not waiting:
            words = say("no connection of the server that was killed is left in TIME_WAIT, so nothing was to be shown")
            raise CheckFailed(Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, words, doing="restarts"))
        again = say("started again with {count} connections in TIME_WAIT", count=waiting)
        found = stage.restart()
        if found.how is not How.MET:
            words = say("{when}, it did not come to listen", when=again)
            stage.fail(found, words, [], doing="restarts", waiting=waiting)
        if stage.port != port:
            words = say("{when}, it listens on port {seen} instead of {port}", when=again, seen=stage.port, port=port)
            stage.fail_observed(words, doing="restarts", waiting=waiting)
        _one_is_served(stage, 1, "restarts")
        words = say("{when}, it listens on port {port} and serves", when=again, port=port)
        return passed(words, waiting=waiting)

    def by_hand(self) -> Shown:
        served = Typed(say("a line that is typed here is answered"))
        return shown(say("it listens again at once"), clients(talking, self.clients), Look.KILL, AGAIN, served)


def _one_is_served(stage: Stage, clients: int, doing: str) -> list[Guest]:
    """Clients who all ask; whether more than the first are served at once is for other checks to say."""
    guests = stage.connect(min(clients, 1)) + stage.connect_some(clients - 1)
    for number, guest in enumerate(guests):
        guest.ask(stage.request(number))
    stage.answered(guests[:1], say("not even the first client was served"), doing=doing)
    return guests


BEHAVIOURS = (Starts, Stops, Restarts)
