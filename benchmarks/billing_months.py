"""How long the months of several simulated years take to audit, and what one reading of the history for each month
would take.

    python -m benchmarks.billing_months [--years 5] [--customers 20]

Each customer buys a package a month by bank transfer and spends most of it; a few packages are paid back. SQLite, in a
home of its own that is removed. Writes `.bench/billing_months.md`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import measured_on

if TYPE_CHECKING:
    from otai.orgs.models import Organisation

FRAGMENT = Path(__file__).resolve().parents[1] / ".bench" / "billing_months.md"
BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def live(customer: Organisation, months: int) -> None:
    """Its months of buying and spending, and each seventh package paid back."""
    from otai.billing import operations as billing
    from otai.ledger import operations as ledger
    from tests.billing.people import ALICE, OLGA, transfer

    for month in range(months):
        at = BEGAN + 30 * month * DAY
        bought = billing.buy(organisation=customer, package="10", key=f"m{month}", who=ALICE, now=at).purchase
        transfer(bought, at + DAY)
        if month % 7 == 6:
            billing.refund_payment(reference=bought.reference, who=OLGA, why="not needed", now=at + 2 * DAY)
            continue
        for run in range(3):
            key, when = f"run {month} {run}", at + (3 + run) * DAY
            hold = ledger.place_hold(
                organisation=customer.id,
                credits=3,
                key=key,
                reference=key,
                reason="run",
                now=when,
                deadline_at=when + DAY,
            )
            ledger.capture(organisation=customer.id, hold=hold.hold, key=f"{key}:c", reason="run", now=when)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--customers", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"OTAI_HOME": home, "DJANGO_SETTINGS_MODULE": "otai.config.settings"}
        os.environ.pop("OTAI_DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", interactive=False, verbosity=0)
        measure(months=12 * asked.years, customers=asked.customers)


def measure(*, months: int, customers: int) -> None:
    from otai.billing.audit import audit
    from otai.billing.package_months import package_months
    from otai.billing.seller import seller
    from otai.ledger.models import Transfer
    from otai.pricing.price_book import Tier
    from tests.billing.people import details, sign_up

    for number in range(customers):
        customer = sign_up(f"customer-{number}", Tier.COMMUNITY, BEGAN)
        details(customer, now=BEGAN)
        live(customer, months)
    zone = seller().zone
    began = time.process_time()
    found = package_months(zone)
    differences = [found.movement(month, currency).difference.cents for month, currency in found.moved()]
    once = time.process_time() - began
    assert not any(differences)
    began = time.process_time()
    for month, currency in found.moved():
        package_months(zone).movement(month, currency)
    each = time.process_time() - began
    began = time.process_time()
    assert audit().clean
    whole = time.process_time() - began
    text = (
        f"`python -m benchmarks.billing_months`; {measured_on()}, seconds of processor time, SQLite.\n\n"
        "| months | purchases | transfers | one reading | a reading for each month | the whole audit |\n"
        "|--:|--:|--:|--:|--:|--:|\n"
        f"| {len(found.moved())} | {months * customers} | {Transfer.objects.count()} | **{once:.2f}** | {each:.1f} | "
        f"{whole:.1f} |\n"
    )
    FRAGMENT.parent.mkdir(exist_ok=True)
    FRAGMENT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
