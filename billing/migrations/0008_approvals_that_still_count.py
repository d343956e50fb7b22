"""An approval counts only while its giver is active and has the role of its step, until the last one is given.

Afterwards the request is approved and stays so. Who left no longer blocks the others: their step opens again.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION billing_is_agreed_now(change billing_changerequest) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT billing_is_agreed(change)
       AND NOT EXISTS (
        SELECT FROM billing_approvalstep s
         WHERE s.change_id = change.id
           AND s.people > (
               SELECT count(DISTINCT d.checker_id)
                 FROM billing_decision d JOIN billing_user u ON u.id = d.checker_id
                WHERE d.step_id = s.id AND d.change_id = change.id AND d.verdict = 'approve'
                  AND d.digest = change.digest AND d.checker_id <> change.maker_id
                  AND u.is_active AND u.role = s.role))
$$;

CREATE OR REPLACE FUNCTION billing_guard_change() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""

BACKWARD = """
CREATE OR REPLACE FUNCTION billing_is_agreed_now(change billing_changerequest) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT billing_is_agreed(change) AND NOT EXISTS (
        SELECT FROM billing_decision d JOIN billing_user u ON u.id = d.checker_id
         WHERE d.change_id = change.id AND NOT u.is_active)
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0007_usernames_differ_in_more_than_case")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
