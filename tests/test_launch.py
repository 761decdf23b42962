"""How a server comes to listen, and where: observed, never assumed."""

from __future__ import annotations

import pytest
from conftest import Grade
from servers import BIND, RIGHT, changed

from grader.arena.namespaces import ArenaUnavailableError
from grader.report.model import Basis, Verdict


@pytest.mark.parametrize(
    "bind",
    [
        'listener.bind(("", 8080))',
        'listener.bind(("127.0.0.1", 8080))',
        'listener.bind(("localhost", 8080))',
        "listener.bind((socket.gethostbyname(socket.gethostname()), 8080))",
        'listener.bind(("", 9000))',
        'listener.bind(("", 0))',
        "pass",
    ],
)
def test_wherever_it_binds_it_is_reached(grade_source: Grade, bind: str) -> None:
    report = grade_source(changed((BIND, bind)))

    assert report.score == report.max_score
    assert report.checks[0].verdict is Verdict.PASS


@pytest.mark.parametrize("address", ["::", "::1"])
def test_an_ipv6_listener_is_reached(grade_source: Grade, address: str) -> None:
    source = changed(
        (BIND, f'listener.bind(("{address}", 8080))'), ("socket.socket()", "socket.socket(socket.AF_INET6)")
    )

    assert grade_source(source).checks[0].verdict is Verdict.PASS


@pytest.mark.parametrize(
    "port", ["int(os.environ['PORT'])", "int(sys.argv[1])"], ids=["environment variable", "argument"]
)
def test_the_offered_port_may_be_used(grade_source: Grade, port: str) -> None:
    source = changed((BIND, f'listener.bind(("", {port}))'), ("import socket", "import os\nimport socket\nimport sys"))

    assert grade_source(source, head="server: {port: 4711}").checks[0].verdict is Verdict.PASS


def test_of_several_ports_the_one_that_answers_is_used_and_the_report_says_so(grade_source: Grade) -> None:
    admin = 'admin = socket.create_server(("", 7000))\n        ' + BIND
    source = changed((BIND, admin.replace("8080", "9000")), ("8080", "9000"))

    report = grade_source(source)

    assert report.checks[0].verdict is Verdict.PASS
    assert report.notes == ["The server listens on several ports (7000, 9000); 9000 was the one to answer."]


def test_of_several_ports_the_offered_one_is_preferred(grade_source: Grade) -> None:
    report = grade_source(changed((BIND, 'admin = socket.create_server(("", 7000))\n        ' + BIND)))

    assert report.checks[0].verdict is Verdict.PASS
    assert report.notes == []


@pytest.mark.parametrize("prepares", ["time.sleep(1)", "sum(range(20_000_000))", "for _ in range(4): time.sleep(0.1)"])
def test_a_port_for_something_else_is_not_taken_for_a_service_that_is_still_to_come(
    grade_source: Grade, prepares: str
) -> None:
    before = f'import socket, time\nlock = socket.create_server(("127.0.0.1", 7000))\n{prepares}\n'

    report = grade_source(before + RIGHT)

    assert report.checks[0].verdict is Verdict.PASS
    assert report.notes == []


def test_a_slow_start_is_waited_for(grade_source: Grade) -> None:
    assert grade_source("import time\ntime.sleep(1.5)\n" + RIGHT).checks[0].verdict is Verdict.PASS


def test_a_server_that_binds_but_does_not_listen_is_proved_never_to(grade_source: Grade) -> None:
    source = """
    import select, socket
    server = socket.socket()
    server.bind(("", 8080))
    while True:
        select.select([], [], [])
    """

    (check,) = grade_source(source).checks

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.PROOF)
    assert check.diagnosis is not None
    assert (check.diagnosis.id, check.diagnosis.line) == ("not-listening", 6)


def test_a_start_that_never_ends_is_a_budget(grade_source: Grade) -> None:
    (check,) = grade_source("while True: pass", head="limits: {startup: 1 s}").checks

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.BUDGET)


def test_a_prompt_is_no_obstacle(grade_source: Grade) -> None:
    assert grade_source("print('port? ', end='')\n" + RIGHT).checks[0].verdict is Verdict.PASS


