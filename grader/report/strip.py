"""The strip of the whole run: duty, threads, descriptors and memory over time, a small picture of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from grader.report import people
from grader.report.escape import escape_text
from grader.report.model import Report, Resources
from grader.words import Tell, say

_WIDTH, _HEIGHT, _LEAST, _HEADROOM = 1000, 40, 0.5, 1.15

Write = Callable[[float], str]


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _bytes(value: float) -> str:
    return people.size(int(value))


_FIGURES: dict[str, tuple[str, str, Write, float]] = {
    "duty": (say("Duty"), say("share of a core"), _percent, 1.0),
    "threads": (say("Threads"), say("of all its processes"), _count, 1),
    "descriptors": (say("Descriptors"), say("open in all its processes"), _count, 1),
    "memory": (say("Memory"), say("of all its processes"), _bytes, 1),
}
"""By the name of the field: its title, of what it is a figure, how it is written, and the least top of its scale."""


@dataclass(frozen=True, slots=True)
class Strip:
    """One figure over time: its picture, and its most in words."""

    title: str
    about: str
    most: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class Part:
    """One check in the run: how long its server was looked at, and the most of every figure, in words."""

    check: str
    lasted: str
    most: dict[str, str]


def shown_resources(report: Report) -> list[Resources]:
    """The stretches that students may see: those of hidden checks tell what these are about."""
    hidden = {check.id for check in report.checks if check.hidden}
    return [stretch for stretch in report.resources if stretch.check not in hidden]


def strips(stretches: Sequence[Resources], tell: Tell = str) -> list[Strip]:
    """A picture for each figure that is known of some stretch."""
    return [
        _strip(name, stretches, tell)
        for name in _FIGURES
        if any(_of(name, stretch) is not None for stretch in stretches)
    ]


def parts(stretches: Sequence[Resources], tell: Tell = str) -> list[Part]:
    """The same check by check."""
    return [
        Part(
            check=check,
            lasted=tell(people.seconds((alike[-1].end_ms - alike[0].start_ms) / 1000)),
            most={tell(title): tell(_most(name, alike)) for name, (title, *_) in _FIGURES.items()},
        )
        for check, alike in _by_check(stretches)
    ]


def _by_check(stretches: Sequence[Resources]) -> list[tuple[str, list[Resources]]]:
    return [(check, list(alike)) for check, alike in groupby(stretches, lambda stretch: stretch.check)]


def _of(name: str, stretch: Resources) -> float | None:
    value: float | None = getattr(stretch, name)
    return value


def _known(name: str, stretches: Sequence[Resources]) -> list[float]:
    return [value for stretch in stretches if (value := _of(name, stretch)) is not None]


def _most(name: str, stretches: Sequence[Resources]) -> str:
    _, _, write, _ = _FIGURES[name]
    return write(max(known)) if (known := _known(name, stretches)) else say("not known")


def _strip(name: str, stretches: Sequence[Resources], tell: Tell) -> Strip:
    title, about, _, least = _FIGURES[name]
    top, most = max(least, *_known(name, stretches)) * _HEADROOM, _most(name, stretches)
    start, end = stretches[0].start_ms, max(stretch.end_ms for stretch in stretches)
    scale = _WIDTH / max(end - start, 1)

    def x(at_ms: float) -> float:
        return round((at_ms - start) * scale, 1)

    bands = [
        _band(tell(_about(name, check, alike)), x(alike[0].start_ms), x(alike[-1].end_ms))
        for check, alike in _by_check(stretches)
    ]
    blocks = "".join(
        f"M{x(s.start_ms)} {_HEIGHT}V{round(_HEIGHT - max(value / top * _HEIGHT, _LEAST), 1)}H{x(s.end_ms)}V{_HEIGHT}Z"
        for s in stretches
        if (value := _of(name, s)) is not None
    )
    label = tell(say("{figure} over the whole run, {about}: at most {most}", figure=title, about=about, most=most))
    svg = Markup(
        '<svg class="strip" role="img" aria-label="{0}" viewBox="0 0 {1} {2}" preserveAspectRatio="none">{3}'
        '<path class="{4}" d="{5}"/></svg>'
    ).format(label, _WIDTH, _HEIGHT, Markup().join(bands), name, blocks)
    return Strip(tell(title), tell(about), tell(most), svg)


def _about(name: str, check: str, alike: Sequence[Resources]) -> str:
    lasted = people.seconds((alike[-1].end_ms - alike[0].start_ms) / 1000)
    return say("{check}: at most {most}, in {time}", check=check, most=_most(name, alike), time=lasted)


def _band(words: str, left: float, right: float) -> Markup:
    return Markup('<rect class="band" x="{0}" width="{1}" height="{2}"><title>{3}</title></rect>').format(
        left, round(right - left, 1), _HEIGHT, escape_text(words)
    )
