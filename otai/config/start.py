"""What a server's process does once, when it has loaded the product and before it answers."""

import gc
from importlib import import_module

from django.conf import settings
from django.urls import get_resolver

from otai.jobs.folders import arrivals_folder


def settle_in() -> None:
    """Loads all addresses with their pages and what models answer with, and takes what is loaded out of the garbage
    collector's sight: it stays as long as the process.

    Else each full collection looks at some 200 000 objects that never go, and whoever's request it falls into waits for
    that: 115 to 183 ms of processor time, measured over 2 400 pages, against 20 to 50 ms so. What is garbage at this
    moment is collected first.
    """
    list(get_resolver().url_patterns)
    # Loaded by the first page that tries a model, it would keep that one waiting.
    import_module("otai.learning.model.bundle")
    receive_beside_jobs()
    gc.collect()
    gc.freeze()


def receive_beside_jobs() -> None:
    """Django keeps the files of forms where files arrive, and not in the system's temporary folder: that disk is not
    the one whose room was looked at, and nobody sweeps there what a process that was killed left."""
    settings.FILE_UPLOAD_TEMP_DIR = str(arrivals_folder())
