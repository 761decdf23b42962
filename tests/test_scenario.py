"""The instructor's own story: every step, what a failed one says, and the mistakes that a spec is refused for."""

from __future__ import annotations

import textwrap

import pytest
from conftest import ROOT, Grade, only, spec_of
from servers import RIGHT, SELECT, changed

from grader.behaviours import catalogue
from grader.grading import grade
from grader.report.model import Verdict
from grader.spec import SpecError, parse_spec

WHOLE = """
    - connect: [ann, bob]
    - send: {ann: hello}
    - shutdown: ann
    - receive: {ann: HELLO}
    - end_of_stream: ann
    - close: ann
    - exchange: {bob: ping}
    - expect:
        threads: 1
        processes: {at_most: 1}
        open_sockets: {at_least: 2, at_most: 3}
        waits_in: select
        memory: 100 MiB
        duty: 5%
    - receive_nothing_while:
        clients: bob
        steps:
          - connect: {crowd: 3}
          - exchange: {crowd: "hello {n}"}
          - for_each:
              of: crowd
              steps:
                - exchange: {one: {size: 1 KiB}}
                - reset: one
    - repeat:
        times: 3
        steps:
          - at_once:
              - connect: {many: 5}
              - send: {many: "x{n}"}
          - receive: {many: "X{n}"}
          - close: many
    - pause_reading: bob
    - send: {bob: {hex: 61 62}}
    - rest: true
    - resume_reading: bob
    - receive: {bob: AB}
    """


def told(steps: str) -> str:
    """A story as a check."""
    return "- behaviour: scenario\n  steps:\n" + textwrap.indent(textwrap.dedent(steps).strip(), "    ")


def test_a_right_server_gets_through_a_story_with_every_kind_of_step(grade_source: Grade) -> None:
    check = only(grade_source(RIGHT, told(WHOLE)))

    assert (check.verdict, check.summary) == (Verdict.PASS, "all 15 steps were taken")


PROTOCOL_OF_LINES = 'protocol: {reply: lines, greeting: "220 ready\\r\\n", line_end: "\\r\\n"}'

TENTH_MESSAGE = """\
    served = globals().setdefault("served", [])
    served.append(data)
    if len(served) > 9:
        raise SystemExit(3)
    if data:
"""

FAILING = {
    "a reply that does not come is proved never to come": (
        "- connect: ann\n- send: {ann: a}\n- receive: {ann: AB}",
        RIGHT,
        "step 3 (receive: {ann: AB}): what should have come did not: its only thread is in pselect6",
    ),
    "a wrong reply": (
        "- connect: ann\n- exchange: {ann: hello}",
        changed(("data.upper()", "data.lower()")),
        "step 2 (exchange: {ann: hello}): the reply did not come: ann: byte 0 differs",
    ),
    "more than is due": (
        "- connect: ann\n- exchange: {ann: hello}",
        changed(("data.upper()", "data.upper() + b'!'")),
        "after the last step: ann received '!', of which the story says nothing",
    ),
    "something where there should be nothing": (
        """
        - connect: [ann, bob]
        - receive_nothing_while: {clients: ann, steps: [{send: {ann: a}}]}
        """,
        RIGHT,
        "step 2 (receive_nothing_while: {clients: ann}): ann was to receive nothing, and received 'A'",
    ),
    "a connection that stays": (
        "- connect: ann\n- end_of_stream: ann",
        RIGHT,
        "step 2 (end_of_stream: ann): the connection was not ended: its only thread is in pselect6",
    ),
    "an end in a round of many": (
        """
        - repeat:
            times: 5
            steps:
              - connect: {crowd: 2}
              - for_each: {of: crowd, steps: [{exchange: {one: "{n}"}}, {close: one}]}
        """,
        changed(("    if data:\n", TENTH_MESSAGE)),
        "step 1.2.1, time 3 of 5, for crowd 2 (exchange: {one: {n}}): ",
    ),
    "a server that ends": (
        "- connect: ann\n- send: {ann: a}\n- rest: true",
        changed(("    if data:\n", "    raise SystemExit(3)\n    if data:\n")),
        "step 3 (rest: true): the server did not live on: the server ended with status 3",
    ),
    "too many threads": (
        "- expect: {threads: {at_least: 2}}",
        RIGHT,
        "step 1 (expect: {threads: {at_least: 2}}): it has 1 threads, and should have at least 2",
    ),
    "another number of sockets": ("- connect: ann\n- expect: {open_sockets: 5}", RIGHT, "it has 2 open sockets, and"),
    "another number of processes": ("- expect: {processes: {at_most: 0}}", RIGHT, "it has 1 processes, and should"),
    "another call": ("- expect: {waits_in: [poll, epoll]}", RIGHT, "it waits in select, and should in poll or epoll"),
    "too much memory": ("- expect: {memory: 1 MiB}", RIGHT, "of memory, 1 MiB are allowed"),
    "nothing printed": ("- expect: {output: 'ready on \\d+'}", RIGHT, "it has not printed what matches"),
    "a busy server": (
        "- expect: {duty: 20%}",
        changed((SELECT, SELECT.replace("[])", "[], 0)"))),
        "of a core, 20% is allowed",
    ),
}


@pytest.mark.parametrize("what", FAILING)
def test_a_step_that_fails_is_named_with_what_was_seen(what: str, grade_source: Grade) -> None:
    steps, source, words = FAILING[what]

    check = only(grade_source(source, told(steps)))

    assert check.verdict is Verdict.FAIL
    assert words in check.summary


