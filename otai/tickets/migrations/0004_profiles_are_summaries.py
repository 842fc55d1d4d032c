from django.db import migrations

# As of this release: how many labels a summary names, of all attributes together, of one at most and at least, and how
# many training tickets a label needs.
ALL, ONE, LEAST, ENOUGH = 1_000, 200, 10, 5


def summarise(apps, schema_editor):
    """All labels are rows of their own; those of deleted tickets are figures without names, and stay where they are."""
    data_sets = apps.get_model("tickets", "DataSet").objects
    for id in list(data_sets.filter(deleted_at=None).values_list("id", flat=True)):
        found = data_sets.only("id", "profile").get(id=id)
        attributes = found.profile.get("attributes") or []
        most = max(LEAST, min(ONE, ALL // max(len(attributes), 1)))
        if all(len(one["labels"]) <= most for one in attributes):
            continue
        for one in attributes:
            one["label_count"] = len(one["labels"])
            one["learnable_labels"] = sum(label["training_count"] >= ENOUGH for label in one["labels"])
            one["labels"] = one["labels"][:most]
        found.save(update_fields=["profile"])


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0003_tickets_can_be_deleted'),
    ]

    operations = [
        migrations.RunPython(summarise, migrations.RunPython.noop),
    ]
