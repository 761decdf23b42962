"""Sleeps for a thousand seconds before it listens."""

import time

time.sleep(1000)

import right
