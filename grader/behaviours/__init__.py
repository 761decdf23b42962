"""The behaviours that a spec can ask for, by family."""

from grader.behaviours.base import Behaviour, catalogue

__all__ = ["Behaviour", "catalogue"]
