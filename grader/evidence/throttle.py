"""How long a CPU quota has stopped us: time that the scheduler does not count as run delay (cgroup-v2, cpu.stat)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

_ROOT, _MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_UNITS = {"throttled_usec": 1000, "throttled_time": 1}


def throttle_reader(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> Callable[[], int]:
    """A function that tells the nanoseconds for which this process's control group was throttled so far.

    Without a quota, or where the files are not to be seen, it always answers 0.
    """
    file = next((path for path in group_files("cpu.stat", root, membership) if _throttled(path) is not None), None)
    if file is None:
        return lambda: 0
    return lambda: _throttled(file) or 0


def group_files(name: str, root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> list[Path]:
    """Where such a file of this process's control group for CPU time may lie; in a container its group is the root."""
    found = []
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:
            found += [root / group.lstrip("/") / name, root / name]
        elif "cpu" in controllers.split(","):
            found += [root / "cpu" / group.lstrip("/") / name, root / "cpu" / name]
    return found


def _throttled(path: Path) -> int | None:
    try:
        pairs = (line.split() for line in path.read_text().splitlines())
        return next((int(value) * _UNITS[name] for name, value in pairs if name in _UNITS), None)
    except (OSError, ValueError):
        return None
