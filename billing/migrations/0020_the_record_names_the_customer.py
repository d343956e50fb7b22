"""The record keeps the customer's name as it was. Rows from before have none; nothing in them is changed."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0019_a_new_beginning_takes_two'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditevent',
            name='customer_name',
            field=models.TextField(blank=True, db_default=''),
        ),
    ]
