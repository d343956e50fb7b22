"""Steps, calls and subjects come in the transaction of their request; a refused request can be blocked.

`born` is the transaction that inserted the request. Touching the row later doesn't change it, as it does xmin.
Being blocked is for ever, and the only way from applying back to approved for what is not agreed. A cool-off
can be neither shortened nor drawn out, and no lease or pause outlives a day, but for the owner, who restores.
"""

from django.db import migrations

FORWARD = """
ALTER TABLE billing_changerequest ADD COLUMN born xid8 NOT NULL DEFAULT pg_current_xact_id();

CREATE FUNCTION billing_is_owner(owned oid) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = owned), 'MEMBER')
$$;

CREATE OR REPLACE FUNCTION billing_guard_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    is_new_block boolean;
    a_day_on timestamptz := clock_timestamp() + interval '1 day';
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'submitted' OR NEW.blocked_at IS NOT NULL OR NEW.not_before IS NOT NULL
           OR NEW.settled_at IS NOT NULL THEN
            RAISE EXCEPTION 'a request begins as submitted, not as %', NEW.status
                USING ERRCODE = 'restrict_violation';
        END IF;
        NEW.born := pg_current_xact_id();
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'request % is never deleted', OLD.reference USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.uuid, NEW.reference, NEW.environment, NEW.kind, NEW.maker_id, NEW.customer_id,
        NEW.subject_text, NEW.sentence, NEW.irreversible, NEW.sealed, NEW.digest, NEW.replaces_id,
        NEW.submitted_at, NEW.expires_at, NEW.cool_off_seconds, NEW.born)
       IS DISTINCT FROM
       (OLD.id, OLD.uuid, OLD.reference, OLD.environment, OLD.kind, OLD.maker_id, OLD.customer_id,
        OLD.subject_text, OLD.sentence, OLD.irreversible, OLD.sealed, OLD.digest, OLD.replaces_id,
        OLD.submitted_at, OLD.expires_at, OLD.cool_off_seconds, OLD.born) THEN
        RAISE EXCEPTION 'request % was sealed at submit and never changes', OLD.reference
            USING ERRCODE = 'restrict_violation';
    END IF;
    is_new_block := OLD.blocked_at IS NULL AND NEW.blocked_at IS NOT NULL;
    IF OLD.blocked_at IS NOT NULL AND NEW.blocked_at IS DISTINCT FROM OLD.blocked_at THEN
        RAISE EXCEPTION 'request % is blocked and stays so', OLD.reference USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = OLD.status AND NEW.settled_at IS DISTINCT FROM OLD.settled_at THEN
        RAISE EXCEPTION 'request % keeps the time at which it was settled', OLD.reference
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status <> OLD.status THEN
        IF NOT (OLD.status || '>' || NEW.status) = ANY (billing_change_arrows()) THEN
            RAISE EXCEPTION 'request % cannot go from % to %', OLD.reference, OLD.status, NEW.status
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF OLD.blocked_at IS NOT NULL AND NEW.status IN ('approved', 'applying', 'applied') THEN
            RAISE EXCEPTION 'request % is blocked and goes no further', OLD.reference
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.status IN ('approved', 'applying', 'applied') AND NOT billing_is_agreed(NEW)
           AND NOT (is_new_block AND OLD.status = 'applying' AND NEW.status = 'approved') THEN
            RAISE EXCEPTION 'request % is not approved by everybody it needs', OLD.reference
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF OLD.status = 'submitted' AND NEW.status = 'approved' AND NOT billing_is_agreed_now(NEW) THEN
            RAISE EXCEPTION 'request %: an approval it needs is of somebody who may not give it any more',
                OLD.reference USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF billing_is_owner(TG_RELID) THEN
        RETURN NEW;
    END IF;
    IF OLD.status = 'submitted' AND NEW.status = 'approved' THEN
        IF (NEW.not_before IS NULL) IS DISTINCT FROM (NEW.cool_off_seconds = 0)
           OR abs(extract(epoch FROM NEW.not_before - clock_timestamp()) - NEW.cool_off_seconds) > 60 THEN
            RAISE EXCEPTION 'request % waits exactly as long as its policy says', OLD.reference
                USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.not_before IS DISTINCT FROM OLD.not_before THEN
        RAISE EXCEPTION 'request % waits exactly as long as its policy says', OLD.reference
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.lease_until IS DISTINCT FROM OLD.lease_until AND NEW.lease_until > a_day_on)
       OR (NEW.next_try_at IS DISTINCT FROM OLD.next_try_at AND NEW.next_try_at > a_day_on) THEN
        RAISE EXCEPTION 'request %: no lease and no pause is longer than a day', OLD.reference
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION billing_guard_sealed_part() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM billing_changerequest c
         WHERE c.id = NEW.change_id AND c.status = 'submitted' AND c.born = pg_current_xact_id()) THEN
        RAISE EXCEPTION '% of a sealed request cannot be added later', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER subject_is_sealed BEFORE INSERT ON billing_subject
    FOR EACH ROW EXECUTE FUNCTION billing_guard_sealed_part();
ALTER TABLE billing_subject ENABLE ALWAYS TRIGGER subject_is_sealed;

CREATE FUNCTION billing_guard_subject() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.id, NEW.change_id, NEW.key) IS DISTINCT FROM (OLD.id, OLD.change_id, OLD.key)
       OR (NEW.is_open AND NOT OLD.is_open) THEN
        RAISE EXCEPTION 'what a request writes to is sealed with it' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER subject_stays BEFORE UPDATE OR DELETE ON billing_subject
    FOR EACH ROW EXECUTE FUNCTION billing_guard_subject();
ALTER TABLE billing_subject ENABLE ALWAYS TRIGGER subject_stays;

CREATE FUNCTION billing_guard_freed_subject() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM billing_changerequest c WHERE c.id = NEW.change_id AND c.settled_at IS NULL) THEN
        RAISE EXCEPTION 'a subject is free only once its request is settled' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER subject_is_freed_by_settling AFTER UPDATE ON billing_subject
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.is_open AND NOT NEW.is_open)
    EXECUTE FUNCTION billing_guard_freed_subject();
ALTER TABLE billing_subject ENABLE ALWAYS TRIGGER subject_is_freed_by_settling;
"""

