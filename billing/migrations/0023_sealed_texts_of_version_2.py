"""Requests are sealed as version 2 from here on, and no older text is read.

Nothing was released before it. A database that holds older requests is a trial: it is told, and left as it is.
"""

from django.db import migrations

FORWARD = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM billing_changerequest WHERE sealed::jsonb ->> 'version' <> '2') THEN
        RAISE EXCEPTION 'this database holds requests of a version before 1.0.0, which are not carried on:'
            ' begin with an empty database (make clean forgets a demo)';
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0022_looks_are_fresh_and_migrations_the_owners")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
