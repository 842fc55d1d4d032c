from django.db import migrations


def name_the_document(apps, schema_editor):
    """Mails of the version before that wait to be sent say which document they bring: they looked for it when they were
    sent. An order by bank transfer had its invoice at once then, and its mail still brings it."""
    notices = apps.get_model("billing", "Notice")
    invoices = apps.get_model("billing", "Invoice")
    for notice in notices.objects.filter(
        sent_at__isnull=True, template__in=["invoice", "purchase_paid", "payment_refunded"]
    ):
        number = notice.context.pop("credit_note", "")
        if notice.template != "payment_refunded":
            of_order = invoices.objects.filter(
                organisation=notice.organisation, purchase__reference=notice.context["reference"], kind="invoice"
            )
            number = of_order.order_by("-issued_at", "-sequence").values_list("number", flat=True).first() or ""
        notice.context["document"] = number
        if notice.template == "invoice":
            notice.template = "document"
        notice.save(update_fields=["template", "context"])


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_pages_remember_their_payment")]

    operations = [migrations.RunPython(name_the_document, migrations.RunPython.noop)]
