"""A refresh that somebody ran at the command line says so; until now it looked like the schedule's."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0030_results_stay")]
    operations = [
        migrations.AddField("refreshrun", "asked_as", models.TextField(blank=True, default="", db_default="")),
    ]
