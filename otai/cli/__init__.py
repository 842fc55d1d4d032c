"""The command line door, `otai`: one module a noun, each command a translation into one call of a room below.

Read `main.py` first. `output.py` knows how results and errors look, for people and as `--json` for programs.
"""
