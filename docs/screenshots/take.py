"""Pictures of every page of the Studio: light, dark, on a phone, and in German. Needs Chromium and the development
environment.

    .venv/bin/python docs/screenshots/take.py [NAME ...]

Makes an installation in a temporary folder, with synthetic tickets and real trainings on them, and serves it. With
names, only those pages.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402

from tests.web.studio_server import Installation, chromium  # noqa: E402

FOLDER = Path(__file__).resolve().parent
KINDS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    "german": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light", "locale": "de-DE"},
}
tallest = 2400
colours = 128
"""Of a picture's palette: text stays sharp, and a picture takes about 50 kB."""

PREPARE = """
import json, sys
import django

django.setup()
from django.test import Client
from otai.db import utc_now
from otai.orgs.models import Organisation, User
from otai.orgs.operations import add_member, create_api_key, invite
from otai.orgs.permissions import Role
from otai.outbound.operations import create_endpoint, send_test
from otai.pricing.price_book import Delivery, Mode
from otai.runs.models import Reason
from otai.runs.operations import make_quote, order_run
from otai.serving import feedback
from otai.serving.models import ModelVersion, TrainedModel
from otai.tickets.models import DataSet

now = utc_now()
acme, initech = Organisation.objects.get(slug="acme"), Organisation.objects.get(slug="initech")
alice = User.objects.create_user(username="alice", email="alice@acme.example", first_name="Alice", last_name="Smith")
bob = User.objects.create_user(username="bob", email="bob@acme.example", first_name="Bob", last_name="Jones")
for organisation in (acme, initech):
    add_member(organisation=organisation, user=alice, role=Role.OWNER, who="setup", now=now)
add_member(organisation=acme, user=bob, role=Role.TRAINER, who="setup", now=now)
support = DataSet.objects.filter(name="support").latest("version")
version = ModelVersion.objects.order_by("-number").first()
said = [
    feedback.Correction("The coffee machine on floor 3 leaks", {"queue": ("Facilities",)}),
    feedback.Correction("Payslip for March is missing", {"queue": ("Human Resources",), "priority": ("low",)}),
]
feedback.give(version=version, corrections=said, by="bob@acme.example", key="pictures", now=now)
quote = make_quote(
    organisation=acme,
    data_set=support,
    attributes=["queue", "priority", "type"],
    mode=Mode.BASIC,
    delivery=Delivery.FAST,
    model_name="support-routing",
    reason=Reason.NEW_MODEL,
    now=now,
)
order_run(organisation=acme, quote=quote.id, who="bob@acme.example", now=now)
hook = create_endpoint(
    organisation=acme,
    url="https://hooks.acme.example/otai",
    events=["run.completed", "model.ready"],
    description="routes new models",
    who="alice@acme.example",
    now=now,
).endpoint
send_test(organisation=acme, endpoint=hook.id, who="alice@acme.example", now=now)
browser = Client()
browser.force_login(alice)
print(
    json.dumps(
        {
            "session": browser.cookies["sessionid"].value,
            "support": str(support.id),
            "model": str(TrainedModel.objects.get(name="support").id),
            "webhook": str(hook.id),
        }
    )
)
"""


def installation(folder: Path) -> tuple[Installation, dict[str, str]]:
    """Acme in Pro, with two trained versions, a training that failed and one that waits; Initech, which begins."""
    made = Installation(folder / "home")
    made.home.mkdir()
    made.otai("init")
    made.otai("org", "create", "acme", "--name", "Acme Ltd", "--tier", "pro", "--time-zone", "Europe/Berlin")
    made.otai("org", "create", "initech", "--name", "Initech", "--tier", "community")
    fewer, tickets, same = folder / "fewer.csv", folder / "support.csv", folder / "same.csv"
    for file, count in ((fewer, "1200"), (tickets, "2400")):
        made.otai("tickets", "sample", str(file), "--tickets", count)
    made.otai("tickets", "import", str(fewer), "--name", "support", "--org", "acme")
    same.write_text("text,queue\n" + "\n".join(f"the very same words,{'ab'[n % 2]}" for n in range(40)))
    made.otai("tickets", "import", str(same), "--name", "broken-export", "--org", "acme")
    made.otai("train", "support", "--yes", "--org", "acme")
    made.otai("tickets", "import", str(tickets), "--name", "support", "--org", "acme")
    made.otai("train", "support", "--yes", "--org", "acme")
    made.otai("train", "broken-export", "--yes", "--org", "acme", fails=True)
    details = {"name": "Acme GmbH", "street": "Hauptstr. 1", "postcode": "10115", "city": "Berlin", "country": "DE",
               "email": "billing@acme.example"}  # fmt: skip
    given = [part for name, value in details.items() for part in (f"--{name}", value)]
    made.otai("billing", "details", "set", *given, "--org", "acme")
    made.otai("billing", "buy", "50", "--org", "acme")
    # The sweep asks for the tier's first month.
    made.otai("billing", "sweep")
    for line, ordered in enumerate(made.json("billing", "purchases", "--org", "acme")):
        gross = f"{ordered['gross_cents'] / 100:.2f}"
        made.otai(
            "billing", "confirm-payment", ordered["reference"], gross, "--bank-reference", f"statement 7, line {line}"
        )
    bought = next(one for one in made.json("billing", "purchases", "--org", "acme") if one["credits"])
    known = made.python(PREPARE)
    return made, {**known, "purchase": bought["reference"], "tickets": str(tickets)}


