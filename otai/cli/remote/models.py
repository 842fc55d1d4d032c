"""Models of the Studio elsewhere: predict, list, export, delete."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from otai.cli.arguments import ModelArgument
from otai.cli.output import JsonOption, print_json
from otai.cli.presenters import models
from otai.cli.remote.signing_in import studio
from otai.client import ModelVersion

app = typer.Typer(help="Trained models: list, export, delete.", no_args_is_help=True)


def predict(
    name: ModelArgument,
    texts: Annotated[list[str] | None, typer.Argument(help="Tickets; standard input, one a line, if left out.")] = None,
    version: Annotated[int | None, typer.Option("--version", help="Another version.")] = None,
    precision: Annotated[
        float | None, typer.Option(help="0.9, 0.95 or 0.99: each answer says whether it may be decided alone.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """What the model says of new tickets, with its confidence. With --json: one object a ticket, one a line."""
    texts = models.texts_given(texts)
    with studio() as there:
        predictions = there.predict(name, texts, version=version, precision=precision)
    for text, prediction in zip(texts, predictions, strict=True):
        alone = (
            {name: said.decides_alone is True for name, said in prediction.attributes.items()} if precision else None
        )
        if json:
            rows = {
                attribute: {
                    "labels": said.labels,
                    "confidence": said.confidence,
                    **({} if alone is None else {"decides_alone": alone[attribute]}),
                }
                for attribute, said in prediction.attributes.items()
            }
            sys.stdout.write(json_module.dumps({"text": text, "attributes": rows}, ensure_ascii=False) + "\n")
            continue
        models.show_prediction(text, prediction.attributes, alone)


@app.command("list")
def list_models(json: JsonOption = False) -> None:
    """All versions of all models, newest first."""
    with studio() as there:
        found = list(there.models())
    if json:
        print_json([version.raw for version in found])
    else:
        models.show_versions((_version(one) for one in found), zone=None)


def _version(found: ModelVersion) -> dict[str, Any]:
    # A Studio of the version before does not say which one is live.
    return {**found.raw, "created_at": found.created_at, "live": found.raw.get("live", False)}


@app.command("export")
def export(
    name: ModelArgument,
    target: Annotated[Path, typer.Argument(help="File to write, or a folder.")] = Path(),
    version: Annotated[int | None, typer.Option("--version", help="Another version.")] = None,
    json: JsonOption = False,
) -> None:
    """Download the model: one file that predicts anywhere, with the Python package and without a database."""
    with studio() as there:
        path = there.download(name, target, version=version)
    if json:
        print_json({"file": path, "bytes": path.stat().st_size})
    else:
        models.show_export(name, path)


@app.command("delete")
def delete(
    name: ModelArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete it for good.")] = False,
) -> None:
    """Delete a model with all its versions; needs the scope models:manage."""
    if not yes:
        models.show_would_go(name)
        return
    with studio() as there:
        there.delete_model(name)
    models.show_gone(name)
