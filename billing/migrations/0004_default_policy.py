"""The policy an installation starts with. No rule matching means one manager, never nobody."""

from django.db import migrations

RULES = [
    {
        "name": "Everyday changes",
        "kinds": ["customer.create", "customer.rename", "customer.realias"],
        "when": [],
        "steps": [{"role": "manager", "people": 1}],
    },
    {
        "name": "An alias is removed",
        "kinds": ["*"],
        "when": [{"fact": "aliases_removed", "op": ">", "value": 0}],
        "steps": [{"role": "manager", "people": 2}],
    },
    {
        "name": "Cannot be undone",
        "kinds": ["*"],
        "when": [{"fact": "irreversible", "op": "is", "value": True}],
        "steps": [{"role": "manager", "people": 2}],
        "typed_confirmation": True,
    },
]


def install(apps, schema_editor):
    """Write version 1, unless a version is already there."""
    policy = apps.get_model("billing", "PolicyVersion")
    if not policy.objects.exists():
        policy.objects.create(version=1, rules=RULES)


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_changes_four_eyes")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
