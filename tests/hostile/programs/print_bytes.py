"""Prints every byte that there is, none of it UTF-8, without a newline."""

import os

os.write(1, bytes(range(256)) * 64)
os.write(2, b"\xed\xa0\x80\xff\xfe" * 1000)

import right
