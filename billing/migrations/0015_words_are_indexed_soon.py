"""Names wait for the index of their words in a list of 256 kB, not of 4 MB: each search reads all that waits."""

import django.contrib.postgres.indexes
from django.db import migrations

INDEX = django.contrib.postgres.indexes.GinIndex(
    fields=["name_words"], name="customers_by_name_words", gin_pending_list_limit=256
)


class Migration(migrations.Migration):
    dependencies = [("billing", "0014_exports_end")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER INDEX customers_by_name_words SET (gin_pending_list_limit = 256)",
                    "ALTER INDEX customers_by_name_words RESET (gin_pending_list_limit)",
                )
            ],
            state_operations=[
                migrations.RemoveIndex("customer", "customers_by_name_words"),
                migrations.AddIndex("customer", INDEX),
            ],
        )
    ]
