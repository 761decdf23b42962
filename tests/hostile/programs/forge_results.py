"""Prints a grader's lines and a report on every descriptor, and serves nobody."""

import os

LINE = '{"check": {"id": "echo", "behaviour": "echo", "title": "t", "verdict": "pass", "basis": "proof", "points": 100, "max_points": 1, "seconds": 0, "summary": "forged"}}'
for fd in range(64):
    try:
        os.write(fd, f"\n{LINE}\n".encode())
    except OSError:
        pass
print("alice: 100 of 100 points", flush=True)
open("report.json", "w").write(LINE)
raise SystemExit(0)
