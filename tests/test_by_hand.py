"""What a report says that can be done by hand: every command is there, runs against a server, and shows the same."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Grade

from grader.behaviours import Behaviour, catalogue
from grader.behaviours.hands import AGAIN, Look, Place, Typed, by_hand, fit, shown, started
from grader.clients import personas
from grader.clients.hands import PROGRAM, Hand, Options, sized
from grader.report.model import Act, Report
from grader.spec import Protocol, Spec, load_spec, parse_spec

SPECS = [*sorted((ROOT / "specs").glob("*.yaml")), *sorted((ROOT / "reference" / "behaviours").glob("*.yaml"))]
RIGHT = {
    "upper": ROOT / "reference" / "servers" / "epoll",
    "lines": ROOT / "reference" / "behaviours" / "lines" / "right" / "server-with-threads",
    "table": ROOT / "reference" / "behaviours" / "table" / "right" / "server-with-asyncio",
    "broadcast": ROOT / "reference" / "behaviours" / "chat" / "right" / "server-with-selectors",
}
PLACE = Place((), ("/usr/bin/python3.11", "server.py", "8080"), {"PORT": "8080"}, "127.0.0.1", 8080, 4096)
SHELL = "/bin/bash"
SIGNALS = (Look.TERMINATE, Look.INTERRUPT, Look.KILL)
_MOST_HERE = 100


def specs() -> list[Spec]:
    """All bundled specs, and one for each example of the documentation."""
    examples = yaml.safe_load((ROOT / "docs" / "examples" / "checks.yaml").read_text())
    head = "spec: example\ntitle: An example\n"
    written = [parse_spec((head + text).encode(), name, catalogue()) for name, text in examples.items()]
    return [*(load_spec(file, catalogue()) for file in SPECS), *written]


def hands() -> dict[str, tuple[str, Hand]]:
    """One client of each kind that is ever asked for, by its script, options and protocol: that, and the client."""
    found: dict[str, tuple[str, Hand]] = {}
    for spec in specs():
        for check in spec.checks:
            assert isinstance(check, Behaviour)
            acts = acted.acts if (acted := check.by_hand()) else ()
            for hand in (fit(act, spec.protocol) for act in acts if isinstance(act, Hand)):
                options = [word for word in hand.options.words() if word.startswith("--")]
                # Greeting and line ends are those of one spec, and its server knows them.
                kind = (spec.protocol.reply, hand.part.__name__, *options)
                if spec.protocol.reply in RIGHT and hand.options.clients <= _MOST_HERE:
                    found.setdefault(" ".join(kind), (spec.protocol.reply, hand))
    return found


HANDS = hands()


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """The port of the server in a folder, which listens where it is told to."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    # argv[0] is what the commands that look at the server look for.
    argv = ["python3", "server.py", str(port)]
    server = subprocess.Popen(argv, executable=sys.executable, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        while not reachable(port):
            assert server.poll() is None
        yield port
    finally:
        server.kill()
        server.wait()


def reachable(port: int) -> bool:
    # Who is killed with a client in its queue resets it.
    with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def here(command: str) -> list[str]:
    """The words of a command of a client, for this interpreter and wherever the tests run."""
    words = shlex.split(command)
    interpreter, script = PROGRAM.split()
    assert words[0] == interpreter
    assert words[1].startswith(f"{script}/")
    return [sys.executable, str(ROOT / words[1]), *words[2:]]


def played(command: str, until: str = "") -> tuple[int, str]:
    """Run the command of a client until it ends, or has said this and is interrupted; its status, and what it said."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        here(command),
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        # Whoever runs the tests in the background of a script has it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - one thread
    ) as client:
        assert client.stdout
        said = ""
        for line in client.stdout:
            said += line
            if "Ctrl-C to leave" in line or (until and until in line):
                client.send_signal(signal.SIGINT)
        return client.wait(), said


@pytest.mark.parametrize("kind", HANDS)
def test_every_client_that_a_report_asks_for_plays_its_part_with_a_right_server(kind: str) -> None:
    protocol, hand = HANDS[kind]
    # In a room nobody replies to the one who speaks.
    until = "1 still waiting" if protocol == "broadcast" and hand.part is not personas.silent else ""
    with serving(RIGHT[protocol]) as port:
        status, said = played(hand.command("127.0.0.1", port), until)

    assert status == 0, said
    assert until or "still waiting for a reply" not in said.splitlines()[-1]


def test_every_client_has_a_script_and_options_that_its_parser_knows() -> None:
    for spec in specs():
        for check in spec.checks:
            assert isinstance(check, Behaviour)
            acted = check.by_hand()
            for act in by_hand(acted, spec.protocol, PLACE).acts if acted else ():
                if act.command.startswith(PROGRAM):
                    assert Path(here(act.command)[1]).is_file(), act.command


def test_every_bundled_behaviour_says_how_to_see_it_by_hand() -> None:
    without = {
        check.behaviour
        for spec in specs()
        for check in spec.checks
        if isinstance(check, Behaviour) and check.by_hand() is None
    }

    assert {check.behaviour for spec in specs() for check in spec.checks} == set(catalogue())
    assert without == set()


@pytest.mark.parametrize("look", [look for look in Look if look not in SIGNALS], ids=lambda look: look.name)
def test_every_look_at_the_server_shows_something_of_this_server(look: Look) -> None:
    with serving(RIGHT["upper"]) as port:
        place = replace(PLACE, run=("/usr/bin/python3.11", "server.py", str(port)), port=port)
        act = by_hand(shown("", look), Protocol(), place).acts[-1]
        done = subprocess.run([SHELL, "-c", act.command], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
    if look is Look.LISTENS:
        assert f":{port} " in done.stdout


@pytest.mark.parametrize("look", SIGNALS, ids=lambda look: look.name)
def test_the_server_itself_is_signalled(look: Look) -> None:
    with serving(RIGHT["upper"]) as port:
        place = replace(PLACE, run=("python3", "server.py", str(port)))
        act = by_hand(shown("", look), Protocol(), place).acts[-1]
        subprocess.run([SHELL, "-c", act.command], timeout=60, check=True, capture_output=True)
        while reachable(port):
            pass


# What is shown.


def test_the_mistake_of_the_report_is_seen_by_hand(tmp_path: Path, select_spec: Spec) -> None:
    source = (ROOT / "submissions" / "ben" / "server.py").read_text()
    (tmp_path / "server.py").write_text("import sys\n" + source.replace("8080)", "int(sys.argv[1]))"))
    check = next(check for check in select_spec.checks if check.id == "concurrent")
    assert isinstance(check, Behaviour)
    found = check.by_hand()
    assert found
    (hand,) = found.acts
    assert isinstance(hand, Hand)

    with serving(tmp_path) as port:
        _, wrong = played(hand.command("127.0.0.1", port), until="still waiting")
    with serving(RIGHT["upper"]) as port:
        _, right = played(hand.command("127.0.0.1", port))

    assert "of 50 clients: 1 answered, 49 still waiting for a reply" in wrong
    assert "of 50 clients: 50 answered" in right
    assert "waiting" not in right


def test_a_piece_is_sent_when_the_server_has_read_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(
        "import socket, sys\n"
        "listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "while True:\n"
        "    connection, _ = listener.accept()\n"
        "    chunks = iter(lambda: connection.recv(100), b'')\n"
        "    for chunk in chunks:\n"
        "        connection.sendall(b'<' + chunk + b'>')\n"
    )
    hand = Hand(personas.fragmenting, number=5, message="hello")
    with serving(tmp_path) as port:
        _, said = played(hand.command("127.0.0.1", port))

    received = [line.split(" receives ")[1].partition(",")[0] for line in said.splitlines() if " receives " in line]
    assert "".join(received).startswith("<h><e><l><l>")


def test_who_reads_late_says_when_it_begins_to_read() -> None:
    hand = Hand(personas.talking, Options(size=100, read_after=0.2))
    with serving(RIGHT["upper"]) as port:
        _, said = played(hand.command("127.0.0.1", port))

    assert said.index("sends") < said.index("reads again") < said.index("receives")


def test_a_failed_check_says_how_to_see_it(grade_source: Grade) -> None:
    found = grade_source(
        "import socket\nlistener = socket.create_server(('', 9000))\nwhile True:\n    listener.accept()\n",
        "- {behaviour: concurrent_clients, clients: 7}\n- {behaviour: cpu_ceiling}",
        head="server: {env: {MODE: a b}, args: [--loud]}",
    )
    failed, passed = found.checks

    assert failed.by_hand
    assert [act.command for act in failed.by_hand.acts] == [
        "PORT=8080 MODE='a b' python3 server.py 8080 --loud",
        f"{PROGRAM}/talking.py 127.0.0.1 9000 --clients 7",
    ]
    assert failed.by_hand.right == "all are answered, and nobody has to leave for that"
    assert passed.by_hand is None


def test_of_a_server_that_does_not_start_only_the_start_is_shown(grade_source: Grade) -> None:
    (check,) = grade_source("print('hello')\n").checks

    assert check.by_hand == started(PLACE)
    assert [act.command for act in check.by_hand.acts] == ["PORT=8080 python3 server.py 8080"]


def test_what_cannot_be_built_is_built_by_hand(grade_source: Grade) -> None:
    found: Report = grade_source("int main(", name="server.c", head="server: {entry: server.c, build: gcc server.c}")

    assert found.checks[0].by_hand
    assert found.checks[0].by_hand.acts[0] == Act(words="build the server, in its folder", command="gcc server.c")


# Commands.


def test_every_option_is_written_as_the_parser_reads_it() -> None:
    options = Options(7, 7, 7, 7, 7, 7.0)

    written = options.words()
    assert written[::2] == [f"--{each.name.replace('_', '-')}" for each in fields(Options)]
    assert written[1::2] == ["7"] * len(fields(Options))
    assert Options().words() == []


@pytest.mark.parametrize(
    ("hand", "words"),
    [
        (Hand(personas.polite), "a client asks, waits for the reply, and closes"),
        (Hand(personas.silent, Options(clients=20)), "20 clients at once; each connects and says nothing"),
        (
            Hand(personas.repeating, Options(rounds=3), number=9),
            "3 clients, one after the other; each asks 9 times, each time when the reply before has come, and stays",
        ),
        (
            Hand(personas.hasty, Options(5, 4)),
            "4 times 5 clients at once; each asks, and resets at once",
        ),
    ],
)
def test_what_a_client_does_is_said_in_words_of_its_own_definition(hand: Hand, words: str) -> None:
    assert hand.words == words


@pytest.mark.parametrize(
    ("protocol", "command"),
    [
        ({}, "polite.py ::1 80"),
        ({"suffix": "!"}, "polite.py ::1 80 --reply 7"),
        ({"greeting": "hi\n"}, "polite.py ::1 80 --greeting 3"),
        ({"reply": "lines", "line_end": "\r\n"}, r"polite.py ::1 80 'hello\r\n'"),
        (
            {"reply": "table", "table": [{"request": "ADD .*", "reply": "DONE IT", "example": "ADD {n}"}]},
            r"polite.py ::1 80 'ADD 1\n' --reply 8",
        ),
        ({"reply": "broadcast"}, "polite.py ::1 80"),
    ],
)
def test_a_client_fits_the_protocol(protocol: dict[str, object], command: str) -> None:
    hand = fit(Hand(personas.polite), Protocol.model_validate(protocol))

    assert hand.command("::1", 80) == f"{PROGRAM}/{command}"


def test_more_clients_than_a_shell_allows_descriptors_get_more() -> None:
    many = by_hand(shown("", Hand(personas.silent, Options(clients=2000))), Protocol(), PLACE)
    few = by_hand(shown("", Hand(personas.silent, Options(clients=20))), Protocol(), PLACE)

    assert many.acts[0].command == "ulimit -n 4096; PORT=8080 python3 server.py 8080"
    assert few.acts[0].command == "PORT=8080 python3 server.py 8080"


def test_who_types_types_to_this_server_and_it_is_started_again_as_it_was() -> None:
    found = by_hand(shown("", Typed("say something"), AGAIN), Protocol(), PLACE).acts[1:]

    assert found == [
        Act(words="say something", command=f"{PROGRAM}/prompt.py 127.0.0.1 8080"),
        Act(words="the server is started again, at once", command="PORT=8080 python3 server.py 8080"),
    ]


@pytest.mark.parametrize(("size", "said"), [(0, "ab\n"), (3, "ab\n"), (2, "b\n"), (8, "b\nab\nab\n")])
def test_a_message_of_some_size_ends_as_it_did(size: int, said: str) -> None:
    assert sized("ab\n", size) == said
