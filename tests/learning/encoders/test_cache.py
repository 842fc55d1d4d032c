"""Vectors kept by content: found again, never wrong, never in the way."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from otai.learning.encoders import Encoder, EncoderStore, VectorCache, open_encoder

pytestmark = pytest.mark.pure
TEXTS = ["my vpn drops", "the printer is broken", "meine Rechnung ist falsch", ""]
DAY = 86_400


def vectors_of(count: int, *, seed: int = 0, dimension: int = 512) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)


def read(cache: VectorCache, encoder: str, texts: list[str], dimension: int = 512) -> tuple[np.ndarray, list[int]]:
    found = np.zeros((len(texts), dimension), dtype=np.float32)
    return found, list(cache.read(encoder, texts, found))


def test_what_was_written_is_read_bit_for_bit(tmp_path: Path) -> None:
    cache, vectors = VectorCache(tmp_path), vectors_of(4)
    assert read(cache, "one", TEXTS)[1] == [0, 1, 2, 3]
    cache.write("one", TEXTS, vectors)
    found, unknown = read(VectorCache(tmp_path), "one", [*TEXTS, "never seen"])
    assert unknown == [4]
    assert np.array_equal(found[:4], vectors)
    assert (cache.hits, cache.misses, cache.failures) == (0, 4, 0)


def test_another_encoder_or_dimension_never_gets_these_vectors(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path)
    cache.write("one", TEXTS, vectors_of(4))
    assert read(cache, "two", TEXTS)[1] == [0, 1, 2, 3]
    assert read(cache, "one", TEXTS, dimension=384)[1] == [0, 1, 2, 3]


def test_a_second_training_encodes_only_what_is_new(universal: Encoder, tmp_path: Path) -> None:
    first = universal.encode(TEXTS, cache=VectorCache(tmp_path))
    cache = VectorCache(tmp_path)
    second = universal.encode([*TEXTS, "one new ticket"], cache=cache)
    assert (cache.hits, cache.misses) == (4, 1)
    assert np.array_equal(first, second[:4])
    assert cache.count() == 5


def test_torch_is_not_loaded_while_the_cache_knows_every_text(
    universal: Encoder, store: EncoderStore, tmp_path: Path
) -> None:
    universal.encode(TEXTS, cache=VectorCache(tmp_path))
    program = f"""
import sys
from pathlib import Path
from otai.learning.encoders import EncoderStore, VectorCache, open_encoder
encoder = open_encoder("use-multilingual", store=EncoderStore(Path({str(store.folder)!r})))
assert encoder.encode({TEXTS!r}, cache=VectorCache(Path({str(tmp_path)!r}))).shape == (4, 512)
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_flipped_bit_is_a_miss_and_not_a_wrong_vector(tmp_path: Path) -> None:
    cache, vectors = VectorCache(tmp_path), vectors_of(4)
    cache.write("one", TEXTS, vectors)
    with sqlite3.connect(cache.path) as connection:
        row, blob = connection.execute("SELECT rowid, vector FROM vectors LIMIT 1").fetchone()
        damaged = bytes([blob[0] ^ 1]) + blob[1:]
        connection.execute("UPDATE vectors SET vector = ? WHERE rowid = ?", [damaged, row])
    unknown = read(cache, "one", TEXTS)[1]
    assert len(unknown) == 1
    cache.write("one", [TEXTS[unknown[0]]], vectors[unknown])
    assert np.array_equal(read(cache, "one", TEXTS)[0], vectors)


