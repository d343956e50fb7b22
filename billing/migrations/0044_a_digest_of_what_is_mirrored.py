"""A digest of Metronome's own JSON beside it: what has not changed is told without comparing the whole."""

from django.db import migrations, models

LISTED = ("customer", "plan", "ratecard", "product", "package")


class Migration(migrations.Migration):
    dependencies = [("billing", "0056_the_freeze_waits_for_whoever_holds_it_still")]

    operations = [migrations.AddField(noun, "raw_digest", models.UUIDField(null=True)) for noun in LISTED]