def test_a_relative_file_beside_the_server_is_found(grade_source: Grade) -> None:
    assert grade_source("open(__file__).read(); open('server.py').close()\n" + RIGHT).checks[0].verdict is Verdict.PASS


C_SERVER = """
#include <sys/socket.h>
#include <netinet/in.h>
#include <ctype.h>
#include <unistd.h>
int main(void)
{
    int s = socket(AF_INET, SOCK_STREAM, 0), c, n;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(8080)};
    static char b[65536];
    bind(s, (struct sockaddr *)&a, sizeof a);
    listen(s, 5);
    while ((c = accept(s, 0, 0)) >= 0) {
        while ((n = read(c, b, sizeof b)) > 0) {
            for (int i = 0; i < n; i++) b[i] = toupper((unsigned char)b[i]);
            for (int i = 0, w; i < n; i += w) if ((w = write(c, b + i, n - i)) < 0) return 1;
        }
        close(c);
    }
}
"""


def test_a_c_program_is_built_and_run(grade_source: Grade) -> None:
    report = grade_source(C_SERVER, name="server.c", head="server: {entry: server.c}")

    assert report.submission.language == "c"
    assert report.checks[0].verdict is Verdict.PASS


def test_a_build_that_fails_is_said_with_what_the_compiler_printed(grade_source: Grade) -> None:
    report = grade_source("int main(void) { retrun 0; }", name="server.c", head="server: {entry: server.c}")

    (check,) = report.checks
    assert check.verdict is Verdict.FAIL
    assert "the build (cc -O1 -g" in check.summary
    assert "retrun" in report.output.text


def test_a_missing_interpreter_is_this_machines_fault(grade_source: Grade) -> None:
    with pytest.raises(ArenaUnavailableError, match="cannot run no-such-interpreter"):
        grade_source(RIGHT, head="server: {run: 'no-such-interpreter {entry}'}")


def test_a_program_that_only_looks_like_a_missing_interpreter_is_the_students_fault(grade_source: Grade) -> None:
    (check,) = grade_source("import os; print('setpriv: failed to execute python3'); os._exit(127)").checks

    assert check.verdict is Verdict.FAIL


def test_two_servers_in_turn_do_not_meet_in_time_wait(grade_source: Grade) -> None:
    """Without SO_REUSEADDR a second start on the same port fails where the first run's connections linger."""
    without = changed(("listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n        ", ""))
    # Every accepted client leaves a file open, so that no server is as it began and each check gets a new one.
    dirty = without.replace(
        "pending[connection] = bytearray()", "pending[connection] = bytearray(); kept.append(open('/dev/null'))"
    )

    report = grade_source("kept = []\n" + dirty, "- behaviour: echo\n- behaviour: echo\n- behaviour: echo")

    assert [check.verdict for check in report.checks] == [Verdict.PASS] * 3


def test_a_port_on_which_it_listens_a_little_later_is_still_preferred(grade_source: Grade) -> None:
    source = "import socket\nothers = [socket.create_server(('', port)) for port in range(7000, 7050)]\n" + RIGHT

    report = grade_source(source)

    assert report.checks[0].verdict is Verdict.PASS
    assert report.notes == []


def test_a_server_in_the_background_is_judged_like_any_other_and_the_report_says_so(grade_source: Grade) -> None:
    daemon = "import os\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\n"

    report = grade_source(daemon + RIGHT, "- behaviour: echo\n- behaviour: stops\n- behaviour: restarts\n")

    assert [check.verdict for check in report.checks] == [Verdict.PASS] * 3
    assert len(report.notes) == 1
    assert report.notes[0].startswith("The server went into the background")


def test_what_is_wrong_in_the_background_is_proved_there(grade_source: Grade) -> None:
    daemon = "import os\nif os.fork(): os._exit(0)\n"
    source = changed(("    if data:\n", "    connection.setblocking(True)\n    connection.recv(1)\n    if data:\n"))

    check = grade_source(daemon + source).checks[0]

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.PROOF)


def test_a_server_whose_first_process_fails_has_ended_whoever_else_lives(grade_source: Grade) -> None:
    source = "import os, time\nif os.fork() == 0: time.sleep(1000)\nraise SystemExit(3)\n"

    report = grade_source(source)

    assert report.checks[0].summary == "the server did not come to listen: the server ended with status 3"
    assert report.notes == []
