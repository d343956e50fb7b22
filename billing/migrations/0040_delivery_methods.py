"""The account's delivery methods, so that who adds a billing provider chooses one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0044_a_digest_of_what_is_mirrored")]

    operations = [
        migrations.CreateModel(
            name="DeliveryMethod",
            fields=[
                ("raw", models.JSONField(null=True)),
                ("fetched_at", models.DateTimeField()),
                ("missing_since", models.DateTimeField(null=True)),
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("billing_provider", models.TextField()),
                ("delivery_method", models.TextField()),
            ],
        )
    ]
