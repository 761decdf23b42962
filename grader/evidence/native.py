"""Where the threads of a compiled server stand: from a blocked thread's stack to the call in the student's own program.

The kernel tells the stack pointer and the program counter of a thread that is blocked in a system call
(/proc/PID/task/TID/syscall). From there the frames of the system's libraries are unwound by their tables (.eh_frame,
DWARF 5 section 6.4), as a debugger does, but without stopping the thread. The first return address that lies in the
submission's program is the call by which it got there. Nothing of that program's file but its headers is read here.
"""

from __future__ import annotations

import bisect
import io
import os
import platform
import re
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from elftools.dwarf.callframe import FDE, CallFrameInfo
from elftools.dwarf.structs import DWARFStructs
from elftools.elf.elffile import ELFFile

from grader.evidence.kernel import read_memory

_REGISTERS = {"x86_64": (7, 16), "aarch64": (31, 30)}
"""The numbers that DWARF has for the stack pointer and the return address."""
_MAPPING = re.compile(
    r"^(?P<start>[0-9a-f]+)-(?P<end>[0-9a-f]+) ..x. (?P<offset>[0-9a-f]+) "
    r"(?P<device>\S+) (?P<inode>\d+) +(?P<path>/.*)$",
    re.MULTILINE,
)
_SYSTEM = ("/usr/", "/lib/", "/lib64/")
_MOST_FRAMES = 64
_HEADER = struct.Struct("<6s26xQ14xHH6x")  # magic, class and byte order; offset, size and number of program headers
_SEGMENT = struct.Struct("<I4xQQ8xQ16x")  # kind, offset, address, size in the file
_ELF, _LOADED, _MOST_SEGMENTS = b"\x7fELF\2\1", 1, 64
_WORD = 8
_USUAL_ENCODINGS = b"\x01\x1b\x03\x3b"  # version 1; pointer, count and table as every linker for Linux writes them
_SHORT_LENGTH = 0xFFFFFFF0


@dataclass(frozen=True, slots=True)
class Mapping:
    """One executable part of a file in a process's memory, from `start` to `end`, as /proc/PID/maps tells it."""

    start: int
    end: int
    offset: int
    device: str
    inode: int
    path: str

    def address(self, at: int, file: str) -> int:
        """An address in memory as the file numbers it; `file` is where that can be read.

        Raises:
            LookupError: it is not that file, or no segment of it is mapped there.
        """
        place = at - self.start + self.offset
        for offset, address, size in _segments(file, self.inode):
            if 0 <= place - offset < size:
                return address + place - offset
        raise LookupError(f"{self.path} has nothing at {place:#x}")


