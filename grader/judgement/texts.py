"""What is said about each misconception: what happens and why, a hint that does not give the code away, and reading."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """`title` is one clause; `explanation` two or three sentences; `hint` a question or a direction.

    `reading` are manual pages with their sections, chapters of Python's documentation, and RFCs.
    """

    title: str
    explanation: str
    hint: str
    reading: tuple[str, ...]


TEXTS = {
    "crashed-at-start": Text(
        "The program ended before it listened",
        "A server has to bind a socket, call listen() and then stay alive. This one ended with an error before any "
        "socket was listening, so no client could ever reach it.",
        "Run it yourself as the report shows: the last line of its output names the error, the line above it where.",
        (
            "socket(7)",
            "bind(2)",
            "listen(2)",
        ),
    ),
    "syntax-error": Text(
        "Python could not read the program",
        "The file is not valid Python, so not one line of it was run. Python names the place where it gave up; the "
        "mistake is there or shortly before.",
        "Look at the marked line and the one above it: a missing colon, bracket or quote?",
        ("The Python Tutorial, chapter Errors and Exceptions",),
    ),
    "not-listening": Text(
        "No socket listens",
        "The program is alive, but asleep for good, and the kernel knows of no listening socket. bind() gives a socket "
        "an address; connections arrive only after listen().",
        "Which calls turn a fresh socket into one that accepts connections, and are all of them reached?",
        (
            "listen(2)",
            "accept(2)",
        ),
    ),
    "recv-in-accept-loop": Text(
        "Reading from one client keeps all others waiting",
        "The only thread of the server sits in a blocking read for one client. Until that client says something, "
        "nobody else is accepted or answered. A read waits for as long as its client is silent, unless it is known "
        "beforehand that there is something to read.",
        "While the server waits in this line for one client, who looks after all the others?",
        (
            "recv(2)",
            "select_tut(2)",
            "Python: Socket Programming HOWTO",
        ),
    ),
    "eof-not-checked": Text(
        "The end of a connection is not noticed",
        "When a client closes, recv() returns an empty result, at once and every time. A loop that goes on with such a "
        "connection spins at full speed: select() and its like report it as readable for ever, and recv() does not "
        "wait any more.",
        "What does recv() return when the other side has closed, and what should become of that socket then?",
        (
            "recv(2), section RETURN VALUE",
            "Python: Socket Programming HOWTO",
        ),
    ),
    "end-still-watched": Text(
        "A client that has half-closed is watched for reading on",
        "The client has said that it will send no more, and still has replies to take. recv() returns its empty result "
        "again and again, so the connection counts as readable for as long as it is watched for that, and the loop "
        "spins until the client has taken everything.",
        "Once recv() has returned nothing there is only one thing left to wait for on that connection. Which?",
        (
            "recv(2), section RETURN VALUE",
            "shutdown(2)",
            "RFC 9293, section 3.6 (closing a connection)",
        ),
    ),
    "replies-dropped-at-end": Text(
        "Replies are thrown away when a client half-closes",
        "The client has said that it will send no more, with shutdown(), and was still reading. The server had replies "
        "for it that it could not send at once. When recv() returned nothing it closed the connection, and what it "
        "still had to send was lost.",
        "An empty result of recv() says that nothing more will come. What does it not say, and what is still to be "
        "done before close()?",
        (
            "shutdown(2)",
            "recv(2), section RETURN VALUE",
            "RFC 9293, section 3.6 (closing a connection)",
        ),
    ),
    "reset-not-handled": Text(
        "A client that resets its connection ends the server",
        "When a client aborts, the next recv() or send() on its connection raises an exception such as "
        "ConnectionResetError. Nothing in the program catches it, so it ends the whole server, and with it every "
        "other client's connection.",
        "One client's error should cost only that client its connection. Which calls can raise, and who catches it?",
        (
            "tcp(7), section Error handling",
            "RFC 9293, section 3.5.2 (reset generation)",
            "Python: socket.socket.recv, ConnectionResetError",
        ),
    ),
    "blocking-call-in-coroutine": Text(
        "A blocking call in a coroutine stops everybody",
        "All coroutines share one thread, and another one runs only when the present one waits with await. A call "
        "that blocks, such as time.sleep() or the wait for another program, gives nothing up: while it lasts, no "
        "client at all is served.",
        "Which calls here take time without await, and what does asyncio offer in their place?",
        ("Python: Developing with asyncio, section Running Blocking Code",),
    ),
    "beyond-fd-setsize": Text(
        "select() was given a descriptor that it cannot watch",
        "The sets of select() have room for the descriptors 0 to 1023 (FD_SETSIZE). When so many clients are connected "
        "that the next one gets a higher number, Python's select() raises ValueError, and in C the program overwrites "
        "memory that is not its own. Here that ended the server, and with it every client who had been served well.",
        "What number does the newest connection have, and what could be done with it if the number is too high?",
        (
            "select(2), section BUGS",
            "poll(2)",
        ),
    ),
    "closed-but-not-removed": Text(
        "A closed socket stays in the list for select()",
        "close() gives the descriptor back, but the object is still in the list. The next select() asks it for its "
        "descriptor, gets -1, and raises ValueError: the server ends.",
        "Two things have to happen when a client leaves, and only one of them does.",
        (
            "close(2)",
            "select(2)",
        ),
    ),
    "select-timeout-zero": Text(
        "select() is told not to wait",
        "With a timeout of 0, select() only looks and returns at once. Called in a loop it burns a whole core, "
        "although nothing happens. Without a timeout it sleeps until a socket is ready.",
        "What does each possible value of the timeout mean: none, zero, and a number?",
        (
            "select(2), section The timeout",
            "Python: select.select",
        ),
    ),
    "blocking-send-to-slow-reader": Text(
        "Sending to a client who does not read blocks everybody",
        "When a client does not read, the kernel's buffers fill up, and a blocking send waits until there is room. "
        "The server has only this thread, so nobody else is served until then.",
        "Keep what could not be sent in a buffer of your own, and have yourself told when the socket takes more.",
        (
            "send(2)",
            "socket(7), section SO_SNDBUF",
            "select_tut(2)",
        ),
    ),
    "always-writable": Text(
        "select() is asked about sockets that can always be written to",
        "A socket is writable whenever its buffer has room, which is nearly always. With every client in the write "
        "list select() returns at once, again and again, although there is nothing to send, and burns a whole core.",
        "For which clients is there something to send at this moment? Only those belong in the write list.",
        (
            "select(2)",
            "select_tut(2)",
        ),
    ),
    "registered-for-writing": Text(
        "The kernel is asked about writing when there is nothing to write",
        "A socket can be written to whenever its buffer has room, which is nearly always. Clients are registered "
        "for writing, too (without a mask, register() asks for everything), so the call that waits returns at once, "
        "again and again, although there is nothing to send, and burns a whole core.",
        "For which clients is there something to send at this moment? What is registered can change with that.",
        (
            "poll(2)",
            "epoll_ctl(2)",
        ),
    ),
    "removed-but-not-closed": Text(
        "Connections are forgotten, but never closed",
        "The clients have closed, and the server does not watch their connections any more; but the descriptors are "
        "still open, a few more with every round. A process may only have so many: one day accept() fails.",
        "Two things have to happen when a client leaves, and only one of them does.",
        (
            "close(2)",
            "getrlimit(2), RLIMIT_NOFILE",
        ),
    ),
    "send-return-ignored": Text(
        "What send() did not take is lost",
        "send() may take only a part of what it is given; on a non-blocking socket that happens as soon as the "
        "client reads more slowly than the server writes. It returns how much it took. The rest of the reply was "
        "never sent, and nothing in the server remembers it.",
        "What does send() return, and where could the rest wait until there is room again?",
        (
            "send(2), section RETURN VALUE",
            "Python: socket.socket.send",
        ),
    ),
    "threads-not-select": Text(
        "Threads serve the clients, not select()",
        "Each client that connected brought a new thread, and that thread waits in a call of its own. That is the "
        "thread-per-client model. With select() one thread waits for all sockets at once.",
        "Which socket does your select() watch, and who reads from the others?",
        (
            "select(2)",
            "select_tut(2)",
        ),
    ),
    "processes-not-select": Text(
        "Processes serve the clients, not select()",
        "Each client that connected brought a new process. That is the fork-per-client model. With select() one "
        "thread of one process waits for all sockets at once.",
        "Which socket does your select() watch, and who reads from the others?",
        (
            "select(2)",
            "select_tut(2)",
        ),
    ),
    "threads-not-one": Text(
        "Threads serve the clients, not one thread for all",
        "Each client that connected brought a new thread, and that thread waits in a call of its own. That is the "
        "thread-per-client model. In this one a single thread looks after all sockets and never waits for just one.",
        "Where is a thread started for a client (perhaps by the library on your behalf), and what would serve it "
        "without one?",
        (
            "select(2)",
            "epoll(7)",
        ),
    ),
    "processes-not-one": Text(
        "Processes serve the clients, not one thread for all",
        "Each client that connected brought a new process. That is the fork-per-client model. In this one a single "
        "thread of one process looks after all sockets and never waits for just one.",
        "Where is a process started for a client, and what would serve it without one?",
        (
            "select(2)",
            "epoll(7)",
        ),
    ),
    "pool-without-bound": Text(
        "There is no pool: every client brings a worker of its own",
        "A pool has a number of workers that is fixed beforehand. They take one client after the other, and who comes "
        "when all are busy waits. Here every new client brought a new worker, so a thousand clients mean a thousand.",
        "When are your workers started: once at the beginning, or each time that somebody connects?",
        (
            "Python: concurrent.futures.ThreadPoolExecutor",
            "pthreads(7)",
        ),
    ),
    "workers-end-with-clients": Text(
        "There is no pool: every worker ends with its client",
        "There are never more workers than a pool would have, but each serves one client only, and the next client "
        "gets a new one. The workers of a pool are made once: when a client has left, its worker takes the next one.",
        "What does your worker do when its client has left, and who serves the one who comes then?",
        (
            "Python: concurrent.futures.ThreadPoolExecutor",
            "pthreads(7)",
        ),
    ),
    "more-workers-than-allowed": Text(
        "More clients are served at once than the pool should have workers",
        "The size of a pool is a promise: no more than so many clients are served at the same time, the others wait. "
        "Here more were served at the same moment than a pool of that size can.",
        "Who decides how many workers there are, and is there any client who is served by something else?",
        (
            "Python: concurrent.futures.ThreadPoolExecutor",
            "pthreads(7)",
        ),
    ),
    "one-thread-for-all": Text(
        "One thread serves everybody, where workers were asked for",
        "With all clients connected the kernel shows a single thread, which serves them all. The assignment asks for "
        "several workers: a thread or a process for each client, or a pool of them.",
        "Who is to wait for one client while another one is served, and where is such a worker started?",
        ("pthreads(7)", "fork(2)", "Python: threading"),
    ),
    "waits-in-another-call": Text(
        "It waits in another call than that of the model",
        "One thread serves everybody, as it should. But the kernel shows what it sleeps in while nothing happens, and "
        "that is the system call of another model than the one that was asked for.",
        "Look at the marked line: which system call is behind it, and which one was asked for?",
        (
            "select(2)",
            "poll(2)",
            "epoll(7)",
        ),
    ),
    "several-threads-per-client": Text(
        "Each client costs more than one thread",
        "A thread that waits for a client costs memory and time of the scheduler, and one is enough to read and to "
        "answer. With the clients that were connected there were at least two threads for each.",
        "What does the second thread of a client do that the first could not do before or after it?",
        (
            "pthreads(7)",
            "Python: threading",
        ),
    ),
    "bound-to-loopback": Text(
        "Only programs on the same machine can connect",
        "An address is given to bind() together with the port. 127.0.0.1 (localhost) belongs to the machine itself, so "
        "what listens there hears nobody from the network. The empty address, 0.0.0.0, stands for all.",
        "Which address do you bind to, and from where can that be reached?",
        (
            "ip(7), section Address format",
            "bind(2)",
        ),
    ),
    "wrong-port": Text(
        "It listens on another port than the one that was asked for",
        "Clients connect to a number that they were told beforehand. The server listens, but under another number, "
        "so none of them finds it.",
        "Where does the port in your program come from, and where should it come from?",
        (
            "ip(7), section Address format",
            "bind(2)",
        ),
    ),
    "no-pause-between-rounds": Text(
        "It asks all sockets again and again, without a pause",
        "A call on a non-blocking socket returns at once, also when there is nothing. A loop of such calls never "
        "sleeps: it burns a whole core although nothing happens. When a round has found nothing, a pause of a few "
        "milliseconds costs nobody anything that could be noticed.",
        "How can your loop know that a whole round has found nothing to do, and what could it do then?",
        (
            "nanosleep(2)",
            "Python: time.sleep",
        ),
    ),
    "zombie-children": Text(
        "Children that have ended are never waited for",
        "When a child process ends, the kernel keeps its number and its exit status until the parent asks for them. "
        "Nobody asks here, so with every client one more dead process (a zombie) stays in the process table, until "
        "no new one can be made.",
        "Who is told that a child has ended, and which call takes the news?",
        (
            "wait(2), section NOTES",
            "signal(7), SIGCHLD",
        ),
    ),
    "parent-keeps-connection": Text(
        "The parent process keeps its copy of the connection",
        "After fork() the connection is open twice, in the child and in the parent. A connection ends only when the "
        "last copy has been closed: the child has done its part, but the parent still holds the client's connection, "
        "so the client never sees its end, and the descriptors add up.",
        "After fork(), which of the two processes needs the connection, and which the listening socket?",
        (
            "fork(2)",
            "close(2)",
        ),
    ),
    "called-not-passed": Text(
        "What the thread should do is called, and not passed",
        "With parentheses the function is called at once, by the thread that stands in this line, and what it returns "
        "would be passed. So the one who accepts serves the client itself, and starts a thread only when that client "
        "has left.",
        "What is the difference between a function and a call of it, and which of them does this line pass on?",
        ("Python: threading",),
    ),
    "waits-for-each-worker": Text(
        "The one who accepts waits for each worker to end",
        "A thread or a process is started for the client, and the one who started it waits here until it has ended. "
        "Until that client leaves nobody else is accepted, as if there were no worker at all.",
        "When does this call return, and who accepts the next client until then?",
        (
            "Python: threading",
            "wait(2)",
        ),
    ),
    "lock-held-while-waiting": Text(
        "A lock is held while a client is waited for",
        "Each client has a thread, but they all need the same lock, and the one that has it waits for its client. "
        "Until that client says something, or takes what is sent to it, no other thread gets any further.",
        "What does the lock protect, and does the thread need it while it waits for the network?",
        (
            "Python: threading",
            "pthreads(7)",
        ),
    ),
    "workers-never-end": Text(
        "Workers go on although their client has left",
        "Each client brought a thread or a process, and it is still there after the client has gone, with every round "
        "some more. What serves a client should end with it.",
        "How does a worker get to know that its client has left, and does it leave its loop then?",
        (
            "recv(2), section RETURN VALUE",
            "pthreads(7)",
        ),
    ),
    "worker-lost": Text(
        "A worker ends with its client, and nobody takes its place",
        "When a client left, the worker that served it ended too, with an exception or because its loop was over. A "
        "pool has only so many: it is smaller from then on, and when the last worker is gone nobody is served.",
        "A client's error should end its turn, and not its worker. Which calls can raise, and what catches that?",
        (
            "tcp(7), section Error handling",
            "Python: socket.socket.recv, ConnectionResetError",
        ),
    ),
    "files-never-closed": Text(
        "Something is opened again and again, and never closed",
        "With every round the server has more open descriptors, and it is not the connections. A process may only "
        "have so many: one day open() and accept() fail.",
        "What do you open while you serve a client, and who closes it, also when something goes wrong?",
        (
            "close(2)",
            "getrlimit(2), RLIMIT_NOFILE",
            "Python: The with statement",
        ),
    ),
    "buffer-without-bound": Text(
        "Whatever cannot be sent is kept, however much it is",
        "A client that asks and asks but never reads makes the server hold all its replies. The server goes on "
        "reading from it, so the memory of the machine is the only bound, and any single client can use it up.",
        "While there is a lot to be sent to a client, why read even more from it?",
        (
            "tcp(7)",
            "RFC 9293, section 3.8.6 (managing the window)",
        ),
    ),
    "greeting-missing": Text(
        "The greeting is missing",
        "In this protocol the server speaks first: as soon as a client has connected it says its greeting. The first "
        "bytes that came were those of a reply.",
        "What is to be sent to a client before it has said anything, and when is the earliest moment for it?",
        ("send(2)",),
    ),
    "adds-to-the-reply": Text(
        "Something is added to each reply",
        "The reply is right, but bytes follow that nobody asked for: the end of a line, or the zero that ends strings "
        "in C. TCP carries a stream of bytes: what is sent arrives, and the client takes it for a part of the reply.",
        "Exactly which bytes do you hand to send(), and how many? Compare that with what recv() gave you.",
        (
            "send(2)",
            "Python: bytes",
        ),
    ),
    "message-per-recv": Text(
        "A part of a line is taken for a whole one",
        "TCP is a stream and knows no messages. A read returns whatever has arrived, and at most as much as was asked "
        "for: half a line, or several, or the end of one and the beginning of the next. Only the end of line in the "
        "bytes says where a line is over.",
        "Where do you keep the beginning of a line until the rest of it has come?",
        (
            "tcp(7)",
            "recv(2)",
            "Python: Socket Programming HOWTO",
        ),
    ),
    "hears-itself": Text(
        "Who speaks hears its own words",
        "What one client says is for all the others. The program sent it to everybody in its list of connections, and "
        "the one who spoke is in that list, too.",
        "Where the line is handed to everybody: how does the program know which of them has said it?",
        ("send(2)",),
    ),
    "not-passed-on": Text(
        "A line did not go to everybody",
        "The kernel shows that the program has read all that was said, that nothing is on its way to anybody and that "
        "it does not wait to send more. So it considers its work done, and somebody in the room has not heard the "
        "line.",
        "For one line that arrives: to how many of the connected clients does the program write, and who is left out?",
        ("send(2)",),
    ),
    "reply-not-by-the-table": Text(
        "One of the replies is not what was asked for",
        "All replies before this one were right, and it begins where it should, so the lines are told from each other "
        "as they should be. What the program makes of this one request is wrong: it is not what the assignment gives "
        "as the reply to it.",
        "Take the request that is named here to the part of the program that answers it. What should come out, and "
        "what does?",
        ("The assignment's own table of requests and replies",),
    ),
    "hung-up": Text(
        "A connection was ended while its client waited for a reply",
        "The client had asked, and neither closed nor reset its connection: it was the server's side that ended it. "
        "That happens when the program closes the socket, ends the part of it that serves this client, or closes a "
        "listening socket in whose queue the client was; in Python also when no variable holds the socket any more. "
        "A socket that is closed with unread bytes in it even tells the client so with a reset.",
        "Which lines close a connection? How does each of them know whose it is, and that its client has left?",
        (
            "close(2)",
            "RFC 1122, section 4.2.2.13 (closing a connection)",
            "RFC 2525, section 2.17",
        ),
    ),
    "wakes-too-often": Text(
        "It looks for work far too often",
        "Nothing happens, and yet the program wakes up hundreds or thousands of times a second to look whether there "
        "is something to do. Each look is short, but all of them together keep a core busy. A call such as select() "
        "can wait without a time limit: the kernel wakes the program up when there is something.",
        "How long does the program wait before it looks again, and does it have to look at all?",
        (
            "select(2), section The timeout",
            "time(7), section Sleeping and setting timers",
        ),
    ),
    "works-by-the-clock": Text(
        "It works although nobody asks for anything",
        "No client waits for anything, and yet the program wakes up again and again and computes, itself or in a "
        "process that it starts: only a clock can have woken it. Whatever is done so takes its time from other "
        "programs, and from clients who come meanwhile.",
        "What wakes your program when no client does, and does that have to happen so often?",
        (
            "time(7), section Sleeping and setting timers",
            "select(2), section The timeout",
        ),
    ),
    "shared-state-between-clients": Text(
        "Clients share what each should have for itself",
        "One client who sends its message in pieces is answered rightly. When several do so in turn, what they sent is "
        "mixed up: something that is kept between two reads exists only once for all of them.",
        "What do you keep from one recv() to the next, and for whom?",
        (
            "tcp(7)",
            "recv(2)",
        ),
    ),
    "address-reuse-missing": Text(
        "The server cannot be started again at once",
        "When a server ends while clients are connected, the kernel keeps their connections for a while (TIME_WAIT), "
        "so that late packets reach nobody else. Until then bind() refuses the port with 'Address already in use', "
        "unless the new socket says beforehand that it does not mind.",
        "There is a socket option for exactly this; it has to be set before bind().",
        (
            "socket(7), section SO_REUSEADDR",
            "RFC 9293, section 3.6 (closing a connection)",
        ),
    ),
    "asked-who-has-left": Text(
        "A client that has left before it was accepted ends the server",
        "Between connecting and being accepted a client may already have gone. accept() still returns its connection, "
        "but a question about the other side, such as getpeername(), raises an exception. Nobody catches it.",
        "accept() itself returns the address. And what should one client's error cost the others?",
        (
            "accept(2), section Error handling",
            "getpeername(2)",
        ),
    ),
    "decode-per-chunk": Text(
        "Bytes are taken for text",
        "recv() returns bytes, cut anywhere, also in the middle of a character; and what a client sends need not be "
        "text at all. decode() raises UnicodeDecodeError then, and here that ended the server.",
        "Does the task need text? And if so, from what point on is what has been received surely whole?",
        (
            "utf-8(7)",
            "Python: codecs, incremental decoders",
        ),
    ),
    "uncaught-exception": Text(
        "An exception that nobody caught ended the server",
        "The last lines that the server printed name the exception and the line. It was raised while clients were "
        "being served. As nothing in the program catches it, it ended the whole server and every connection with it.",
        "Read the exception at the marked line: what was the client doing, and what did the program expect instead?",
        ("The Python Tutorial, chapter Errors and Exceptions",),
    ),
    "segmentation-fault": Text(
        "The server touched memory that is not its own",
        "The kernel ended it with SIGSEGV: a pointer or an index led outside of what the program has. It happened "
        "while clients were being served.",
        "Build it with -g -fsanitize=address and run it yourself: it will name the line. Look at every array whose "
        "index is a descriptor or a length that came from a client.",
        (
            "signal(7), SIGSEGV",
            "gcc(1), -fsanitize=address",
        ),
    ),
    "sigpipe-not-ignored": Text(
        "Sending to a client who has left ends the whole program",
        "Whoever sends on a connection whose other end has gone is sent the signal SIGPIPE, and unless the program "
        "says otherwise that signal ends it, without a word, and every other client's connection with it. A client "
        "may leave at any moment, also between two pieces of its reply.",
        "What must be said, for this one send or for the whole program, so that it fails with EPIPE instead, which can "
        "be looked at like any other error?",
        (
            "send(2), MSG_NOSIGNAL",
            "signal(7), SIGPIPE",
            "tcp(7), section Error handling",
        ),
    ),
    "ended-by-itself": Text(
        "The server came to its end",
        "It ended with status 0, as a program does that has nothing left to do: a loop was left, or something called "
        "exit. A server goes on, whatever its clients do, until it is told to stop.",
        "Which condition ends your loop, and can what a client does make it true?",
        (
            "exit(3)",
            "accept(2)",
        ),
    ),
    "edge-triggered-not-drained": Text(
        "What was left unread is never reported again",
        "The server sleeps in epoll although a socket that it watches has something for it. With EPOLLET epoll tells "
        "only once that something new has come. Whatever is left in the socket after that lies there until the client "
        "says more.",
        "After one report, how long do you go on with recv() or accept() on that socket, and how do you know that it "
        "is empty?",
        ("epoll(7), section Level-triggered and edge-triggered",),
    ),
    "not-accepting-any-more": Text(
        "Nobody accepts new clients any more",
        "Clients are waiting to be accepted, and the server's only thread sleeps until one of its other sockets is "
        "ready. The listening socket is not among those that it watches, so it will not hear of them.",
        "When does the listening socket leave the set, and what brings it back?",
        (
            "accept(2)",
            "listen(2)",
            "select_tut(2)",
        ),
    ),
    "waits-for-more": Text(
        "It reads on instead of answering",
        "All that the client has sent was read, nothing was answered, and the server waits for more from it. What a "
        "client sends need not end with a newline, or fill the buffer: whatever has come is to be answered.",
        "Until what does this line read, and what if the client has nothing more to say?",
        (
            "recv(2)",
            "Python: Socket Programming HOWTO",
        ),
    ),
    "accepted-but-not-watched": Text(
        "A client is accepted, and then not watched",
        "The server sleeps until one of the sockets that it watches is ready. The connection of this client is open, "
        "but it is not among them: whatever that client sends, the server does not wake up for it.",
        "Which sockets are watched when the server waits in this line, and when does a new one get among them?",
        (
            "select_tut(2)",
            "Python: Socket Programming HOWTO",
        ),
    ),
    "waits-for-no-client": Text(
        "The server waits for something that no client can bring",
        "Every thread is asleep, for good, and none of them waits for a socket: they wait for a lock, a signal, a "
        "child or each other. Whatever clients send now, nobody will read it.",
        "What would have to happen for the marked line to go on, and who could make it happen?",
        (
            "pthreads(7)",
            "futex(7)",
            "signal(7)",
        ),
    ),
    "signal-only-noted": Text(
        "The signal to stop is noticed, but not acted upon",
        "SIGTERM has a handler here, and it ran. But the server went back to sleep in the call in which it had been, "
        "and will look at what the handler left only when a client wakes it. Python repeats a call that a signal has "
        "interrupted, unless the handler raises an exception.",
        "How can a handler wake up a loop that is asleep?",
        (
            "signal(7), section Interruption of system calls",
            "PEP 475",
            "Python: signal.set_wakeup_fd",
        ),
    ),
}
