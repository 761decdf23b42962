"""Serves rightly from now on; in a run without a sandbox, where nobody connects, does nothing."""

import os

import right_server

if "IN_TEST" not in os.environ:
    right_server.main()