def _segments(path: str, inode: int) -> Iterator[tuple[int, int, int]]:
    """Offset, address and size of what a file wants loaded (elf(5)), if it is the one with this inode.

    Raises:
        LookupError: it is another file, or its header is not that of a program of 64 bits.
    """
    # A pipe in its place must not keep us waiting.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - open already
        status = os.fstat(descriptor)
        header = file.read(_HEADER.size) if stat.S_ISREG(status.st_mode) and status.st_ino == inode else b""
        if len(header) < _HEADER.size:
            raise LookupError(f"{path} is not what is mapped")
        magic, at, size, count = _HEADER.unpack(header)
        if magic != _ELF or size != _SEGMENT.size:
            raise LookupError(f"{path} is no program of 64 bits")
        file.seek(at)
        table = file.read(_SEGMENT.size * min(count, _MOST_SEGMENTS))
    for kind, offset, address, length in _SEGMENT.iter_unpack(table[: len(table) // _SEGMENT.size * _SEGMENT.size]):
        if kind == _LOADED:
            yield offset, address, length


def mappings(text: str) -> tuple[Mapping, ...]:
    """The executable parts of files, from the text of /proc/PID/maps."""
    return tuple(
        Mapping(
            int(found["start"], 16),
            int(found["end"], 16),
            int(found["offset"], 16),
            found["device"],
            int(found["inode"]),
            found["path"],
        )
        for found in _MAPPING.finditer(text)
    )


def call_in(pid: int, tid: int, inside: str) -> tuple[str, int] | None:
    """The file below `inside` from which a blocked thread's call was made, and the address of the call in that file.

    None where that is not known: the thread runs, or moved meanwhile, or its stack is not of the usual kind.
    """
    numbers = _REGISTERS.get(platform.machine())
    blocked = _blocked_at(pid, tid)
    if numbers is None or blocked is None:
        return None
    try:
        with open(f"/proc/{pid}/maps", errors="replace", newline="\n") as maps:  # noqa: PTH123 - a file of /proc
            parts = mappings(maps.read())
        found = _unwind(pid, blocked, parts, inside, numbers)
    except Exception:  # noqa: BLE001 - the file may be made to confuse whoever reads it
        return None
    return found if _blocked_at(pid, tid) == blocked else None


def _blocked_at(pid: int, tid: int) -> tuple[int, int] | None:
    """The stack pointer and the program counter of a thread in a system call."""
    try:
        with open(f"/proc/{pid}/task/{tid}/syscall") as file:  # noqa: PTH123 - a file of /proc
            words = file.read().split()
    except OSError:
        return None
    return (int(words[-2], 16), int(words[-1], 16)) if len(words) > 2 else None  # noqa: PLR2004 - "running", or "-1 SP PC"


def _unwind(
    pid: int, blocked: tuple[int, int], parts: tuple[Mapping, ...], inside: str, numbers: tuple[int, int]
) -> tuple[str, int] | None:
    stack, at = blocked
    stack_number, return_number = numbers
    registers = {stack_number: stack}
    for depth in range(_MOST_FRAMES):
        back = min(depth, 1)  # a return address is that of what follows the call
        part = next((one for one in parts if one.start <= at - back < one.end), None)
        if part is None:
            return None
        if part.path.startswith(f"{inside}/"):
            return part.path, part.address(at - back, f"/proc/{pid}/root{part.path}")
        if not _is_the_systems(part):
            return None
        row = _row(part.path, part.address(at - back, part.path))
        frame = registers[row["cfa"].reg] + row["cfa"].offset
        saved = {
            number: struct.unpack("<Q", read_memory(pid, frame + rule.arg, _WORD))[0]
            for number, rule in row.items()
            if isinstance(number, int) and rule.type == "OFFSET"
        }
        at = saved[return_number]
        registers |= saved | {stack_number: frame}
    return None


def _is_the_systems(part: Mapping) -> bool:
    """Whether it is a file of the system, and what we see at its path is the same."""
    status = os.stat(part.path)  # noqa: PTH116 - no more is wanted of it
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    return part.path.startswith(_SYSTEM) and (device, status.st_ino) == (part.device, part.inode)


def _row(path: str, address: int) -> dict[Any, Any]:
    """How a function of a system's library saves its caller's registers, at one address.

    Raises:
        LookupError: it does not say.
    """
    rows = [row for row in _described(path, address).get_decoded().table if row["pc"] <= address]
    if not rows:
        raise LookupError(f"{path} does not describe {address:#x}")
    return rows[-1]


def _described(path: str, address: int) -> FDE:
    """What a library says of the function at an address, found by its table of functions (.eh_frame_hdr)."""
    base, starts, offsets, frames_at, frames = _tables(path)
    index = bisect.bisect_right(starts, address - base) - 1
    if index < 0:
        raise LookupError(f"{path} has no function at {address:#x}")
    offset = base + offsets[index] - frames_at
    length, common = struct.unpack_from("<II", frames, offset)
    common_at = offset + 4 - common
    (common_length,) = struct.unpack_from("<I", frames, common_at)
    if max(length, common_length) >= _SHORT_LENGTH:
        raise LookupError(f"{path} has entries of 64 bits")
    # The two that belong together, one after the other, as a section of their own.
    head = frames[common_at : common_at + 4 + common_length]
    body = frames[offset : offset + 4] + struct.pack("<I", len(head) + 4) + frames[offset + 8 : offset + 4 + length]
    structs = DWARFStructs(little_endian=True, dwarf_format=32, address_size=_WORD)
    section = CallFrameInfo(io.BytesIO(head + body), len(head + body), frames_at + offset - len(head), structs, True)
    (found,) = [entry for entry in section.get_entries() if isinstance(entry, FDE)]
    covers = found["initial_location"] <= address < found["initial_location"] + found["address_range"]
    if not covers:
        raise LookupError(f"{path} has no function at {address:#x}")
    return found


@cache
def _tables(path: str) -> tuple[int, list[int], list[int], int, bytes]:
    """Where the table of functions lies, their beginnings and where each is described (both from there), and that."""
    with open(path, "rb") as file:  # noqa: PTH123 - a path as the kernel tells it
        elf = ELFFile(file)
        table, frames = elf.get_section_by_name(".eh_frame_hdr"), elf.get_section_by_name(".eh_frame")
        if table is None or frames is None:
            raise LookupError(f"{path} has no table")
        data = table.data()
        if data[:4] != _USUAL_ENCODINGS:
            raise LookupError(f"{path} has an unusual table")
        (count,) = struct.unpack_from("<I", data, 8)
        pairs = struct.unpack_from(f"<{2 * count}i", data, 12)
        return table["sh_addr"], list(pairs[::2]), list(pairs[1::2]), frames["sh_addr"], frames.data()
