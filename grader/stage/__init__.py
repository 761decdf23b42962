"""Where one server, its clients and the evidence meet: what a behaviour acts on."""

from grader.stage.guest import Guest
from grader.stage.stage import SMALL_BUFFER, Stage

__all__ = ["SMALL_BUFFER", "Guest", "Stage"]
