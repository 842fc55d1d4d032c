"""How whoever did something is written beside it: rows keep this, pages say it in the reader's language."""

from __future__ import annotations

AT_A_SHELL = " (command line)"
"""Follows the name of an account on the machine that ran `otai`."""
