"""Some of a spec's checks, with what they need."""

from __future__ import annotations

from collections.abc import Sequence

from grader.spec.model import Spec


class UnknownCheckError(ValueError):
    """A check is asked for that the spec does not have; the message says which it has."""


def selected(spec: Spec, names: Sequence[str]) -> Spec:
    """The same spec with nothing but these checks, by their ids, and what they need; whole where no name is given.

    Raises:
        UnknownCheckError: there is no check of that id.
    """
    if not names:
        return spec
    known = {check.id: check for check in spec.checks}
    if unknown := [name for name in names if name not in known]:
        raise UnknownCheckError(f"no check {unknown[0]!r} in {spec.spec}; it has {', '.join(map(str, known))}")
    wanted: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        wanted.add(name)
        queue += [need for need in known[name].needs if need not in wanted]
    return spec.model_copy(update={"checks": [check for check in spec.checks if check.id in wanted]})
