"""What is said about each misconception: a title, what happens and why, and a hint that does not give the code away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """`title` is one clause; `explanation` two or three sentences; `hint` a question or a direction."""

    title: str
    explanation: str
    hint: str


TEXTS = {
    "crashed-at-start": Text(
        "The program ended before it listened",
        "A server has to bind a socket, call listen() and then stay alive. This one ended with an error before any "
        "socket was listening, so no client could ever reach it.",
        "Run it yourself as the report shows: the last line of its output names the error, the line above it where.",
    ),
    "syntax-error": Text(
        "Python could not read the program",
        "The file is not valid Python, so not one line of it was run. Python names the place where it gave up; the "
        "mistake is there or shortly before.",
        "Look at the marked line and the one above it: a missing colon, bracket or quote?",
    ),
    "not-listening": Text(
        "No socket listens",
        "The program is alive, but asleep for good, and the kernel knows of no listening socket. bind() gives a socket "
        "an address; connections arrive only after listen().",
        "Which calls turn a fresh socket into one that accepts connections, and are all of them reached?",
    ),
    "recv-in-accept-loop": Text(
        "Reading from one client keeps all others waiting",
        "The only thread of the server sits in a blocking read for one client. Until that client says something, "
        "nobody else is accepted or answered. A read waits for as long as its client is silent, unless it is known "
        "beforehand that there is something to read.",
        "While the server waits in this line for one client, who looks after all the others?",
    ),
    "eof-not-checked": Text(
        "The end of a connection is not noticed",
        "When a client closes, recv() returns an empty result, at once and every time. The connection stays in the "
        "set, is reported as readable for ever, and the loop spins at full speed.",
        "What does recv() return when the other side has closed, and what should become of that socket then?",
    ),
    "reset-not-handled": Text(
        "A client that resets its connection ends the server",
        "When a client aborts, the next recv() or send() on its connection raises an exception such as "
        "ConnectionResetError. Nothing in the program catches it, so it ends the whole server, and with it every "
        "other client's connection.",
        "One client's error should cost only that client its connection. Which calls can raise, and who catches it?",
    ),
    "blocking-call-in-coroutine": Text(
        "A blocking call in a coroutine stops everybody",
        "All coroutines share one thread, and another one runs only when the present one waits with await. A call "
        "that blocks, such as time.sleep() or the wait for another program, gives nothing up: while it lasts, no "
        "client at all is served.",
        "Which calls here take time without await, and what does asyncio offer in their place?",
    ),
    "beyond-fd-setsize": Text(
        "select() was given a descriptor that it cannot watch",
        "The sets of select() have room for the descriptors 0 to 1023 (FD_SETSIZE). When so many clients are connected "
        "that the next one gets a higher number, Python's select() raises ValueError, and in C the program overwrites "
        "memory that is not its own. Here that ended the server, and with it every client who had been served well.",
        "What number does the newest connection have, and what could be done with it if the number is too high?",
    ),
    "closed-but-not-removed": Text(
        "A closed socket stays in the list for select()",
        "close() gives the descriptor back, but the object is still in the list. The next select() asks it for its "
        "descriptor, gets -1, and raises ValueError: the server ends.",
        "Two things have to happen when a client leaves, and only one of them does.",
    ),
    "select-timeout-zero": Text(
        "select() is told not to wait",
        "With a timeout of 0, select() only looks and returns at once. Called in a loop it burns a whole core, "
        "although nothing happens. Without a timeout it sleeps until a socket is ready.",
        "What does each possible value of the timeout mean: none, zero, and a number?",
    ),
    "blocking-send-to-slow-reader": Text(
        "Sending to a client who does not read blocks everybody",
        "When a client does not read, the kernel's buffers fill up, and a blocking send waits until there is room. "
        "The server has only this thread, so nobody else is served until then.",
        "Keep what could not be sent in a buffer of your own, and have yourself told when the socket takes more.",
    ),
    "always-writable": Text(
        "select() is asked about sockets that can always be written to",
        "A socket is writable whenever its buffer has room, which is nearly always. With every client in the write "
        "list select() returns at once, again and again, although there is nothing to send, and burns a whole core.",
        "For which clients is there something to send at this moment? Only those belong in the write list.",
    ),
    "removed-but-not-closed": Text(
        "Connections are forgotten, but never closed",
        "The clients have closed, and the server does not watch their connections any more; but the descriptors are "
        "still open, a few more with every round. A process may only have so many: one day accept() fails.",
        "Two things have to happen when a client leaves, and only one of them does.",
    ),
    "send-return-ignored": Text(
        "What send() did not take is lost",
        "send() may take only a part of what it is given; on a non-blocking socket that happens as soon as the "
        "client reads more slowly than the server writes. It returns how much it took. The rest of the reply was "
        "never sent, and nothing in the server remembers it.",
        "What does send() return, and where could the rest wait until there is room again?",
    ),
    "threads-not-select": Text(
        "Threads serve the clients, not select()",
        "Each client that connected brought a new thread, and that thread waits in a call of its own. That is the "
        "thread-per-client model. With select() one thread waits for all sockets at once.",
        "Which socket does your select() watch, and who reads from the others?",
    ),
    "processes-not-select": Text(
        "Processes serve the clients, not select()",
        "Each client that connected brought a new process. That is the fork-per-client model. With select() one "
        "thread of one process waits for all sockets at once.",
        "Which socket does your select() watch, and who reads from the others?",
    ),
}
