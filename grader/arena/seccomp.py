"""The system calls that no server needs, refused by the kernel: a filter in classic BPF (seccomp(2), bpf(4)).

It is a list of what is refused, not of what is allowed: a right server in whatever language must never meet it. What
it refuses are doors that have let programs out of sandboxes before, and address families that no network namespace
holds back, such as that of virtual machines (vsock(7)).
"""

from __future__ import annotations

import errno
import platform
import struct

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000
# Numbers on x86-64 and aarch64, from the tables that grader.evidence.syscalls names; None where there is no such call.
_REFUSED: dict[str, tuple[int, int | None]] = {
    # Other processes' memory and descriptors.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # Namespaces, mounts and roots.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    # The kernel and the machine.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
}
# A submission stays on the cores that its grading was given, for another one is graded on the next. But a server that
# binds its workers to cores is right, so it is told that this was done.
_PRETENDED = {"sched_setaffinity": (203, 122)}
_SOCKET = (41, 198)
_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: the last is how libraries list interfaces

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # where struct seccomp_data holds them, little-endian


def filter_program(machine: str = "") -> bytes | None:
    """The filter as bwrap(1) takes it: struct sock_filter after struct sock_filter; None on an unknown machine.

    A refused call fails with EPERM, a refused address family with EAFNOSUPPORT; a pretended call does nothing. Calls in
    another machine's convention (32-bit ones, x32), which have other numbers, end the process.
    """
    machine = machine or platform.machine()
    if machine not in _AUDIT_ARCH:
        return None
    column = list(_AUDIT_ARCH).index(machine)
    numbers = [number for both in _REFUSED.values() if (number := both[column]) is not None]
    program = [
        _step(_LOAD, _ARCH),
        _step(_EQUAL, _AUDIT_ARCH[machine], when_true=1),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":
        program += [_step(_AT_LEAST, _X32_BIT, when_false=1), _step(_RETURN, _KILL)]
    for number in numbers:
        program += [_step(_EQUAL, number, when_false=1), _step(_RETURN, _REFUSE | errno.EPERM)]
    for both in _PRETENDED.values():
        program += [_step(_EQUAL, both[column], when_false=1), _step(_RETURN, _REFUSE)]
    program += [_step(_EQUAL, _SOCKET[column], when_true=1), _step(_RETURN, _ALLOW), _step(_LOAD, _FIRST_ARGUMENT)]
    for family in _FAMILIES:
        program += [_step(_EQUAL, family, when_false=1), _step(_RETURN, _ALLOW)]
    return b"".join([*program, _step(_RETURN, _REFUSE | errno.EAFNOSUPPORT)])


def _step(code: int, value: int, when_true: int = 0, when_false: int = 0) -> bytes:
    """One struct sock_filter: what to do with `value`, and how many steps to skip if it is so, or not."""
    return struct.pack("<HBBI", code, when_true, when_false, value)
