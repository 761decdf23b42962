"""A server without a sandbox around it, for machines that allow none: a session, limits and folders of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from grader.arena.output import Output
from grader.arena.process import end_descendants, process_limit
from grader.arena.sandbox import Bounds, Program
from grader.arena.seccomp import filter_program
from grader.arena.server import RunningServer, prepare
from grader.evidence import kernel
from grader.evidence.tree import descendants, is_alive

_PRIVATE = ("home", "tmp")


@dataclass
class UnsandboxedServer(RunningServer):
    """A started server; its tree is whatever descends from the process that started it."""

    def status_of_first(self) -> int | None:
        """The exit status of the process that was started, as a shell would tell it, or None while that runs."""
        if self.process.returncode is None and (ended := self.reaped.take(self.process.pid)) is not None:
            self.process.returncode = os.waitstatus_to_exitcode(ended)
        status = self.process.returncode
        return 128 - status if status is not None and status < 0 else status

    def _goes_on(self) -> bool:
        return bool(self._others())

    def _others(self) -> set[int]:
        return {pid for pid in descendants(os.getpid()) if pid != self.first and is_alive(pid)} - self.helpers

    def _end_others(self) -> None:
        end_descendants()

    def end_processes(self) -> None:
        """Kill everybody below this process, and reap them."""
        self.exit_status = self.poll()
        self.process.kill()
        self.process.wait()
        end_descendants()


def start_unsandboxed(
    folder: Path, scratch: Path, program: Program, bounds: Bounds, output_cap: int
) -> UnsandboxedServer:
    """Start a program in `folder`, in a session of its own, as the user that we are; as `grader.arena.server.start`.

    Its home and TMPDIR are below `scratch`. No new privileges, and the filter of system calls where there is one.

    Raises:
        OSError: it could not be started.
    """
    for name in _PRIVATE:
        (scratch / name).mkdir(parents=True, exist_ok=True)
    environment = {**program.environment, "HOME": str(scratch / "home"), "TMPDIR": str(scratch / "tmp")}
    own = replace(bounds, processes=process_limit(bounds.processes))
    reading, writing = os.pipe()
    silent, silence = os.pipe()
    examiner, refused, started = os.getpid(), filter_program(), time.monotonic()

    def become_a_server() -> None:
        prepare(own)
        kernel.die_with_parent()
        if os.getppid() != examiner:
            os._exit(1)
        kernel.let_trace(examiner)
        kernel.no_new_privileges()
        if refused is not None:
            with contextlib.suppress(OSError):
                kernel.filter_calls(refused)

    try:
        process = subprocess.Popen(
            _found(program.argv, environment["PATH"]),
            cwd=folder,
            env=environment,
            stdin=silent,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
            preexec_fn=become_a_server,  # noqa: PLW1509 - the examiner has one thread
        )
    except OSError as error:
        # As a shell would tell it, and as the sandbox does.
        os.write(writing, f"{program.argv[0]}: {error.strerror}\n".encode())
        process = subprocess.Popen(["/bin/sh", "-c", f"exit {_status(error)}"], start_new_session=True)
    for ours in (writing, silent):
        os.close(ours)
    return UnsandboxedServer(
        process=process,
        output=Output(reading, output_cap),
        output_inode=os.fstat(reading).st_ino,
        told=Path(os.devnull).open(encoding="ascii"),
        silence=silence,
        started=started,
        helpers={os.getpid()},
        inside=str(folder),
        writable=(str(folder), str(scratch)),
        first=process.pid,
        shared=True,
    )


def _found(argv: tuple[str, ...], path: str) -> list[str]:
    """The words with the program's path: it is looked up where the server would look, not where we would."""
    program, *words = argv
    if "/" in program:
        return [program, *words]
    places = (Path(place, program) for place in path.split(":"))
    return [str(next((place for place in places if os.access(place, os.X_OK)), program)), *words]


def _status(error: OSError) -> int:
    return 127 if isinstance(error, FileNotFoundError) else 126
