"""Archives as they are handed in: whatever their bytes are, they are a submission or are refused, and harm nobody."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_samples import (
    PACKERS,
    SERVER,
    claiming,
    gzip_bomb,
    member,
    overlapping_zip,
    tar_of,
    tarred,
    zip_of,
    zipped,
)
from hypothesis import event, given
from hypothesis import strategies as st

from grader.arena.files import MAX_BYTES, MAX_FILES, Files, write_files
from grader.arena.submission import Submission, SubmissionError, Wanted, open_submission

WANTED = Wanted(["server.py"], 8080)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def opened(folder: Path, content: bytes, name: str = "handed-in.zip") -> Submission:
    (folder / name).write_bytes(content)
    return open_submission(folder / name, WANTED)


def refused(folder: Path, content: bytes, name: str = "handed-in.zip") -> str:
    with pytest.raises(SubmissionError) as caught:
        opened(folder, content, name)
    assert [path.name for path in folder.iterdir()] == [name]
    return str(caught.value)


@pytest.mark.parametrize("kind", ["zip", *PACKERS])
@pytest.mark.parametrize("name", ["handed-in.zip", "handed-in.tar.gz", "server.py", "no-suffix"])
def test_an_archive_is_known_by_its_content_whatever_its_name_says(folder: Path, kind: str, name: str) -> None:
    found = opened(folder, zipped(SERVER) if kind == "zip" else tarred(SERVER, kind), name)

    assert {path: file.content for path, file in found.files.items()} == SERVER
    assert [path.name for path in folder.iterdir()] == [name]


def test_an_archive_has_the_fingerprint_of_its_folder(folder: Path) -> None:
    write_files(opened(folder, zipped(SERVER)).files, folder / "unpacked")

    fingerprints = {
        open_submission(folder / "unpacked", WANTED).sha256,
        opened(folder, zipped(SERVER)).sha256,
        opened(folder, tarred(dict(reversed(SERVER.items())), "tar.xz")).sha256,
        opened(folder, zipped({f"main/{path}": content for path, content in SERVER.items()})).sha256,
    }

    assert len(fingerprints) == 1


def test_a_folder_in_which_everything_lies_is_looked_into(folder: Path) -> None:
    junk = {"__MACOSX/project-main/._server.py": b"", "project-main/.DS_Store": b"", "project-main/.git/config": b""}
    packed = {f"project-main/src/{path}": content for path, content in SERVER.items()}

    assert list(opened(folder, zipped({**packed, **junk})).files) == ["net/loop.py", "server.py"]


def test_installed_packages_are_left_out_and_that_is_known(folder: Path) -> None:
    packed = {**SERVER, "node_modules/a/index.js": b"", ".venv/bin/python": b"", "net/__pycache__/loop.pyc": b""}

    found = opened(folder, tarred(packed, "tar.gz"))

    assert set(found.files) == set(SERVER)
    assert found.packages == (".venv", "node_modules")


def test_backslashes_of_windows_separate_folders_in_a_zip(folder: Path) -> None:
    packed = zipped({"project\\": b"", "project\\server.py": b"", "project\\net\\loop.py": b""})

    assert list(opened(folder, packed).files) == ["net/loop.py", "server.py"]


def test_a_backslash_in_a_tar_is_part_of_a_name(folder: Path) -> None:
    assert "a\\b" in opened(folder, tarred({**SERVER, "a\\b": b""})).files


@pytest.mark.parametrize(
    "name",
    [
        "größe.py",
        "a b",
        "a\nb",
        "-rf",
        "\u202eyp.exe",
        "<script>",
        "\x1b[31m",
        "x" * 255,
        "...",
        "report.json",
        "Server.py",
    ],
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_odd_names_are_names(folder: Path, kind: str, name: str) -> None:
    packed = {**SERVER, name: b"odd"}

    found = opened(folder, zipped(packed) if kind == "zip" else tarred(packed))

    assert found.files[name].content == b"odd"
    write_files(found.files, folder / "copy")
    assert (folder / "copy" / name).read_bytes() == b"odd"


def test_names_that_are_no_utf8_keep_their_bytes(folder: Path) -> None:
    found = opened(folder, tar_of([member("server.py"), member("\udcff.py")], tarfile.GNU_FORMAT))
    write_files(found.files, folder / "copy")

    assert (folder / "copy" / "\udcff.py").exists()


@pytest.mark.parametrize(("raw", "name"), [("ö.py".encode(), "ö.py"), (b"\x94.py", "ö.py")], ids=["utf-8", "cp437"])
def test_names_of_a_zip_that_does_not_say_its_encoding(folder: Path, raw: bytes, name: str) -> None:
    packed = zipped({"server.py": b"", "?" * (len(raw) - 3) + ".py": b""})

    assert name in opened(folder, packed.replace(b"?" * (len(raw) - 3) + b".py", raw)).files


def test_the_right_to_be_executed_is_kept(folder: Path) -> None:
    info = zipfile.ZipInfo("build.sh")
    info.external_attr = (stat.S_IFREG | 0o755) << 16
    in_zip = opened(folder, zip_of([(zipfile.ZipInfo("server.py"), b""), (info, b"")]))
    in_tar = opened(folder, tar_of([member("server.py"), member("build.sh", mode=0o4755)]))

    for found in (in_zip, in_tar):
        assert {path: file.executable for path, file in found.files.items()} == {"build.sh": True, "server.py": False}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/etc/cron.d/x", "holds '/etc/cron.d/x', an absolute path"),
        ("../x", "holds '../x', which leads out of it"),
        ("net/../../x", "which leads out of it"),
        ("x" * 256, "a name that is too long"),
        ("/".join(["x" * 200] * 6), "a name that is too long"),
        ("server.py/x", "holds 'server.py' both as a file and as a folder"),
    ],
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_name_that_leads_elsewhere_is_refused(folder: Path, kind: str, name: str, said: str) -> None:
    packed = {**SERVER, name: b""}

    assert said in refused(folder, zipped(packed) if kind == "zip" else tarred(packed))


@pytest.mark.parametrize("name", ["..\\x", "C:\\x", "C:x", "\\x", "net\\..\\..\\x"])
def test_a_name_that_leads_elsewhere_on_windows_is_refused(folder: Path, name: str) -> None:
    assert "; pack the folder " in refused(folder, zipped({**SERVER, name: b""}))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.FIFOTYPE, "a fifo"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.GNUTYPE_SPARSE, "no plain file"),
        (b"M", "no plain file"),
    ],
)
def test_what_is_no_plain_file_has_no_place_in_a_tar(folder: Path, kind: bytes, said: str) -> None:
    packed = tar_of([member("server.py"), member("net", kind=kind, target="/etc")])

    assert f"holds 'net', which is {said}; pack the files themselves" in refused(folder, packed)


def test_nothing_is_written_through_a_link(folder: Path) -> None:
    packed = tar_of([member("out", kind=tarfile.SYMTYPE, target=str(folder)), member("out/escaped", b"x")])

    assert "a symbolic link" in refused(folder, packed)


@pytest.mark.parametrize(("mode", "said"), [(stat.S_IFLNK, "a symbolic link"), (stat.S_IFIFO, "a fifo")])
def test_what_is_no_plain_file_has_no_place_in_a_zip(folder: Path, mode: int, said: str) -> None:
    info = zipfile.ZipInfo("net")
    info.external_attr = (mode | 0o777) << 16

    assert f"holds 'net', which is {said}" in refused(folder, zip_of([(info, b"/etc")]))


def test_a_link_among_what_is_left_out_is_left_out(folder: Path) -> None:
    packed = tar_of([member("server.py"), member(".venv/bin/python", kind=tarfile.SYMTYPE, target="/usr/bin/python3")])

    assert list(opened(folder, packed).files) == ["server.py"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused(folder: Path) -> None:
    twice = [("server.py", b"one"), ("./server.py", b"two")]

    said = "holds 'server.py' twice, and nobody can tell which one counts"
    assert said in refused(folder, zip_of([(zipfile.ZipInfo(name), content) for name, content in twice]))
    assert said in refused(folder, tar_of([member(*each) for each in twice]))
    assert said in refused(folder, zip_of([(zipfile.ZipInfo("server.py"), content) for _, content in twice]))


def test_an_encrypted_zip_is_refused(folder: Path) -> None:
    packed = bytearray(zipped({"server.py": b""}))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1

    assert "is an encrypted zip; hand it in without a password" in refused(folder, bytes(packed))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_compression_is_refused(folder: Path, method: int) -> None:
    assert "use the usual one, deflate" in refused(folder, zipped(SERVER, method))


def test_an_archive_inside_is_not_looked_into(folder: Path) -> None:
    said = refused(folder, zipped({"inner.zip": zipped(SERVER)}))

    assert said.endswith(
        "it holds inner.zip; an archive inside is not looked into: unpack inner.zip, or give it by itself"
    )


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "a.zip", "is an empty file"),
        (b"hello", "a.zip", "ends in .zip, but is no such archive, or broken"),
        (b"7z\xbc\xaf\x27\x1c", "a.7z", "is a 7z archive, which cannot be read; pack the folder as a zip or tar.gz"),
        (b"Rar!\x1a\x07\0", "a.rar", "is a rar archive, which cannot be read"),
        (b"hello" * 1000, "a.tar", "is a broken or truncated tar archive"),
        (PACKERS["tar.gz"](b"hello" * 1000), "a.gz", "is a broken or truncated tar.gz archive"),
        (zipped(SERVER)[:-10], "a.zip", "is a broken or truncated zip archive"),
        (tarred(SERVER)[:1024], "a.tar", "it ends early, or a header is not right"),
        (tarred(SERVER)[:700], "a.tar", "is a broken or truncated tar archive"),
        (tarred(SERVER, "tar.gz")[:-9], "a.tgz", "is a broken or truncated tar.gz archive"),
        (zipped({}), "a.zip", "has no server.py; it holds nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_whole_archive_is_said_to_be_none(folder: Path, content: bytes, name: str, said: str) -> None:
    assert said in refused(folder, content, name)


def test_a_wrong_checksum_is_found(folder: Path) -> None:
    packed = zipped({"server.py": b"one"}, zipfile.ZIP_STORED)

    assert "Bad CRC-32" in refused(folder, packed.replace(b"one", b"two"))
    damaged = bytearray(tarred(SERVER, "tar.gz"))
    damaged[-8] ^= 1
    assert "CRC check failed" in refused(folder, bytes(damaged))


def test_a_damaged_header_does_not_hide_what_follows(folder: Path) -> None:
    packed = bytearray(tar_of([member("server.py", b"x"), member("loop.py", b"x")]))
    packed[1024 + 150] ^= 1

    assert "it ends early, or a header is not right" in refused(folder, bytes(packed))


def test_too_many_files_are_refused(folder: Path) -> None:
    assert len(opened(folder, tarred({"server.py": b"", **dict.fromkeys(map(str, range(MAX_FILES - 1)), b"")})).files)
    assert "larger than 64 MiB or 4096 files" in refused(folder, zipped(dict.fromkeys(map(str, range(4097)), b"")))


BOMBS: dict[str, Callable[[], bytes]] = {
    "a zip with a large file": lambda: zipped({"x": bytes(MAX_BYTES + 1)}),
    "a zip that lies about sizes": lambda: zipped({"x": bytes(MAX_BYTES + 1)}).replace(
        struct.pack("<L", MAX_BYTES + 1), struct.pack("<L", 5)
    ),
    "a zip whose files overlap": lambda: overlapping_zip(200),
    "a tar with a large file": lambda: gzip_bomb(claiming(1 << 30), 1024),
    "a tar with a large header": lambda: gzip_bomb(claiming(1 << 30, b"x"), 1024),
    "a tar with a large long name": lambda: gzip_bomb(claiming(1 << 30, b"L"), 1024),
    "a tar with a size below zero": lambda: PACKERS["tar.gz"](claiming(5).replace(b"00000000005\0", b"\xff" * 12)),
    "a tar with many folders": lambda: PACKERS["tar.gz"](tar_of([member("a", kind=tarfile.DIRTYPE)])[:512] * 70_000),
    "a tar.xz": lambda: PACKERS["tar.xz"](claiming(1 << 28) + bytes(1 << 28)),
}
OPEN = """
import sys
from pathlib import Path
from grader.arena.submission import SubmissionError, Wanted, open_submission
def held():
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) >> 10
before = held()
try:
    open_submission(Path(sys.argv[1]), Wanted(["server.py"], 8080))
