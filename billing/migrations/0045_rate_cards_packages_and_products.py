"""What contracts are made from: rate cards, packages and products, by name."""

from django.db import migrations, models

from billing.lists.text import Folded


def columns(*own: tuple[str, models.Field]) -> list[tuple[str, models.Field]]:
    return [
        ("raw", models.JSONField(null=True)),
        ("fetched_at", models.DateTimeField()),
        ("missing_since", models.DateTimeField(null=True)),
        ("id", models.UUIDField(primary_key=True, serialize=False)),
        ("name", models.TextField()),
        (
            "sort_name",
            models.GeneratedField(
                db_persist=True,
                expression=Folded("name"),
                output_field=models.TextField(db_collation="C"),
            ),
        ),
        *own,
    ]


def by_name(index: str) -> dict[str, list[models.Index]]:
    return {"indexes": [models.Index(fields=["sort_name", "id"], name=index)]}


class Migration(migrations.Migration):
    dependencies = [("billing", "0037_the_mirror_keeps_what_it_reads")]

    operations = [
        migrations.CreateModel(
            name="RateCard",
            fields=columns(
                ("description", models.TextField(blank=True)), ("currency", models.TextField(blank=True))
            ),
            options=by_name("rate_cards_by_name"),
        ),
        migrations.CreateModel(
            name="Package",
            fields=columns(
                ("rate_card_id", models.TextField(blank=True)),
                ("archived_at", models.DateTimeField(null=True)),
            ),
            options=by_name("packages_by_name"),
        ),
        migrations.CreateModel(
            name="Product",
            fields=columns(
                ("type", models.TextField()), ("archived_at", models.DateTimeField(null=True))
            ),
            options=by_name("products_by_name"),
        ),
    ]
