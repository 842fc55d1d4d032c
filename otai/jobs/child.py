"""The outermost frame of a process that was forked to do some work: how it ends tells its parent what became of it."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Callable
from typing import NoReturn

WENT_WRONG, OUT_OF_MEMORY = 1, 3
"""Exit codes; 0 where the work came to its end."""


def work_and_exit(work: Callable[[], None]) -> NoReturn:
    """Does the work and ends this process: nothing that its parent would do at its own end is done."""
    code = WENT_WRONG
    try:
        work()
        code = 0
    except MemoryError:
        code = OUT_OF_MEMORY
    except BaseException:  # noqa: BLE001  the outermost frame of a process
        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        os._exit(code)
