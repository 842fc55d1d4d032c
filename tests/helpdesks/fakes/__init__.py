"""Helpdesks that are none: each a program of its own that answers as the system's documented API does, with the tickets
of `story.py`. They need Python alone and answer this machine alone."""