def pages(known: dict[str, str], columns: str) -> dict[str, str]:
    model = f"/acme/models/{known['model']}/"
    return {
        "sign-in": "/account/login/",
        "sign-up": "/account/signup/",
        "first-run": "/initech/",
        "home": "/acme/",
        "tickets-empty": "/initech/tickets/",
        "tickets": "/acme/tickets/",
        "columns": columns,
        "data-set": f"/acme/tickets/{known['support']}/",
        "ticket-browser": f"/acme/tickets/{known['support']}/browse",
        "ticket": f"/acme/tickets/{known['support']}/browse/3",
        "review": f"/acme/tickets/{known['support']}/review/",
        "train": f"/acme/train/?data_set={known['support']}",
        "train-one-attribute": f"/acme/train/?data_set={known['support']}&chosen=1&attribute=queue",
        "runs": "/acme/runs/",
        "run-waiting": "/acme/runs/4/",
        "run-failed": "/acme/runs/3/",
        "run-completed": "/acme/runs/2/",
        "attribute": "/acme/runs/2/attributes/0/",
        "report-card": "/acme/runs/2/report-card.html",
        "models": "/acme/models/",
        "model": model,
        "compare": f"{model}compare",
        "feedback": f"{model}feedback/",
        "guarantee": "/acme/guarantee/",
        "credits": "/acme/credits/",
        "ledger": "/acme/credits/ledger/",
        "package": "/acme/credits/packages/50/",
        "purchase": f"/acme/credits/purchases/{known['purchase']}/",
        "invoices": "/acme/credits/invoices/",
        "billing-details": "/acme/credits/details/",
        "tier": "/acme/credits/tier/",
        "spending": "/acme/credits/spending/",
        "payment-methods": "/acme/credits/methods/",
        "low-credits": "/acme/credits/low/",
        "team": "/acme/team/",
        "api-keys": "/acme/team/keys/",
        "webhooks": "/acme/team/webhooks/",
        "webhook": f"/acme/team/webhooks/{known['webhook']}/",
        "organisation": "/acme/team/organisation/",
        "organisation-data": "/acme/team/data/",
        "access": "/acme/team/access/",
        "profile": "/acme/account/",
        "sessions": "/account/sessions/",
        "second-factor": "/account/second-factor/",
        "notifications": "/acme/notifications/",
        "find": "/acme/find/?q=support",
        "shortcuts": "/acme/keys/",
        "help": "/acme/help/prices/",
        "help-index": "/acme/help/",
        "help-page": "/acme/help/report-card/",
        "help-search": "/acme/help/?q=precision",
        "not-found": "/acme/runs/999/",
    }


SIGNED_OUT = {"sign-in", "sign-up"}


def take(page: Any, address: str, target: Path, *, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    answer = page.goto(address)
    assert answer.status < 500, f"{address}: {answer.status}"
    page.wait_for_load_state("networkidle") if "runs/4" not in address else page.wait_for_timeout(800)
    page.wait_for_timeout(300)
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": max(700, min(height, tallest))})
    page.wait_for_timeout(250)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(target, optimize=True)


def main() -> None:
    wanted = set(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="otai-pictures-") as folder:
        made, known = installation(Path(folder))
        with made.studio() as base, chromium() as browser:
            signed_in = [{"name": "sessionid", "value": known["session"], "url": base}]
            with browser.new_context() as uploading:
                uploading.add_cookies(signed_in)
                page = uploading.new_page()
                page.goto(f"{base}/acme/tickets/")
                page.set_input_files("#file", known["tickets"])
                page.click("[data-uploads] button")
                page.wait_for_url("**/tickets/uploads/**")
                columns = page.url.removeprefix(base)
            for kind, look in KINDS.items():
                with (
                    browser.new_context(**{"locale": "en-GB", **look}) as inside,
                    browser.new_context(**{"locale": "en-GB", **look}) as outside,
                ):
                    inside.add_cookies(signed_in)
                    one, other = inside.new_page(), outside.new_page()
                    for name, path in pages(known, columns).items():
                        if wanted and name not in wanted:
                            continue
                        target = FOLDER / f"{name}-{kind}.png"
                        width = int(look["viewport"]["width"])
                        take(other if name in SIGNED_OUT else one, f"{base}{path}", target, width=width)
                        sys.stdout.write(f"{target.name} {target.stat().st_size // 1024} kB\n")


if __name__ == "__main__":
    main()
