"""Grades student network servers on evidence from the kernel."""

__version__ = "0.1.0"
