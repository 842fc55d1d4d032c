"""What the payments before this version brought, and what their reversals took, written down as rows.

Read from the ledger, where every grant and withdrawal names its cause in its key. Nothing of the ledger is changed.
"""

from django.db import migrations


def write_down(apps, schema_editor):
    model = lambda name, app="billing": apps.get_model(app, name).objects.using(schema_editor.connection.alias)  # noqa: E731
    for purchase in model("Purchase").filter(paid_at__isnull=False).order_by("paid_at", "id").iterator():
        for lot in _lots_of(purchase, model):
            if not model("BroughtLot").filter(lot=lot.id).exists():
                _brought(purchase, lot, model, gives_back=False)
    for reversal in model("Reversal").select_related("purchase").order_by("opened_at", "id").iterator():
        _reversal(reversal, reversal.purchase, model)


def _lots_of(purchase, model):
    lots = model("Lot", "ledger").filter(organisation_id=purchase.organisation_id)
    if purchase.lot:
        return lots.filter(id=purchase.lot)
    if purchase.period_from_at is None:
        return lots.none()
    of_tier = lots.filter(reference=f"tier:{purchase.tier}").order_by("seq")
    monthly = of_tier.filter(
        source="monthly", granted_at__gte=purchase.period_from_at, granted_at__lt=purchase.period_until_at
    )
    return [*of_tier.filter(source="initial", granted_at__lte=purchase.paid_at), *monthly]


def _brought(purchase, lot, model, *, gives_back):
    model("BroughtLot").create(
        organisation_id=purchase.organisation_id,
        purchase_id=purchase.id,
        lot=lot.id,
        source=lot.source,
        credits=lot.credits,
        gives_back=gives_back,
        brought_at=lot.granted_at,
    )


def _reversal(reversal, purchase, model):
    transfers = model("Transfer", "ledger").filter(organisation_id=purchase.organisation_id)
    key = f"reversal:{purchase.id}"
    collected = list(transfers.filter(key__startswith=f"{key}:owed:").order_by("seq"))
    first = transfers.filter(kind="withdrawal", key__startswith=key).exclude(id__in=[one.id for one in collected])
    taken, net = reversal.withdrawn_credits, reversal.withdrawn_net_cents
    for transfer in first:
        _taking(reversal, purchase, transfer, net, model)
    events = model("Event").filter(subject="reversal", subject_id=str(reversal.id), move="owed credits collected")
    for transfer, event in zip(collected, events.order_by("id"), strict=False):
        _taking(reversal, purchase, transfer, event.details["net_cents"], model)
        taken, net = taken + transfer.credits, net + event.details["net_cents"]
    won = transfers.filter(key=f"reversal-won:{reversal.id}").first()
    if won is not None:
        _taking(reversal, purchase, won, net, model, gives_back=True)
        _brought(purchase, model("Lot", "ledger").get(id=won.id), model, gives_back=True)
    if reversal.state == "won":
        taken = net = 0
    else:
        refunds = model("PaymentRefund").filter(purchase_id=purchase.id).exclude(kind="surplus")
        left = max(0, purchase.gross_cents - sum(refunds.values_list("gross_cents", flat=True)))
        reversal.price_cents = min(reversal.cents, left)
        reversal.excess_cents = reversal.cents - reversal.price_cents
        reversal.share_credits = taken + reversal.owed_credits
    reversal.withdrawn_credits, reversal.withdrawn_net_cents = taken, net
    if reversal.state == "lost":
        notes = model("Invoice").filter(purchase_id=purchase.id, kind="credit_note")
        vat = sum(notes.values_list("vat_cents", flat=True))
        own = model("PaymentRefund").filter(purchase_id=purchase.id).exclude(kind="surplus")
        reversal.credited_net_cents = net
        reversal.credited_vat_cents = max(0, vat - sum(own.values_list("vat_cents", flat=True)))
    reversal.save()


def _taking(reversal, purchase, transfer, net, model, *, gives_back=False):
    model("Taking").create(
        organisation_id=purchase.organisation_id,
        purchase_id=purchase.id,
        reversal_id=reversal.id,
        gives_back=gives_back,
        source="purchase",
        lot=transfer.id if gives_back else purchase.lot,
        transfer=transfer.id,
        credits=transfer.credits,
        net_cents=net,
        at=transfer.at,
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_money_that_goes_back"), ("ledger", "0001_initial")]
    operations = [migrations.RunPython(write_down, migrations.RunPython.noop, elidable=False)]
