"""Ends with the status of a program that cannot be executed."""

raise SystemExit(126)
