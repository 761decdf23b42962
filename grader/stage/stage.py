"""The stage: clients come and go, and the server starts and ends."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from grader.arena.server import RunningServer
from grader.arena.turns import ahead_of
from grader.clients.client import Client
from grader.clients.journal import Journal
from grader.clients.personas import Steps, Until
from grader.evidence.records import TcpSocket, TcpState
from grader.judgement import expectations
from grader.judgement.budget import Budget
from grader.judgement.expectations import Answered, Connected, Ended, Expectation, Kernel
from grader.judgement.finding import CheckFailed, Fact
from grader.judgement.lifelines import Lifelines
from grader.judgement.outcome import How, Outcome
from grader.judgement.protocols import Conversation
from grader.report.model import Observed
from grader.stage.at_work import Working
from grader.stage.guest import Guest
from grader.words import say

_STARTING_WAKEUPS, _WAKEUPS_BEFORE_THE_SERVICE = 1000, 6
_BETWEEN_LOOKS = 0.0003
_KERNEL_PATIENCE = 10.0
_SMALL_SEGMENT, _PILED_AT_MOST = 536, 1 << 20
_CHANCES = 5
_OPEN = {TcpState.LISTEN, TcpState.ESTABLISHED, TcpState.CLOSE_WAIT}
SMALL_BUFFER = 4096
"""The receive buffer, in bytes, of a client who is not to read for a while."""


@dataclass(kw_only=True)
class Stage(Working):
    """What a behaviour acts on: one running server, and as many clients as it likes.

    `conversation` is what its clients say and hear; `preferred_port` is taken where the server listens on several;
    `allowed` are the facets of the spec's model, by name, and `model_name` what to call it; `pool` is how many workers
    the pool may have that the spec asks for, 0 where it asks for none.
    Until it listens the server may take `startup` seconds. `port_moved`: another port than the spec's was offered.
    `run_again` runs the submission once more where it ran, or a reference server by its name.
    """

    conversation: Conversation
    preferred_port: int
    allowed: dict[str, list[str]] = field(default_factory=dict)
    model_name: str = ""
    pool: int = 0
    startup: float = 10.0
    port_moved: bool = False
    run_again: Callable[[str], RunningServer]
    observed: Observed | None = field(default=None, init=False)
    listener: TcpSocket | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._made = 0
        self._usual = self.conversation
        self.used_up = self.in_hidden_check = False

    def begin(self) -> None:
        """A new check begins: a clean journal, and clients are counted from 1 again."""
        self.journal, self.lifelines = Journal(), Lifelines()
        self.guests, self._gone, self._made, self.observed = [], [], 0, None
        self._waited = (0, 0)
        self.conversation = self._usual
        self.conversation.begin()
        self.server.output.drain()
        self.printed_before = self.server.output.total
        self.began_ns = time.monotonic_ns()

    # Clients.

    def request(self, number: int, size: int = 0) -> bytes:
        """A request unlike that of any other number; of `size` bytes, if it is given and the protocol lets it be."""
        return self.conversation.request(number, size)

    def connect(self, count: int = 1, receive_buffer: int | None = None, names: Sequence[str] = ()) -> list[Guest]:
        """Connect clients, no faster than the listener's queue takes them; `names` are theirs, if they have any.

        Raises:
            CheckFailed: one could not be connected.
        """
        guests: list[Guest] = []
        while len(guests) < count:
            guests += self._connect_together(count - len(guests), receive_buffer, names[len(guests) :])
        return guests

    def connect_narrow(self) -> Guest:
        """Connect a client for whom the kernel takes little: about 100 KiB of replies, where it takes 3 MiB otherwise.

        Raises:
            CheckFailed: it could not be connected.
        """
        (guest,) = self._connect_together(1, SMALL_BUFFER, segment=_SMALL_SEGMENT)
        return guest

    def connect_some(self, count: int) -> list[Guest]:
        """Connect up to `count` clients: fewer if the listener's queue is full and stays so.

        Raises:
            CheckFailed: one could not be connected for any other reason.
        """
        guests: list[Guest] = []
        while len(guests) < count:
            found, full = self._await_room()
            if found.how in (How.STUCK, How.SPENT) and not found.starved:
                break
            self._require_met(found, full)
            guests += self._dial_together(count - len(guests), None)
        return guests

    def connect_now(self, count: int) -> list[Guest]:
        """Connect up to `count` clients: as many as the listener's queue has room for at this moment.

        Raises:
            CheckFailed: one could not be connected.
        """
        count = min(count, self._room())
        return self._dial_together(count, None) if count > 0 else []

    def _connect_together(
        self, most: int, receive_buffer: int | None, names: Sequence[str] = (), segment: int | None = None
    ) -> list[Guest]:
        """Connect as many as the listener's queue has room for, one at least, and `most` at the most."""
        self._require_met(*self._await_room())
        return self._dial_together(most, receive_buffer, names, segment)

    def _await_room(self) -> tuple[Outcome, str]:
        """Wait until the listener's queue has room for one more; what to say if there is none."""
        name = client_name(self._made + 1)
        room = Kernel("room in the listener's queue", lambda: self._room() > 0, self._queue_length, (name,))
        return self.settle(room), say("{client} could not connect, the listener's queue is full", client=name)

    def _require_met(self, found: Outcome, otherwise: str) -> None:
        if found.how is not How.MET:
            unserved = (client_name(self._made + 1),)
            raise CheckFailed(self.finding(found, otherwise, unserved=unserved))

    def _dial_together(
        self, most: int, receive_buffer: int | None, names: Sequence[str] = (), segment: int | None = None
    ) -> list[Guest]:
        guests = self.dial(most, receive_buffer, names, segment)
        self.require(Connected(guests), say("{clients} could not connect", clients=_span(guests)))
        return guests

    def dial(
        self,
        most: int,
        receive_buffer: int | None = None,
        names: Sequence[str] = (),
        segment: int | None = None,
    ) -> list[Guest]:
        """Begin to connect as many as the listener's queue has room for, one at least, without waiting for anything."""
        listener = self.listener
        assert listener is not None  # noqa: S101 - a stage is handed out only when its server listens
        count = min(max(self._room(), 1), most)
        guests = [self._new_guest(*names[number : number + 1]) for number in range(count)]
        for guest in guests:
            guest.client.connect(reachable(listener.local_address), listener.local_port, receive_buffer, segment)
            self.ours.add((listener.local_port, guest.client.local_port))
        self.guests += guests
        return guests

    def at_once(self) -> contextlib.AbstractContextManager[None]:
        """While this lasts the server hardly gets to run, so that it sees all that happens in it at once."""
        return ahead_of(self.reader.threads)

    def waiting_in_queue(self) -> int:
        """How many connections the server has not accepted yet."""
        return -self._queue_length()

    def accepted(self, guests: Sequence[Guest]) -> list[Guest]:
        """Those of these clients whose connections the server has accepted and still holds."""
        held = {(entry.local_port, entry.remote_port) for entry in self.table.read() if entry.inode}
        return [guest for guest in guests if guest.client.ports in held]

    def held_back_until_they_speak(self, guests: Sequence[Guest]) -> bool:
        """Whether the kernel keeps some of these from the server because they are silent (TCP_DEFER_ACCEPT, tcp(7))."""
        begun = {(e.local_port, e.remote_port) for e in self.table.read() if e.state is TcpState.SYN_RECV}
        return any(guest.client.ports in begun for guest in guests)

    def _new_guest(self, name: str = "") -> Guest:
        self._made += 1
        name = name or client_name(self._made)
        transcript = self.conversation.transcript(name)
        return Guest(Client(name, self.journal, transcript.take, self.crowd), transcript)

    def _room(self) -> int:
        return min(map(expectations.room, self._queues()), default=1)

    def _queue_length(self) -> int:
        return -sum(entry.receive_queue for entry in self._queues())

    def _queues(self) -> list[TcpSocket]:
        return [entry for entry in self.table.read_listeners() if entry.local_port == self.port]

    def stall(self, guests: Sequence[Guest], request: bytes, most: int, kept: int = 0) -> Outcome:
        """Let clients ask and not read, until the kernel takes no more of the replies or each has asked `most` bytes.

        How much the kernel takes differs from machine to machine and from moment to moment, so it is read each time:
        what of the replies has neither arrived nor is queued is what the server could not hand over. One that reads
        on all the same goes on until it is left with `kept` bytes for each, and with more than the kernel has taken.
        Returns how the server came to rest, MET if it did not get that far.
        """
        for guest in guests:
            guest.client.pause()
        asking, asked = list(guests), 0
        left_with = Kernel("more than the kernel has taken", lambda: all(self._is_left_with(g, kept) for g in asking))
        while True:
            for guest in asking:
                guest.ask(request)
            asked += len(request)
            found = self.rest(left_with) if kept else self.rest()
            if found.how in (How.ENDED, How.MET) or asked >= most:
                return found
            asking = [guest for guest in asking if not self._held_back(guest, kept)]
            if not asking:
                return found

    def pile_up(self, guest: Guest, request: bytes, size: int) -> Outcome:
        """Let a client ask and not read, until the server keeps `size` bytes of the replies to itself.

        It goes no further with a server that does not read on while a reply waits to be sent, or lets the kernel have
        all of them. Returns how the server came to rest.
        """
        guest.client.pause()
        while True:
            guest.ask(request)
            found, read = self._rest_having_read(guest)
            much = self.kept_for(guest) >= size or guest.client.sent >= _PILED_AT_MOST
            if found.how is How.ENDED or guest.ending or much or not read:
                return found

    def _rest_having_read(self, guest: Guest) -> tuple[Outcome, bool]:
        """How the server came to rest, and whether it has read all that a client sent.

        One that polls gets several chances: it may have been at rest for a turn in which it looked at others only.
        """
        for _ in range(_CHANCES):
            found = self.rest()
            read = self._all_taken([guest])
            if read or found.how is not How.SPENT:
                break
        return found, read

    def _held_back(self, guest: Guest, kept: int) -> bool:
        """Whether the server has more for a client than the kernel has taken, or has ended its connection."""
        if guest.ending:
            return True
        if self._handed_over(guest) >= guest.transcript.missing:
            return False
        reads_on = kept > 0 and self._all_taken([guest])
        return not reads_on or self._is_left_with(guest, kept)

    def _is_left_with(self, guest: Guest, kept: int) -> bool:
        return self.kept_for(guest) >= max(kept, self._handed_over(guest))

    def _handed_over(self, guest: Guest) -> int:
        """How many bytes for a client the kernel has."""
        state = guest.client.state()
        return state.unread + self.collector.queued(state.server_port, state.local_port)

    def kept_for(self, guest: Guest) -> int:
        """How many bytes of its replies the server could have made, and has neither sent nor handed to the kernel.

        Of requests that it has not read yet there is nothing to reply. They count as many bytes as their replies would
        have: where replies are longer than requests, too much is taken for kept.
        """
        state = guest.client.state()
        port, peer = state.server_port, state.local_port
        unread = sum(e.receive_queue for e in self.table.read() if (e.local_port, e.remote_port) == (port, peer))
        not_read = unread + self.collector.queued(peer, port) + state.unsent
        return max(guest.transcript.missing - self._handed_over(guest) - not_read, 0)

    def dismiss(self, guests: Sequence[Guest]) -> None:
        """Let clients leave politely, and forget them."""
        for guest in guests:
            guest.client.close()
        self.forget(list(guests))

    def perform(
        self, scripts: Sequence[tuple[Guest, Steps]], otherwise: Mapping[Until, str], *, doing: str = "", **facts: Fact
    ) -> None:
        """Let several clients play their personas side by side, step by step.

        `otherwise` begins the sentence if what they wait for does not come.

        Raises:
            CheckFailed: it did not come.
        """
        playing = list(scripts)
        while playing:
            steps = [(guest, script, next(script, None)) for guest, script in playing]
            for until in Until:
                if guests := [guest for guest, _, wanted in steps if wanted is until]:
                    self.require(self._expectation(until, guests), otherwise[until], doing=doing, **facts)
            playing = [(guest, script) for guest, script, wanted in steps if wanted]

    def _expectation(self, until: Until, guests: Sequence[Guest]) -> Expectation:
        match until:
            case Until.ANSWERED:
                return Answered(guests)
            case Until.ENDED:
                return Ended(guests)
            case Until.TAKEN:
                names = tuple(guest.name for guest in guests)
                return Kernel("every byte read by the server", lambda: self._all_taken(guests), waiting=names)

    def _all_taken(self, guests: Sequence[Guest]) -> bool:
        entries = {(entry.local_port, entry.remote_port): entry for entry in self.table.read()}
        return all(guest.ending or _has_taken(entries.get(guest.client.ports), guest) for guest in guests)

    # Start and end.

    def open(self) -> Outcome:
        """Wait until the server listens; the port is observed, never assumed.

        Where it is not the one that was offered, it may be for something else, and the service be still to come.
        """
        budget = Budget(cpu=self.startup / 2, wakeups=_STARTING_WAKEUPS, wall=self.startup)
        found = self.settle(Kernel("a listening socket", self._find_listener), budget)
        if found.how is How.MET and self.port != self.preferred_port:
            offered = Kernel("a socket that listens on the port that was offered", self._find_offered)
            self.settle(offered, replace(budget, wakeups=_WAKEUPS_BEFORE_THE_SERVICE))
        return found

    def _find_offered(self) -> bool:
        return self._find_listener() and self.port == self.preferred_port

    def _find_listener(self) -> bool:
        owned = self.listeners()
        self.listener = owned[0] if owned else None
        return bool(owned)

    def listeners(self) -> list[TcpSocket]:
        """The sockets that the server listens on, one for each port, that on the preferred port first."""
        owned = {entry.local_port: entry for entry in self.bound()}
        return sorted(owned.values(), key=lambda e: (e.local_port != self.preferred_port, e.local_port))

    def bound(self) -> list[TcpSocket]:
        """All sockets that the server listens on, by port and address."""
        owned = {(e.local_port, e.local_address): e for e in self.table.read_listeners() if e.inode}
        return [owned[place] for place in sorted(owned)]

    @property
    def port(self) -> int:
        """The observed port, 0 before there is one."""
        return self.listener.local_port if self.listener else 0

    def kill(self) -> None:
        """Kill the server, and let the clients see what becomes of their connections.

        No later check gets what comes after it: whoever was killed, or was told to stop, is not as it began.
        """
        self.used_up = True
        self.crowd.watch_also(self.server.output.fd, watched=False)
        self.server.end()
        # What a ring of io_uring holds, the kernel gives back a little later than the process.
        deadline = time.monotonic() + _KERNEL_PATIENCE
        while self._holds_sockets() and time.monotonic() < deadline:
            self.crowd.wait(_BETWEEN_LOOKS)
            self.crowd.pump()
        self.crowd.pump()

    def _holds_sockets(self) -> bool:
        """Whether there is still a listener on the server's port, or its side of an open connection."""
        entries = (*self.table.read_listeners(), *self.table.read())
        return any(entry.local_port == self.port and entry.state in _OPEN for entry in entries)

    def restart(self, reference: str = "") -> Outcome:
        """Start the killed server again in the same network, or `reference` in its place; how it comes to listen."""
        self.attend(self.run_again(reference))
        self.usage.paused = bool(reference)
        return self.open()

    def send_signal(self, number: signal.Signals, *, everybody: bool) -> None:
        """Signal the first process of the server, or everybody, as a terminal does when Ctrl-C is typed."""
        self.used_up = self.server.told_to_stop = True
        for pid in self.reader.pids() if everybody else [self.reader.main]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def close(self) -> None:
        """End the server and every client."""
        with contextlib.suppress(OSError):
            self.server.output.drain()
        for guest in self.guests:
            guest.client.close()
        self.crowd.close()
        self.server.end()
        self.table.close()


def _has_taken(entry: TcpSocket | None, guest: Guest) -> bool:
    """Whether the server has read all that a client has sent; `entry` is the server's side of the connection."""
    client = guest.client
    if entry is None or client.wants_to_write:
        return False
    return entry.received >= client.sent and entry.receive_queue == 0


def _span(guests: Sequence[Guest]) -> str:
    first, last = guests[0].name, guests[-1].name
    return first if first == last else say("{first} to {last}", first=first, last=last)


def client_name(number: int) -> str:
    """What a client is called that has no name of its own."""
    return say("client {number}", number=number)


def reachable(address: str) -> str:
    """The address at which to reach a listener that is bound to `address`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - nothing is bound here