@pytest.mark.parametrize("damage", ["not a database", "cut short", "zeros inside"])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: str) -> None:
    cache = VectorCache(tmp_path)
    cache.write("one", [f"text {index}" for index in range(200)], vectors_of(200))
    content = cache.path.read_bytes()
    if damage == "not a database":
        cache.path.write_bytes(os.urandom(50_000))
    elif damage == "cut short":
        cache.path.write_bytes(content[: len(content) // 3])
    else:
        cache.path.write_bytes(content[:20_000] + bytes(200_000) + content[220_000:])
    read(cache, "one", TEXTS)
    cache.write("one", TEXTS, vectors_of(4, seed=1))
    cache.write("one", TEXTS, vectors_of(4, seed=1))
    found, unknown = read(cache, "one", TEXTS)
    assert (unknown, np.array_equal(found, vectors_of(4, seed=1))) == ([], True)


def test_a_locked_file_is_left_alone_and_costs_only_the_encoding(universal: Encoder, tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, lock_seconds=0.05)
    universal.encode(TEXTS[:1], cache=cache)
    other = sqlite3.connect(cache.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    vectors = universal.encode(TEXTS, cache=cache)
    other.execute("ROLLBACK")
    other.close()
    assert np.abs(vectors - universal.encode(TEXTS)).max() < 1e-5
    assert cache.failures == 2
    assert cache.count() == 1


def test_a_folder_that_cannot_be_written_costs_only_the_encoding(universal: Encoder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = VectorCache(tmp_path / "file" / "cache")
    assert universal.encode(TEXTS, cache=cache).shape == (4, 512)
    assert cache.failures


def test_it_stays_within_its_bytes_and_forgets_what_was_unused_for_longest(tmp_path: Path) -> None:
    now = [0.0]
    cache = VectorCache(tmp_path, max_bytes=2_000_000, clock=lambda: now[0])
    kept = ["asked for every day", *TEXTS]
    cache.write("one", kept, vectors_of(5))
    for day in range(1, 11):
        now[0] = day * DAY
        assert read(cache, "one", kept)[1] == []
        cache.write("one", [f"day {day} text {index}" for index in range(200)], vectors_of(200, seed=day))
    assert cache.path.stat().st_size < 2_000_000 * 1.3
    assert 600 < cache.count() < 1_000
    assert read(cache, "one", kept)[1] == []
    assert read(cache, "one", ["day 1 text 5"])[1] == [0]
    assert read(cache, "one", ["day 10 text 5"])[1] == []


def test_several_processes_write_and_read_the_same_file(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
import numpy as np
from otai.learning.encoders.cache import VectorCache
cache, own = VectorCache(Path(sys.argv[1])), int(sys.argv[2])
for portion in range(10):
    texts = [f"text {(own * 50 + portion * 37 + index) % 400}" for index in range(100)]
    vectors = np.array([[float(text.split()[1])] * 64 for text in texts], dtype=np.float32)
    found = np.zeros_like(vectors)
    unknown = cache.read("one", texts, found)
    cache.write("one", [texts[row] for row in unknown], vectors[unknown])
    found[unknown] = vectors[unknown]
    assert np.array_equal(found, vectors)
assert cache.failures == 0, cache.failures
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    running = [subprocess.Popen([*command, str(own)]) for own in range(4)]
    assert [process.wait(timeout=120) for process in running] == [0, 0, 0, 0]
    assert VectorCache(tmp_path).count() == 400


def test_a_cancelled_run_keeps_what_it_encoded(
    universal: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.learning.encoders.encoder.CHUNK_TEXTS", 2)
    cache = VectorCache(tmp_path)

    def cancel(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        universal.encode(TEXTS, cache=cache, progress=cancel)
    assert cache.count() == 2


def test_the_fingerprint_moves_with_all_that_decides_a_vector(store: EncoderStore) -> None:
    import dataclasses

    spec = open_encoder("minilm-en", store=store).spec
    changed = [
        dataclasses.replace(spec, head_tokens=64),
        dataclasses.replace(spec, prefix="query: "),
        dataclasses.replace(spec, files=(dataclasses.replace(spec.files[0], sha256="0" * 64), *spec.files[1:])),
    ]
    assert len({spec.fingerprint, *(other.fingerprint for other in changed)}) == 4
    assert dataclasses.replace(spec, note="reworded", licence="MIT", title="x").fingerprint == spec.fingerprint