except SubmissionError as error:
    print(error)
print(held() - before)
"""


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_does_not_go_off(folder: Path, what: str) -> None:
    (folder / "bomb").write_bytes(BOMBS[what]())

    argv = [sys.executable, "-c", OPEN, str(folder / "bomb")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)

    *said, mebibytes = done.stdout.splitlines()
    assert len(said) == 1
    assert int(mebibytes) < 3 * MAX_BYTES >> 20


SAMPLES = [
    zipped(SERVER),
    zipped(SERVER, zipfile.ZIP_STORED),
    zipped({f"main/{path}": content for path, content in SERVER.items()}),
    tarred(SERVER),
    tarred({**SERVER, "x" * 120: b"long", "ö/" * 30: b""}),
    tar_of([member("server.py", b"x" * 600), member("x" * 200, b"x")], tarfile.GNU_FORMAT),
    tar_of([member("server.py"), member("link", kind=tarfile.SYMTYPE, target="server.py")]),
    overlapping_zip(3),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid archive after some accidents; a tar may be compressed after them."""
    content = bytearray(draw(st.sampled_from(SAMPLES)))
    places = st.integers(0, len(content) - 1)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(places) % max(len(content), 1)
        match draw(st.sampled_from(["flip", "cut", "splice", "overwrite", "repeat"])):
            case "flip" if content:
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del content[at:]
            case "splice":
                other = draw(st.sampled_from(SAMPLES))
                begin = draw(st.integers(0, len(other)))
                content[at:] = other[begin:]
            case "overwrite":
                new = draw(
                    st.binary(min_size=1, max_size=12) | st.sampled_from([b"\xff" * 8, bytes(8), b"../", b"PK\1\2"])
                )
                content[at : at + len(new)] = new
            case _:
                content[at:at] = content[at : at + 512]
    pack = draw(st.sampled_from(list(PACKERS.values())))
    return pack(bytes(content))


@given(st.binary(max_size=2000) | mutated(), st.sampled_from(["x.zip", "x.tar.gz", "x.tar", "server.py"]))
def test_any_bytes_are_a_submission_or_are_refused(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        found, said = outcome(Path(made), content, name)
        event("a submission" if found else "refused")
        assert (found is None) == bool(said)
        assert said.isprintable()
        assert sum(len(file.content) for file in (found or {}).values()) <= MAX_BYTES
        assert set(os.listdir(made)) == {name}
        if found:
            copy = Path(made, "copy")
            write_files(found, copy)
            there = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
            assert there == set(found)
            assert set(os.listdir(made)) == {name, "copy"}


def outcome(folder: Path, content: bytes, name: str) -> tuple[Files | None, str]:
    try:
        return opened(folder, content, name).files, ""
    except SubmissionError as error:
        return None, str(error)
