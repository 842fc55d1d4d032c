"""A file leaves room on the disk for everything else, wherever it comes in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from otai.front.bodies import Bodies, Unread
from otai.front.bounds import Bound
from otai.front.limits import ServerLimits
from otai.front.networks import network_of

pytestmark = pytest.mark.pure


def test_a_file_that_would_fill_the_disk_is_refused_before_it_is_read(tmp_path: Path) -> None:
    bodies, file = Bodies(ServerLimits(free_bytes=1), tmp_path), Bound(1 << 60, is_upload=True)
    with bodies.place("203.0.113.7", file, 1_000):
        assert bodies.uploads == 1
    with pytest.raises(Unread) as refused, bodies.place("203.0.113.7", file, shutil.disk_usage(tmp_path).total):
        pass
    assert (refused.value.status, refused.value.code, bodies.uploads) == (503, "disk_full", 0)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:0:7::1", "2001:db8:0:7::/64"),
        ("2001:db8:0:7:ffff::", "2001:db8:0:7::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_whoever_has_a_network_counts_once(address: str, network: str) -> None:
    assert network_of(address) == network
