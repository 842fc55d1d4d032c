"""Runs a command without a network, and without sight of some files, where Linux lets an ordinary user do so:

    python -I -S confined.py HIDDEN ... -- COMMAND ...

A script of its own that imports nothing of ours: namespaces can be left only by a process with one thread, and it is
replaced by the command. A process that was forked for a job has one thread and calls `confine` and `drop_rights`
itself (`fork_server.py`). The process gets a user namespace (what makes the others possible, and keeps it from looking
into the memory or environment of the one that started it), a network namespace with nothing in it, a mount namespace
in which the hidden files are not there, however often they are written anew, and a filter of system calls, so that it
reaches no socket of this machine, which a network namespace leaves open where it has a path. Where a container's rules
or the machine's forbid that, the command runs all the same, and one line on stderr says so.

What each flag means: unshare(2), mount(2), user_namespaces(7), capabilities(7), seccomp(2), landlock(7).
"""

import contextlib
import ctypes
import errno
import os
import platform
import stat
import struct
import sys
from collections.abc import Callable
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
NOBODY = 65534
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
LINUX_CAPABILITY_VERSION_3 = 0x20080522
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF, LANDLOCK_SCOPE_SIGNAL = 444, 446, 2
IO_URING_SETUP = 425
_LOAD, _EQUAL, _AT_LEAST, _BOTH, _END = 0x20, 0x15, 0x35, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24
"""Where in `seccomp_data` the call's number, the processor's architecture and the first two arguments lie."""
_UNIX, _DATAGRAM = 1, 2
_ENDS = {
    "allowed": 0x7FFF0000,
    "refused": 0x00050000 | errno.EPERM,
    "no connection": 0x00050000 | errno.ECONNREFUSED,
}
"""Where a filter's instructions lead in the end."""

_Step = tuple[int, str | None, str | None, int]
"""An instruction of classic BPF: code, the end that it leads to where true, and where false (None: the instruction
after it), and its value."""
_Steps = Callable[[int, int], list[_Step]]
"""What is asked of a call, by this machine's numbers of socket(2) and connect(2)."""

most_in_a_folder = 2000
"""Of a folder with more in it the hidden files alone are covered, as they are now."""


def confine(hidden: list[str], *, network: bool = False) -> None:
    """Hides these files, and the network unless it is to stay. Raises IsADirectoryError for a folder, and OSError where
    the system does not let us."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(what: str, *arguments: object) -> None:
        if getattr(libc, what)(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")

    user, group = os.getuid(), os.getgid()
    call("unshare", CLONE_NEWUSER | CLONE_NEWNS | (0 if network else CLONE_NEWNET))
    # As nobody inside, though root outside: what is started next then keeps none of the rights of a namespace's maker.
    for path, line in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {user} 1"), ("gid_map", f"{NOBODY} {group} 1")):
        Path("/proc/self", path).write_text(line)
    call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    files = {Path(path).resolve() for path in hidden}
    if folders := [path for path in files if path.is_dir()]:
        raise IsADirectoryError(errno.EISDIR, str(folders[0]))
    # A folder before those in it, which would else be covered with it.
    for folder in sorted({path.parent for path in files}):
        _hide(folder, [path.name for path in files if path.parent == folder], call)
    with contextlib.suppress(OSError):
        # Else what is relative would go on leading to what lies under the cover.
        os.chdir(Path.cwd())


def _hide(folder: Path, names: list[str], call: Callable[..., None]) -> None:
    """Covers the folder with one in which all that it holds stands, except the files of these names and what is named
    after them. A cover on a file itself would fall off where somebody else replaces the file, as a changed key or
    SQLite does."""
    try:
        held = [path.name for path in folder.iterdir() if not any(name in path.name for name in names)]
        beneath = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    except OSError:
        held, beneath = [], -1
    if beneath == -1 or len(held) > most_in_a_folder or folder == folder.parent:
        for path in (folder / name for name in names):
            if path.exists():
                call("mount", b"/dev/null", os.fsencode(path), None, MS_BIND, None)
        return
    call("mount", b"none", os.fsencode(folder), b"tmpfs", 0, b"mode=755,size=4m")
    try:
        for name in held:
            # What is gone meanwhile is gone.
            with contextlib.suppress(FileNotFoundError):
                _put_back(name, folder, beneath, call)
        call("mount", None, os.fsencode(folder), None, MS_REMOUNT | MS_RDONLY, None)
    except OSError:
        # Half a folder would be worse than what the caller then says.
        call("umount2", os.fsencode(folder), MNT_DETACH)
        raise
    finally:
        os.close(beneath)


def _put_back(name: str, folder: Path, beneath: int, call: Callable[..., None]) -> None:
    """Where `folder` is covered, what is `beneath` by this name stands there again; not a socket, pipe or device."""
    place = folder / name
    kind = stat.S_IFMT(os.stat(name, dir_fd=beneath, follow_symlinks=False).st_mode)
    if kind == stat.S_IFLNK:
        place.symlink_to(os.readlink(name, dir_fd=beneath))
        return
    if kind == stat.S_IFDIR:
        place.mkdir()
    elif kind == stat.S_IFREG:
        place.touch()
    else:
        return
    source = os.fsencode(f"/proc/self/fd/{beneath}/{name}")
    call("mount", source, os.fsencode(place), None, MS_BIND | MS_REC, None)


def drop_rights() -> None:
    """Gives up those that the maker of a namespace has in it, as a process that becomes another command does. Raises
    OSError where they stay."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    if libc.capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def keep_to_itself() -> None:
    """From now on this process and what it starts connect to no socket, not even to one that is a file, as a database's
    may be, and send no signal to others, where the kernel can hold that (Linux 6.12). Raises OSError where the first
    cannot be had."""
    _filtered(_no_connections)