BACKWARD = """
DROP TRIGGER subject_is_freed_by_settling ON billing_subject;
DROP TRIGGER subject_stays ON billing_subject;
DROP TRIGGER subject_is_sealed ON billing_subject;
DROP FUNCTION billing_guard_freed_subject();
DROP FUNCTION billing_guard_subject();

CREATE OR REPLACE FUNCTION billing_guard_sealed_part() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM billing_changerequest c
         WHERE c.id = NEW.change_id AND c.status = 'submitted'
           AND c.xmin::text = pg_current_xact_id()::xid::text) THEN
        RAISE EXCEPTION '% of a sealed request cannot be added later', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION billing_guard_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'submitted' THEN
            RAISE EXCEPTION 'a request begins as submitted, not as %', NEW.status
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'request % is never deleted', OLD.reference USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.uuid, NEW.reference, NEW.environment, NEW.kind, NEW.maker_id, NEW.customer_id,
        NEW.subject_text, NEW.sentence, NEW.irreversible, NEW.sealed, NEW.digest, NEW.replaces_id,
        NEW.submitted_at, NEW.expires_at, NEW.cool_off_seconds)
       IS DISTINCT FROM
       (OLD.id, OLD.uuid, OLD.reference, OLD.environment, OLD.kind, OLD.maker_id, OLD.customer_id,
        OLD.subject_text, OLD.sentence, OLD.irreversible, OLD.sealed, OLD.digest, OLD.replaces_id,
        OLD.submitted_at, OLD.expires_at, OLD.cool_off_seconds) THEN
        RAISE EXCEPTION 'request % was sealed at submit and never changes', OLD.reference
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status <> OLD.status THEN
        IF NOT (OLD.status || '>' || NEW.status) = ANY (billing_change_arrows()) THEN
            RAISE EXCEPTION 'request % cannot go from % to %', OLD.reference, OLD.status, NEW.status
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.status IN ('approved', 'applying', 'applied') AND NOT billing_is_agreed(NEW) THEN
            RAISE EXCEPTION 'request % is not approved by everybody it needs', OLD.reference
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF OLD.status = 'submitted' AND NEW.status = 'approved' AND NOT billing_is_agreed_now(NEW) THEN
            RAISE EXCEPTION 'request %: an approval it needs is of somebody who may not give it any more',
                OLD.reference USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
DROP FUNCTION billing_is_owner(oid);
ALTER TABLE billing_changerequest DROP COLUMN born;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0009_guards_read_the_real_tables")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