def test_the_report_shows_every_step_and_where_the_server_stood(grade_source: Grade) -> None:
    check = only(grade_source(RIGHT, told("- connect: ann\n- receive: {ann: A}\n- at_once: [{close: ann}]")))

    assert [(step.number, step.state) for step in check.steps] == [
        ("1", "done"),
        ("2", "failed"),
        ("3", "not reached"),
        ("3.1", "not reached"),
    ]
    assert [step.text for step in check.steps][1:3] == ["receive: {ann: A}", "at_once"]
    assert check.stood[0].file == "server.py"
    assert check.timeline is not None
    assert "ann" in [lane.label for lane in check.timeline.lanes]


def test_steps_within_one_that_fails_at_its_end_were_taken(grade_source: Grade) -> None:
    steps = "- connect: ann\n- receive_nothing_while: {clients: ann, steps: [{send: {ann: a}}]}\n- rest: true"

    check = only(grade_source(RIGHT, told(steps)))

    assert [(step.number, step.state) for step in check.steps] == [
        ("1", "done"),
        ("2", "failed"),
        ("2.1", "done"),
        ("3", "not reached"),
    ]


def test_printed_text_is_found(grade_source: Grade) -> None:
    source = changed(("listener.listen(128)", "listener.listen(128); print('ready on', PORT, flush=True)"))

    assert only(grade_source(source, told("- expect: {output: 'ready on \\d+'}"))).verdict is Verdict.PASS


def test_where_requests_are_lines_an_exchange_is_one_and_a_greeting_is_due_to_whoever_connects() -> None:
    steps = """
        - connect: ann
        - exchange: {ann: hello}
        - send: {ann: hal}
        - receive_nothing_while: {clients: ann, steps: [{send: {ann: f}}]}
        - send: {ann: "\\r\\n"}
        - receive: {ann: "HALF\\r\\n"}
        - send: {ann: "the oth"}
        - exchange: {ann: er half}
        - receive_nothing_while: {clients: ann, steps: [{send: {ann: "only LF\\n"}}]}
        """
    server = ROOT / "reference/behaviours/lines/right/server-with-threads"
    report = grade(server, spec_of(told(steps), PROTOCOL_OF_LINES))

    assert only(report).verdict is Verdict.PASS, only(report).summary


REFUSED = {
    "- connect: ann\n- send: {anne: a}": (7, "test.yaml:7:22; did you mean 'ann'?"),
    "- connect: [ann]\n- connect: ann": (7, "'ann' is connected already"),
    "- connect: '1st'": (6, "'1st' is no name"),
    "- connect: ann\n- close: ann\n- reset: ann": (8, "nobody called 'ann' is connected"),
    "- connect: ann\n- shutdown: ann\n- send: {ann: a}": (8, "'ann' has shut its side down"),
    "- connect: ann\n- pause_reading: ann\n- exchange: {ann: a}": (8, "'ann' does not read"),
    "- connect: ann\n- receive: {ann: {size: 5 B}}": (7, "what is to be received must be written out"),
    "- connect: ann\n- receive_nothing_while:\n    clients: ann\n    steps: [{receive: {ann: a}}]": (
        9,
        "'ann' is to receive nothing during these steps",
    ),
    "- connect: ann\n- at_once: [{exchange: {ann: a}}]": (7, "exchange waits for the server, which does not run here"),
    "- repeat: {times: 2, steps: [{connect: ann}]}": (6, "who comes in steps that are repeated leaves in them"),
    "- connect: {ann: 2}\n- for_each: {of: bob, steps: [{rest: true}]}": (7, "nobody called 'bob'"),
    "- connect: {ann: 2}\n- for_each: {of: ann, name: ann, steps: [{rest: true}]}": (7, "'ann' is the name of a"),
    "- connect: {ann: 2}\n- for_each: {of: ann, steps: [{connect: bob}]}": (7, "'bob' comes once for each"),
    "- connect: ann\n- expect: {}": (7, "say what is expected"),
    "- expect: {output: '('}": (6, "regular expression"),
    "- expect: {waits_in: selekt}": (6, "did you mean 'select'?"),
    "- connect: ann\n  rest: true": (6, "a step says one thing"),
    "- conect: ann": (6, "did you mean 'connect'?"),
    "- connect:": (6, "there is nothing behind 'connect'"),
    "- repeat:": (6, "there is nothing behind 'repeat'"),
    '- connect: ann\n- send: {ann: {hex: "61\\u00a062"}}': (7, "'hex' cannot be '61\\xa062'"),
    "- connect: ann\n- send: {ann: {text: a, hex: '61'}}": (7, "write text, or one of hex and size"),
    "- expect: {duty: 0%}": (6, "'duty' must be more than 0%, not 0% at test.yaml:6:24"),
    "- expect: {memory: 0 B}": (6, "'memory' must be at least 1 B, not 0 B at test.yaml:6:26"),
    "- expect: {threads: {}}": (6, "write a number, or at_least and at_most"),
}


@pytest.mark.parametrize("steps", REFUSED)
def test_a_story_that_makes_no_sense_is_refused_at_its_line(steps: str) -> None:
    line, words = REFUSED[steps]
    text = "spec: s\ntitle: t\nchecks:\n  - behaviour: scenario\n    steps:\n" + textwrap.indent(steps, "      ")

    with pytest.raises(SpecError) as raised:
        parse_spec(text.encode(), "test.yaml", catalogue())

    problems = raised.value.problems
    assert [problem.place and problem.place.line for problem in problems] == [line]
    assert words in str(problems[0])


@pytest.mark.parametrize("reply", ["{reply: broadcast}", "{reply: upper, suffix: _SB}"])
def test_an_exchange_needs_a_protocol_with_one_reply(reply: str) -> None:
    with pytest.raises(SpecError, match="no one reply"):
        spec_of(told("- connect: ann\n- exchange: {ann: a}"), f"protocol: {reply}")
