"""What a confined process may ask of the kernel, for each processor whose numbers we know."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from otai.jobs import confined
from otai.jobs.confining import confining

pytestmark = pytest.mark.pure

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
READ, SOCKET, SOCKETPAIR, CONNECT = (
    {"x86_64": 0, "aarch64": 63},
    {"x86_64": 41, "aarch64": 198},
    {"x86_64": 53, "aarch64": 199},
    {"x86_64": 42, "aarch64": 203},
)
UNIX, INTERNET, STREAM, DATAGRAM, CLOSE_ON_EXEC = 1, 2, 1, 2, 0o2000000
ALLOWED, NOT_PERMITTED, REFUSED = 0x7FFF0000, 0x00050001, 0x0005006F


def answered(
    machine: str,
    number: int,
    first: int = 0,
    second: int = 0,
    *,
    architecture: int | None = None,
    filter: confined._Steps = confined._no_connections,
) -> int:
    """What the filter says, by the rules of classic BPF (seccomp(2))."""
    at = {0: number, 4: ARCHITECTURES[machine] if architecture is None else architecture, 16: first, 24: second}
    rules, here, held = confined._program(machine, filter), 0, 0
    while True:
        code, if_true, if_false, value = rules[here]
        here += 1
        if code == 0x06:
            return value
        if code == 0x20:
            held = at[value]
        elif code == 0x54:
            held &= value
        else:
            here += if_true if (held == value if code == 0x15 else held >= value) else if_false


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_nothing_is_connected_to_and_the_rest_works(machine: str) -> None:
    assert answered(machine, CONNECT[machine], 3) == REFUSED
    assert answered(machine, SOCKET[machine], UNIX, DATAGRAM | CLOSE_ON_EXEC) == NOT_PERMITTED
    assert answered(machine, confined.IO_URING_SETUP) == NOT_PERMITTED, "which connects in the kernel's own thread"
    assert answered(machine, SOCKET[machine], UNIX, STREAM | CLOSE_ON_EXEC) == ALLOWED
    assert answered(machine, SOCKET[machine], INTERNET, DATAGRAM) == ALLOWED, "there is no network that it leads to"
    assert answered(machine, READ[machine]) == answered(machine, SOCKETPAIR[machine], UNIX, DATAGRAM) == ALLOWED


def test_other_ways_into_the_same_kernel_are_closed() -> None:
    assert answered("x86_64", 0x40000000 + READ["x86_64"]) == NOT_PERMITTED, "x32"
    assert answered("x86_64", 3, architecture=0x40000003) == NOT_PERMITTED, "32 bits"
    with pytest.raises(OSError, match="seccomp on riscv64"):
        confined._program("riscv64", confined._no_connections)


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_who_reaches_out_has_the_internet_alone_and_afterwards_nothing(machine: str) -> None:
    out, after = partial(answered, filter=confined._no_local_sockets), partial(answered, filter=confined._no_sockets)
    assert out(machine, CONNECT[machine], 3) == out(machine, SOCKET[machine], INTERNET, STREAM) == ALLOWED
    assert out(machine, SOCKET[machine], UNIX, STREAM) == out(machine, SOCKET[machine], UNIX, DATAGRAM) == NOT_PERMITTED
    assert after(machine, SOCKET[machine], INTERNET, DATAGRAM) == after(machine, CONNECT[machine], 3) == NOT_PERMITTED
    for asked in (out, after):
        assert asked(machine, READ[machine]) == asked(machine, SOCKETPAIR[machine], UNIX, STREAM) == ALLOWED
        assert asked(machine, confined.IO_URING_SETUP) == NOT_PERMITTED
        assert asked(machine, READ[machine], architecture=0x40000003) == NOT_PERMITTED
    assert {out("x86_64", 0x40000000), after("x86_64", 0x40000000)} == {NOT_PERMITTED}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
def test_in_a_folder_with_very_much_in_it_the_files_alone_are_covered(tmp_path: Path) -> None:
    key = tmp_path / "secret-key"
    key.write_text("very secret")
    for number in range(confined.most_in_a_folder + 1):
        (tmp_path / str(number)).touch()
    read = f"import pathlib; print(repr(pathlib.Path({str(key)!r}).read_text()))"
    command = [*confining([key], unless="OTAI_CONFINE_TRAININGS"), sys.executable, "-c", read]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    if ran.stderr.startswith("Not confined"):
        pytest.skip("this system lets no user make namespaces")
    assert ran.stdout == "''\n" and key.read_text() == "very secret"
