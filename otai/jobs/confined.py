"""Runs a command without a network, and without sight of some files, where Linux lets an ordinary user do so:

    python -I -S confined.py HIDDEN ... -- COMMAND ...

A script of its own that imports nothing of ours: namespaces can be left only by a process with one thread, and it is
replaced by the command. A process that was forked for a job has one thread and calls `confine` and `drop_rights`
itself (`fork_server.py`). The process gets a user namespace (what makes the others possible, and keeps it from looking
into the memory or environment of the one that started it), a network namespace with nothing in it, and a mount
namespace in which an empty device stands where each hidden file stood. Where a container's rules or the machine's
forbid that, the command runs all the same, and one line on stderr says so.

What each flag means: unshare(2), mount(2), user_namespaces(7), capabilities(7).
"""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
NOBODY = 65534
PR_SET_NO_NEW_PRIVS = 38
LINUX_CAPABILITY_VERSION_3 = 0x20080522


def confine(hidden: list[str]) -> None:
    """Raises OSError where the system does not let us."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(what: str, *arguments: object) -> None:
        if getattr(libc, what)(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")

    user, group = os.getuid(), os.getgid()
    call("unshare", CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS)
    # As nobody inside, though root outside: what is started next then keeps none of the rights of a namespace's maker.
    for path, line in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {user} 1"), ("gid_map", f"{NOBODY} {group} 1")):
        Path("/proc/self", path).write_text(line)
    call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    for path in hidden:
        if Path(path).exists():
            call("mount", b"/dev/null", os.fsencode(path), None, MS_BIND, None)


def drop_rights() -> None:
    """Gives up those that the maker of a namespace has in it, as a process that becomes another command does. Raises
    OSError where they stay."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    if libc.capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def main() -> None:
    """Confines itself and becomes the command."""
    split = sys.argv.index("--")
    hidden, command = sys.argv[1:split], sys.argv[split + 1 :]
    try:
        confine(hidden)
    except (OSError, AttributeError) as error:
        sys.stderr.write(f"Not confined, as this system does not allow it ({error}).\n")
        sys.stderr.flush()
    os.execvp(command[0], command)  # noqa: S606  the command is ours


if __name__ == "__main__":
    main()