def keep_to_network() -> None:
    """The same, for a process that reaches out: the internet stays, sockets of this machine that are files do not.
    Raises OSError where that cannot be had."""
    _filtered(_no_local_sockets)


def leave_network() -> None:
    """From now on this process and what it starts make no socket of any kind. Raises OSError where that cannot be
    had."""
    _filtered(_no_sockets)


def _filtered(steps_for: _Steps) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _keep_signals_here(libc)
    rules = b"".join(struct.pack("=HBBI", *rule) for rule in _program(platform.machine(), steps_for))
    code = ctypes.create_string_buffer(rules, len(rules))
    program = struct.pack("@HP", len(rules) // 8, ctypes.addressof(code))
    if libc.prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def _keep_signals_here(libc: ctypes.CDLL) -> None:
    nothing_but_scope = struct.pack("=QQQ", 0, 0, LANDLOCK_SCOPE_SIGNAL)
    ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, ctypes.c_char_p(nothing_but_scope), ctypes.c_size_t(24), 0)
    if ruleset >= 0:
        libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0)
        os.close(ruleset)


def _program(machine: str, steps_for: _Steps) -> list[tuple[int, int, int, int]]:
    """The filter with its jumps counted: what leads to the kernel by other ways is refused first, then come the steps.
    Raises OSError for processors whose numbers we do not know."""
    known = {"x86_64": (0xC000003E, 41, 42), "aarch64": (0xC00000B7, 198, 203)}
    if machine not in known:
        raise OSError(errno.ENOSYS, f"seccomp on {machine}")
    architecture, socket, connect = known[machine]
    steps: list[_Step] = [
        (_LOAD, None, None, _ARCHITECTURE),
        (_EQUAL, None, "refused", architecture),
        (_LOAD, None, None, _NUMBER),
        # Numbers of another way to call the same kernel (x32).
        (_AT_LEAST, "refused", None, 0x40000000),
        (_EQUAL, "refused", None, IO_URING_SETUP),
        *steps_for(socket, connect),
    ]
    ends = {end: len(steps) + place for place, end in enumerate(_ENDS)}

    def jump(end: str | None, place: int) -> int:
        return ends[end] - place - 1 if end else 0

    counted = [(code, jump(true, at), jump(false, at), value) for at, (code, true, false, value) in enumerate(steps)]
    return [*counted, *((_END, 0, 0, value) for value in _ENDS.values())]


def _no_connections(socket: int, connect: int) -> list[_Step]:
    """None to anywhere, and no socket of this machine that needs none."""
    return [
        (_EQUAL, "no connection", None, connect),
        (_EQUAL, None, "allowed", socket),
        (_LOAD, None, None, _FIRST),
        (_EQUAL, None, "allowed", _UNIX),
        (_LOAD, None, None, _SECOND),
        (_BOTH, None, None, 0xF),
        (_EQUAL, "refused", "allowed", _DATAGRAM),
    ]


def _no_local_sockets(socket: int, _connect: int) -> list[_Step]:
    """None of this machine (AF_UNIX), whatever their type."""
    return [
        (_EQUAL, None, "allowed", socket),
        (_LOAD, None, None, _FIRST),
        (_EQUAL, "refused", "allowed", _UNIX),
    ]


def _no_sockets(socket: int, connect: int) -> list[_Step]:
    """None at all, and no connection of one that is there."""
    return [(_EQUAL, "refused", None, connect), (_EQUAL, "refused", "allowed", socket)]


def main() -> None:
    """Confines itself and becomes the command."""
    split = sys.argv.index("--")
    hidden, command = sys.argv[1:split], sys.argv[split + 1 :]
    try:
        confine(hidden)
        keep_to_itself()
    except (OSError, AttributeError) as error:
        sys.stderr.write(f"Not confined, as this system does not allow it ({error}).\n")
        sys.stderr.flush()
    os.execvp(command[0], command)  # noqa: S606  the command is ours


if __name__ == "__main__":
    main()
