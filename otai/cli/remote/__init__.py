"""The command line against a Studio elsewhere: `OTAI_URL` and `OTAI_API_KEY`, or `otai login`.

The same words as against an installation of one's own: `otai tickets import`, `otai quote`, `otai train`, `otai runs`,
`otai predict`, `otai model`, `otai statement`, `otai balance`. `otai notifications` is for there alone. What works on
an installation itself (workers, pools, members ...) stays local, and of `otai org` all but `retention`, `export`,
`delete` and `keep`; `otai runs watch` is for here alone, since who trains on this machine watches anyway.
"""

from __future__ import annotations

import typer

from otai.cli.remote import credits, data, documents, models, notifications, prices, runs, tickets, training
from otai.cli.remote.signing_in import login, logout

__all__ = ["app", "login", "logout"]

app = typer.Typer(
    name="otai",
    help="OTAI Studio, at the address of OTAI_URL or `otai login`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("login")(login)
app.command("logout")(logout)
app.command("balance")(credits.balance)
app.command("statement")(credits.statement)
app.add_typer(tickets.app, name="tickets")
app.command("quote")(prices.quote)
app.command("train")(training.train)
app.add_typer(runs.app, name="runs")
app.command("predict")(models.predict)
app.add_typer(models.app, name="model")
app.add_typer(notifications.app, name="notifications")
app.add_typer(documents.app, name="billing")
app.add_typer(data.app, name="org")
