"""Contracts and billing configurations, and the queue by which customers' own lists are read."""

import billing.lists.text
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0036_what_requests_came_to'),
    ]

    operations = [
        migrations.CreateModel(
            name='BillingConfiguration',
            fields=[
                ('raw', models.JSONField(null=True)),
                ('fetched_at', models.DateTimeField()),
                ('missing_since', models.DateTimeField(null=True)),
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('billing_provider', models.TextField()),
                ('delivery_method', models.TextField()),
                ('is_archived', models.BooleanField(default=False)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='billing_configurations', to='billing.customer')),
            ],
        ),
        migrations.CreateModel(
            name='Contract',
            fields=[
                ('raw', models.JSONField(null=True)),
                ('fetched_at', models.DateTimeField()),
                ('missing_since', models.DateTimeField(null=True)),
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('name', models.TextField(blank=True)),
                ('sort_name', models.GeneratedField(db_persist=True, expression=billing.lists.text.Folded('name'), output_field=models.TextField(db_collation='C'))),
                ('name_words', models.GeneratedField(db_persist=True, expression=billing.lists.text.Words(billing.lists.text.Folded('name')), output_field=django.contrib.postgres.search.SearchVectorField())),
                ('starting_at', models.DateTimeField()),
                ('ending_before', models.DateTimeField(null=True)),
                ('archived_at', models.DateTimeField(null=True)),
                ('rate_card_id', models.UUIDField(null=True)),
                ('package_id', models.UUIDField(null=True)),
                ('custom_fields', models.JSONField(default=dict)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contracts', to='billing.customer')),
            ],
            options={
                'indexes': [models.Index(fields=['sort_name', 'id'], name='contracts_by_name'), models.Index(fields=['starting_at', 'id'], name='contracts_by_start'), models.Index(fields=['ending_before', 'id'], name='contracts_by_end'), django.contrib.postgres.indexes.GinIndex(fields=['name_words'], gin_pending_list_limit=256, name='contracts_by_name_words')],
            },
        ),
        migrations.CreateModel(
            name='Reading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('noun', models.TextField()),
                ('priority', models.SmallIntegerField()),
                ('due_at', models.DateTimeField(null=True)),
                ('read_at', models.DateTimeField(null=True)),
                ('claimed_until', models.DateTimeField(null=True)),
                ('trouble', models.TextField(blank=True, default='')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='readings', to='billing.customer')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['priority', 'due_at', 'id'], name='readings_that_are_due')],
                'constraints': [models.UniqueConstraint(fields=('noun', 'customer'), name='a_list_is_queued_once')],
            },
        ),
    ]
