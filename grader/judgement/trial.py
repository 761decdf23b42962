"""What it means for a spec how right and wrong servers fare under it. Pure functions over what was graded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.report.model import Verdict
from grader.report.people import number
from grader.report.trial import Remark, TriedCheck, TriedServer, Weight
from grader.spec import CheckFields, Spec
from grader.words import also, either, listed, say

_USUAL_TOTAL = 100
_MOST_NAMES = 3


def tried_checks(checks: Sequence[CheckFields], servers: Sequence[TriedServer]) -> list[TriedCheck]:
    """For each check the wrong servers that it catches."""
    caught = {server.name: server.caught_by for server in servers if server.role == "wrong"}
    return [
        TriedCheck(
            id=check.id,
            title=check.title,
            points=check.points,
            catches=[name for name, by in caught.items() if check.id in by],
            alone=[name for name, by in caught.items() if by == [check.id]],
        )
        for check in checks
    ]


def remarks(spec: Spec, servers: Sequence[TriedServer], wanted: Mapping[str, frozenset[str]]) -> list[Remark]:
    """All there is to say of a spec, the errors first.

    `wanted` names for each bundled wrong server the behaviours that are to catch it: where the spec asks for none of
    them, it is no error that the server passes.
    """
    found = [
        *_not_graded(servers),
        *_right_ones(servers),
        *_useless(spec.checks, servers),
        *_not_caught(spec.checks, servers, wanted),
        *_points(spec),
    ]
    return sorted(found, key=lambda remark: list(Weight).index(remark.weight))


def _not_graded(servers: Sequence[TriedServer]) -> Iterator[Remark]:
    for server in servers:
        if server.failed:
            # Whoever wrote it wants it to count; of ours there are others.
            weight = Weight.FAULT if server.own else Weight.NOTE
            yield Remark(kind="not-run", weight=weight, message=_not_run(server))


def _not_run(server: TriedServer) -> str:
    return say("{server} was not graded: {why}", server=server.name, why=server.failed)


def _right_ones(servers: Sequence[TriedServer]) -> Iterator[Remark]:
    right = [server for server in servers if server.role == "right"]
    for server in right:
        for name, verdict in server.verdicts.items():
            if verdict is Verdict.FAIL:
                yield _right_failed(server, name)
    if not any(server.verdicts for server in right):
        yield Remark(
            kind="no-right-server",
            weight=Weight.ERROR,
            message=say("no right server was graded, so nobody knows whether one can pass"),
            remedy=say("put your model solution into a folder right/NAME beside the spec, in a folder of its name"),
        )
    for server in servers:
        unknown = [name for name, verdict in server.verdicts.items() if verdict is Verdict.INCONCLUSIVE]
        if unknown:
            words = say(
                "{checks} could not be told of {server}: {why}",
                checks=_listed(unknown),
                server=server.name,
                why=server.summaries[unknown[0]],
            )
            yield Remark(kind="untold", weight=Weight.FAULT, message=words)


def _right_failed(server: TriedServer, check: str) -> Remark:
    return Remark(
        kind="right-failed",
        weight=Weight.ERROR,
        message=say(
            "{check} fails {server}, which is right: {why}",
            check=check,
            server=server.name,
            why=server.summaries[check],
        ),
        remedy=say("ask for less in this check, or mend the server"),
    )


def _useless(checks: Sequence[CheckFields], servers: Sequence[TriedServer]) -> Iterator[Remark]:
    wrong = [server for server in servers if server.role == "wrong" and server.verdicts]
    if not wrong:
        yield Remark(
            kind="no-wrong-server",
            weight=Weight.ERROR,
            message=say("no wrong server was graded, so nobody knows whether any check finds a mistake"),
            remedy=say(
                "put servers with one mistake each into wrong/NAME, in a folder beside the spec that has its name"
            ),
        )
        return
    for check in tried_checks(checks, servers):
        if not check.catches:
            yield Remark(
                kind="never-fails",
                weight=Weight.ERROR,
                message=say("{check} is failed by none of the {count} wrong servers", check=check.id, count=len(wrong)),
                remedy=say("put a server with the mistake that it looks for into wrong/NAME, or leave the check out"),
            )


def _not_caught(
    checks: Sequence[CheckFields], servers: Sequence[TriedServer], wanted: Mapping[str, frozenset[str]]
) -> Iterator[Remark]:
    asked = {check.full_name for check in checks}
    for server in servers:
        if server.role != "wrong" or not server.verdicts or server.caught_by:
            continue
        catchers = wanted.get(server.name, frozenset())
        if server.own or asked & catchers:
            yield Remark(
                kind="not-caught",
                weight=Weight.ERROR,
                message=say("{server} is wrong and passes every check", server=server.name),
                remedy=say("add a check that fails it, or ask for more in one that should"),
            )
        else:
            words = say(
                "{server} passes: the spec does not ask for {behaviours}",
                server=server.name,
                behaviours=_either(sorted(catchers)),
            )
            yield Remark(kind="not-caught", weight=Weight.NOTE, message=words)


def _points(spec: Spec) -> Iterator[Remark]:
    """What is stated must add up (the loader sees to that); what is not stated is at least said."""
    total = spec.max_score
    if not total:
        yield Remark(
            kind="points", weight=Weight.ERROR, message=say("the checks are worth no points"), remedy=say("give points")
        )
        return
    if spec.points is None and total != _USUAL_TOTAL:
        yield Remark(
            kind="points",
            weight=Weight.NOTE,
            message=say("the checks are worth {points} points together", points=number(total)),
            remedy=say("if that is meant write 'points: {points}' at the top of the spec", points=number(total)),
        )
    free = [check.id for check in spec.checks if not check.points]
    if free:
        words = say("{checks} are worth no points", checks=_listed(free))
        if len(free) == 1:
            words = say("{check} is worth no points", check=free[0])
        yield Remark(kind="no-points", weight=Weight.NOTE, message=words)


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    shown = listed(names[:_MOST_NAMES])
    if (more := len(names) - _MOST_NAMES) > 0:
        return say("{some} and {more} more", some=shown, more=more)
    return also(filter(None, [listed(names[:-1]), names[-1]]))


def _either(names: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b, c or 4 more`."""
    shown = listed(names[:_MOST_NAMES])
    if (more := len(names) - _MOST_NAMES) > 0:
        return say("{some} or {more} more", some=shown, more=more)
    return either(filter(None, [listed(names[:-1]), names[-1]]))
