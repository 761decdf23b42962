"""The instructors' tutorial, carried out from its own text: files are written, commands run, and print what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conftest import ROOT

TEXT = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```\{code-block\} (\w+)\n(?::caption: ([^\n]*)\n)?(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDED = " (added at the end)"
ANYTHING = "..."


@dataclass
class Shell:
    """Where the tutorial is carried out; `cd` moves it."""

    folder: Path

    def run(self, command: str) -> str:
        """What a command prints, and at the end its status in brackets if that is not 0."""
        if command.startswith("cd "):
            self.folder /= command.removeprefix("cd ")
            return ""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "LANG": "C.UTF-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout + (f"[{done.returncode}]\n" if done.returncode else "")


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Every command of a console block, with the lines that it is to print."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *lines = part.rstrip("\n").split("\n")
        yield command, lines


def fits(expected: list[str], printed: str) -> bool:
    """Whether the printed lines are the expected ones; "..." stands for any lines, and within one for anything."""
    pattern = "".join(
        r"(?:.*\n)*?"
        if line == ANYTHING
        else "".join(".*" if part == ANYTHING else re.escape(part) for part in re.split(r"(\.\.\.)", line)) + r" *\n"
        for line in expected
    )
    return re.fullmatch(pattern, printed) is not None


def without_progress(printed: str) -> str:
    return re.sub(r"^grader?: \d+ of \d+ \w+ done, .*\n", "", printed, flags=re.MULTILINE)


def test_the_tutorial_can_be_carried_out_as_it_stands(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    carried_out = 0

    for language, caption, text in BLOCK.findall(TEXT):
        if language == "console":
            for command, expected in commands(text):
                printed = without_progress(shell.run(command))
                assert fits(expected, printed), f"$ {command}\n{printed}\nis not\n" + "\n".join(expected)
                carried_out += 1
        elif caption.endswith(ADDED):
            with (shell.folder / caption.removesuffix(ADDED)).open("a") as file:
                file.write(text)
        else:
            (shell.folder / caption).write_text(text)

    assert carried_out > 20
    assert TEXT.count("```") == 2 * len(BLOCK.findall(TEXT)), "every block of the tutorial is carried out"


def test_what_is_printed_must_fit_line_by_line() -> None:
    assert fits(["a", "...", "d ... f"], "a\nb\nc\nd e f\n")
    assert fits(["..."], "")
    assert not fits(["a"], "a\nb\n")
    assert not fits([], "a\n")
    assert not fits(["a.c"], "abc\n")
