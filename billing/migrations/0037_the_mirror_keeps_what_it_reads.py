"""Metronome's own JSON of a record beside its columns, and what a refresh under way has seen.

The list of what was seen is unlogged and has no index: it is appended to, asked once, and emptied.
"""

from django.db import migrations, models

SEEN = "CREATE UNLOGGED TABLE billing_seen (run bigint NOT NULL, noun text NOT NULL, key text NOT NULL)"


class Migration(migrations.Migration):
    dependencies = [("billing", "0035_a_second_person_disagrees")]

    operations = [
        migrations.AddField("customer", "raw", models.JSONField(null=True)),
        migrations.AddField("plan", "raw", models.JSONField(null=True)),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(SEEN, "DROP TABLE billing_seen")],
            state_operations=[
                migrations.CreateModel(
                    name="Seen",
                    fields=[
                        ("run", models.BigIntegerField()),
                        ("noun", models.TextField()),
                        ("key", models.TextField(primary_key=True, serialize=False)),
                    ],
                ),
            ],
        ),
    ]
