"""Archives, XML, workbooks and documents made to harm, sent through TLS: each is tickets or a refusal in time, nothing
of this machine stands in them, and the server stays small."""

from __future__ import annotations

import time

import pytest

from tests.attack.harmful_files import LED_OUT, harmful_files
from tests.attack.scene import Scene, told
from tests.doors.test_hostile_files import most_memory_bytes, processes_of
from tests.doors.test_silent_strangers import people_are_served
from tests.leftovers import found_in_files
from tests.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.torture, pytest.mark.timeout(300)]

most_seconds = 60.0
"""Of one file. A job of an import has more; none of these asks for it."""


def test_no_file_harms_whoever_reads_it(attacked: Scene) -> None:
    there = set(LED_OUT.parent.glob(f"{LED_OUT.name}*"))
    came_in, slow = set(), {}
    with attacked.program("everything") as program, attacked.browser("owner") as alice:
        for name, content in harmful_files():
            began = time.monotonic()
            answer = program.post(
                f"/api/v1/data-sets?name={name}&filename={name}", content=content, headers={"Prefer": "wait=60"}
            )
            if (took := time.monotonic() - began) > most_seconds:
                slow[name] = took
            assert answer.status_code in (201, 400, 413, 422), (name, told(answer))
            assert "root:" not in answer.text and "Traceback" not in answer.text, name
            if answer.status_code == 201:
                came_in.add(name)
                sample = alice.get(f"/acme/tickets/{answer.json()['id']}/sample")
                assert sample.status_code == 200 and "root:x" not in sample.text, name
                program.delete(f"/api/v1/data-sets/{answer.json()['id']}")
    assert "ordinary.xlsx" in came_in, "else the workbooks prove nothing"
    assert not slow, slow
    for process in processes_of(attacked.studio):
        assert process.memory_info().rss < most_memory_bytes
    home = attacked.studio.installation.home
    # A job's row says that it is done a moment before its folder is gone.
    until(lambda: list((home / "jobs").iterdir()), lambda left: not left)
    assert set(LED_OUT.parent.glob(f"{LED_OUT.name}*")) == there
    assert not found_in_files(["root:x:0:0"], home)
    people_are_served(attacked.studio)
