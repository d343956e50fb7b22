"""Lists are ordered and searched by folded text: columns that PostgreSQL keeps, and indexes over them."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

from billing.lists.text import Folded, Skeleton, Words


def folded(column: str) -> models.GeneratedField:
    return models.GeneratedField(
        expression=Folded(column), output_field=models.TextField(db_collation="C"), db_persist=True
    )


class Migration(migrations.Migration):
    """A generated column's expression can't be altered, so the sorted one of customers is made anew."""

    dependencies = [("billing", "0012_folded_texts")]

    operations = [
        migrations.RemoveIndex(model_name="customer", name="customers_by_name"),
        migrations.RemoveIndex(model_name="customer", name="customers_by_external_id"),
        migrations.RemoveIndex(model_name="customer", name="customers_by_name_prefix"),
        migrations.RemoveIndex(model_name="customer", name="customers_by_name_words"),
        migrations.RemoveIndex(model_name="ingestalias", name="aliases_by_prefix"),
        migrations.RemoveIndex(model_name="plan", name="plans_by_name"),
        migrations.RemoveField(model_name="customer", name="sort_name"),
        migrations.AddField(model_name="customer", name="sort_name", field=folded("name")),
        migrations.AddField(model_name="customer", name="folded_external_id", field=folded("external_id")),
        migrations.AddField(
            model_name="customer",
            name="name_words",
            field=models.GeneratedField(
                expression=Words(Folded("name")),
                output_field=django.contrib.postgres.search.SearchVectorField(),
                db_persist=True,
            ),
        ),
        migrations.AddField(model_name="ingestalias", name="folded", field=folded("alias")),
        migrations.AddField(model_name="plan", name="sort_name", field=folded("name")),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["sort_name", "id"], name="customers_by_name"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["folded_external_id"], name="customers_by_external_id"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(Skeleton("name"), name="customers_by_looks"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["name_words"], name="customers_by_name_words"
            ),
        ),
        migrations.AddIndex(
            model_name="ingestalias",
            index=models.Index(fields=["folded"], name="aliases_by_prefix"),
        ),
        migrations.AddIndex(
            model_name="ingestalias",
            index=models.Index(Skeleton("alias"), name="aliases_by_looks"),
        ),
        migrations.AddIndex(
            model_name="plan",
            index=models.Index(fields=["sort_name", "id"], name="plans_by_name"),
        ),
    ]
