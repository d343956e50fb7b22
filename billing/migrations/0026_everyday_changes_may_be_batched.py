"""Everyday changes may be decided together: a new version of the policy that an installation starts with.

An installation that has written a policy of its own keeps it.
"""

import importlib

from django.db import migrations

FIRST = importlib.import_module("billing.migrations.0004_default_policy").RULES
RULES = [FIRST[0] | {"may_be_batched": True}, *FIRST[1:]]


def install(apps, schema_editor):
    """Write the next version, where the first is still in force."""
    policy = apps.get_model("billing", "PolicyVersion")
    latest = policy.objects.order_by("-version").first()
    if latest is not None and latest.rules == FIRST:
        policy.objects.create(version=latest.version + 1, rules=RULES)


class Migration(migrations.Migration):
    dependencies = [("billing", "0025_mail_addresses_change_on_record")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
