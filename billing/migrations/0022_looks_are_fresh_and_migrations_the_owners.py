"""A look at Metronome is of now and of what was sent; what Django keeps for migrations is the owner's alone.

A row in django_migrations for one to come would keep it, and its guards, from ever being run.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION billing_guard_look() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF billing_is_owner(TG_RELID) THEN
        RETURN NEW;
    END IF;
    IF (abs(extract(epoch FROM NEW.looked_at - clock_timestamp())) < 60 AND EXISTS (
            SELECT FROM billing_call l JOIN billing_changerequest c ON c.id = l.change_id
             WHERE l.id = NEW.call_id AND l.first_sent_at IS NOT NULL AND l.status IN ('waiting', 'unknown')
               AND c.status IN ('applying', 'unknown') AND c.claim_token IS NOT NULL)) IS NOT TRUE THEN
        RAISE EXCEPTION '% on % refused: the application does nothing like it', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER practice BEFORE INSERT ON billing_lookup FOR EACH ROW EXECUTE FUNCTION billing_guard_look();
ALTER TABLE billing_lookup ENABLE ALWAYS TRIGGER practice;

CREATE FUNCTION billing_guard_owners_own() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT billing_is_owner(TG_RELID) THEN
        RAISE EXCEPTION '% on % refused: only migrations write here', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
DO $$
DECLARE kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['django_migrations', 'django_content_type', 'auth_permission', 'auth_group',
                                'auth_group_permissions', 'billing_user_groups',
                                'billing_user_user_permissions'] LOOP
        EXECUTE format('CREATE TRIGGER only_migrations_write BEFORE INSERT OR UPDATE OR DELETE ON %s'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION billing_guard_owners_own()', kept);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER only_migrations_write', kept);
    END LOOP;
END $$;
"""

BACKWARD = """
DROP FUNCTION billing_guard_owners_own() CASCADE;
DROP FUNCTION billing_guard_look() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0021_the_record_by_its_words")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
