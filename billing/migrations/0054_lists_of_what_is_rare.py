"""Indexes of what is rare among a million: lists that are not read yet, contracts that are archived."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0043_who_decided_is_no_second_person")]

    operations = [
        migrations.AddIndex(
            model_name="reading",
            index=models.Index(
                fields=["noun"], condition=models.Q(read_at__isnull=True), name="readings_not_read_yet"
            ),
        ),
        migrations.AddIndex(
            model_name="contract",
            index=models.Index(
                fields=["sort_name", "id"],
                condition=models.Q(archived_at__isnull=False),
                name="contracts_archived_by_name",
            ),
        ),
    ]
