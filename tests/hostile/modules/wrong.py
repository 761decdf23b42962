"""Serves one client at a time from now on."""

import wrong_server

wrong_server.serve()
