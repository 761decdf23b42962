"""What people are told: specs explained from their definitions, and the reference clients run by hand."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT

from grader.behaviours import catalogue
from grader.cli import grader_command
from grader.clients import personas
from grader.spec import load_spec

SPECS = sorted((ROOT / "specs").glob("*.yaml"))


def run(*arguments: str) -> str:
    done = CliRunner().invoke(grader_command, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_all_bundled_specs_are_listed() -> None:
    lines = run("specs").splitlines()

    assert [line.split()[0] for line in lines] == [file.stem for file in SPECS]
    assert all("100 points" in line for line in lines)


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_a_spec_is_explained_from_its_own_definitions(file: Path) -> None:
    spec = load_spec(file, catalogue())
    text = run("explain", file.stem)

    assert text.startswith(f"{spec.title}  (100 points)\n")
    assert spec.picture
    assert spec.picture.splitlines()[0].strip() in text
    for check in spec.checks:
        assert f"\n{check.id}: {check.title}  ({check.points:g} point" in text
    assert "Answer one client rightly, whatever the size" in text


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_every_check_of_a_bundled_spec_says_why_it_is_there(file: Path) -> None:
    lines = file.read_text().splitlines()
    checks = [index for index, line in enumerate(lines) if line.startswith("  - behaviour:")]
    groups = [index for index in checks if lines[index - 1].lstrip().startswith("#")]

    assert len(groups) >= len(checks) - 2
    assert lines[0].startswith("# ")


SERVER = """
import socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            try:
                while data := connection.recv(4096):
                    connection.sendall(data.upper())
            except ConnectionError:
                pass
"""


@contextmanager
def serving() -> Iterator[str]:
    """The port of a server that answers in upper case."""
    server: subprocess.Popen[str] = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.communicate()


def by_hand(script: str, port: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(ROOT / "reference" / "clients" / f"{script}.py"), "127.0.0.1", port]
    return subprocess.run(argv, input=typed, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("polite", ["connects", "is connected", "sends hello", "receives HELLO", "closes"]),
        ("resetting", ["connects", "is connected", "sends hello", "receives HELLO", "resets"]),
        ("half_closing", ["receives HELLO", "sends no more (FIN)", "sees the end of the stream (FIN)", "closes"]),
    ],
)
def test_a_reference_client_tells_what_it_does(script: str, told: list[str]) -> None:
    with serving() as port:
        done = by_hand(script, port)

    assert done.returncode == 0
    said = done.stdout
    places = [said.find(words) for words in told]
    assert places == sorted(places)
    assert -1 not in places


def test_each_persona_has_a_script() -> None:
    made = {name for name, found in vars(personas).items() if inspect.isgeneratorfunction(found)} | {"fragmenting"}
    text = "".join(file.read_text() for file in (ROOT / "reference" / "clients").glob("*.py"))

    assert {name for name in made if f"run({name}" in text} == made


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("silent", ["is connected", "it stays connected"]),
        ("interrupted", ["sends hel, 3 bytes", "it stays connected"]),
        ("unreading", ["stops reading", "sends abcdefg", "it stays connected"]),
    ],
)
def test_a_client_that_stays_says_so_until_it_is_interrupted(script: str, told: list[str]) -> None:
    with serving() as port:
        argv = [sys.executable, str(ROOT / "reference" / "clients" / f"{script}.py"), "127.0.0.1", port]
        client = subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            # Whoever runs the tests in the background of a script has it ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - one thread
        )
        assert client.stdout is not None
        said = ""
        while "it stays connected" not in said:
            said += client.stdout.readline() or pytest.fail(f"it ended, having said {said}")
        client.send_signal(signal.SIGINT)
        said += client.communicate(timeout=60)[0]

    places = [said.find(words) for words in [*told, "closes"]]
    assert places == sorted(places)
    assert -1 not in places


def test_the_prompt_client_prints_each_reply() -> None:
    with serving() as port:
        done = by_hand("prompt", port, typed="hello\nworld\n")

    assert done.returncode == 0
    assert done.stdout == "> HELLO\n> WORLD\n> "


def test_a_client_that_is_refused_says_so() -> None:
    done = by_hand("silent", "1")

    assert done.returncode == 1
    assert "silent was refused Connection refused" in done.stdout
