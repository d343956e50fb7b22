"""A customer's page asks for every request that writes to it, settled ones too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0026_everyday_changes_may_be_batched")]

    operations = [
        migrations.AddIndex(
            model_name="subject", index=models.Index(fields=["key"], name="subjects_by_key")
        ),
    ]
