"""Arguments and options that commands of several nouns share, each with one meaning."""

from __future__ import annotations

from typing import Annotated

import typer

EmailArgument = Annotated[str, typer.Argument(help="Their mail address.")]
ModelArgument = Annotated[str, typer.Argument(help="Name of the model.")]
RunArgument = Annotated[int, typer.Argument(help="The run's number, as `otai runs list` shows it.")]
WhyOption = Annotated[str, typer.Option(help="The reason, for the books.")]
