"""Ends with the status of a program that was not found."""

raise SystemExit(127)
