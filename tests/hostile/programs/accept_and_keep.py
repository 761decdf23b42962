"""Accepts, and neither answers nor closes."""

import wrong_server

listener = wrong_server.listen()
kept = []
while True:
    kept.append(listener.accept())
