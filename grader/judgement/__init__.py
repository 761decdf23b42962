"""What evidence means: pure functions over records, with no clock, no socket and no process."""
