"""*Blocked* is a status, with arrows: nothing more is sent of it, it keeps what it holds, and two people close it.

It was a time beside a status that went on to say *approved*. The arrows lose those that nothing ever took.
"""

from django.db import migrations, models

REFUSE_OLDER = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM billing_changerequest WHERE blocked_at IS NOT NULL AND settled_at IS NULL) THEN
        RAISE EXCEPTION 'this database holds requests of a version before 1.0.0, which are not carried on:'
            ' begin with an empty database (make clean forgets a demo)';
    END IF;
END $$;
DROP TRIGGER move_is_told ON billing_changerequest;
"""

GUARDS = """
CREATE OR REPLACE FUNCTION billing_change_arrows() RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT ARRAY[
        'submitted>approved', 'submitted>rejected', 'submitted>withdrawn', 'submitted>expired', 'submitted>stale',
        'approved>applying', 'approved>withdrawn', 'approved>expired', 'approved>stale', 'approved>blocked',
        'applying>applied', 'applying>refused', 'applying>stale', 'applying>approved', 'applying>unknown',
        'applying>partly_applied', 'applying>blocked',
        'unknown>applied', 'unknown>approved', 'unknown>closed', 'unknown>blocked',
        'partly_applied>approved', 'partly_applied>closed', 'blocked>closed'
    ]
$$;

CREATE OR REPLACE FUNCTION billing_guard_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    a_day_on timestamptz := clock_timestamp() + interval '1 day';
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'submitted' OR NEW.not_before IS NOT NULL
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
    IF NEW.status = OLD.status AND NEW.settled_at IS DISTINCT FROM OLD.settled_at THEN
        RAISE EXCEPTION 'request % keeps the time at which it was settled', OLD.reference
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
        IF OLD.status = 'blocked' AND NOT EXISTS (
            SELECT FROM billing_resolution r
             WHERE r.change_id = OLD.id AND r.seconded_by_id IS NOT NULL AND r.carried_out_at IS NULL) THEN
            RAISE EXCEPTION 'request % is blocked: two people close it', OLD.reference
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


CREATE OR REPLACE FUNCTION billing_guard_practice() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE is_right boolean := true;
BEGIN
    IF billing_is_owner(TG_RELID) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'DELETE on % refused: these rows are kept', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    CASE TG_TABLE_NAME || ' ' || TG_OP
    WHEN 'billing_policyversion INSERT' THEN
        is_right := false;
    WHEN 'billing_user UPDATE' THEN
        is_right := (NEW.id, NEW.username, NEW.name, NEW.role, NEW.is_active, NEW.date_joined)
            IS NOT DISTINCT FROM
            (OLD.id, OLD.username, OLD.name, OLD.role, OLD.is_active, OLD.date_joined);
    WHEN 'billing_installation UPDATE' THEN
        is_right := (NEW.id, NEW.uuid, NEW.environment, NEW.anchored_at)
            IS NOT DISTINCT FROM (OLD.id, OLD.uuid, OLD.environment, OLD.anchored_at);
    WHEN 'billing_survey INSERT' THEN
        is_right := NEW.answered_at IS NULL AND NEW.content IS NULL AND NEW.error = '' AND EXISTS (
            SELECT FROM billing_user u
             WHERE u.id = NEW.asked_by_id AND u.is_active AND u.role IN ('finance', 'manager'));
    WHEN 'billing_survey UPDATE' THEN
        is_right := OLD.answered_at IS NULL AND NEW.answered_at IS NOT NULL
            AND (NEW.content IS NULL) = (NEW.error <> '')
            AND (NEW.id, NEW.uuid, NEW.customer_id, NEW.asked_by_id, NEW.asked_at)
            IS NOT DISTINCT FROM (OLD.id, OLD.uuid, OLD.customer_id, OLD.asked_by_id, OLD.asked_at);
    WHEN 'billing_attempt INSERT' THEN
        is_right := NEW.outcome IS NULL AND NEW.answered_at IS NULL AND NEW.evidence IS NULL AND EXISTS (
            SELECT FROM billing_changerequest c JOIN billing_call l ON l.change_id = c.id
             WHERE l.id = NEW.call_id AND c.status = 'applying' AND c.claim_token = NEW.claim_token
               AND l.status = 'sent' AND l.generation = NEW.generation);
    WHEN 'billing_attempt UPDATE' THEN
        is_right := OLD.outcome IS NULL AND NEW.outcome IS NOT NULL AND NEW.answered_at IS NOT NULL;
    WHEN 'billing_call INSERT' THEN
        is_right := NEW.status = 'waiting' AND NEW.result IS NULL AND NEW.first_sent_at IS NULL
            AND NEW.settled_at IS NULL AND NEW.generation = 1;
    WHEN 'billing_call UPDATE' THEN
        is_right := (NEW.status = OLD.status OR (OLD.status || '>' || NEW.status) = ANY (ARRAY[
                'waiting>sent', 'waiting>applied', 'waiting>unknown', 'sent>applied', 'sent>refused',
                'sent>waiting', 'sent>unknown', 'unknown>applied', 'unknown>waiting', 'refused>waiting']))
            AND (NEW.result IS NOT DISTINCT FROM OLD.result
                 OR (OLD.status <> 'applied' AND (NEW.status = 'applied' OR NEW.result IS NULL)))
            AND (NEW.first_sent_at IS NOT DISTINCT FROM OLD.first_sent_at OR OLD.first_sent_at IS NULL);
    WHEN 'billing_resolution INSERT' THEN
        is_right := NEW.carried_out_at IS NULL AND NEW.seconded_by_id IS NULL AND NEW.seconded_at IS NULL
            AND EXISTS (
                SELECT FROM billing_changerequest c, billing_user u
                 WHERE c.id = NEW.change_id AND u.id = NEW.by_id AND u.is_active AND u.role = 'administrator'
                   AND c.maker_id <> u.id AND c.needs_person
                   AND (c.status <> 'blocked' OR NEW.verdict = 'leave_it')
                   AND NEW.needs_second = (c.status = 'blocked'
                       OR (c.irreversible AND NEW.verdict IN ('try_again', 'go_on')))
                   AND NOT EXISTS (
                       SELECT FROM billing_decision d WHERE d.change_id = c.id AND d.checker_id = u.id));
    WHEN 'billing_resolution UPDATE' THEN
        is_right := OLD.carried_out_at IS NULL
            AND (NEW.id, NEW.change_id, NEW.verdict, NEW.reason, NEW.by_id, NEW.at, NEW.needs_second)
            IS NOT DISTINCT FROM
            (OLD.id, OLD.change_id, OLD.verdict, OLD.reason, OLD.by_id, OLD.at, OLD.needs_second)
            AND ((NEW.seconded_by_id, NEW.seconded_at) IS NOT DISTINCT FROM (OLD.seconded_by_id, OLD.seconded_at)
                 OR (OLD.seconded_by_id IS NULL AND NEW.needs_second AND NEW.seconded_at IS NOT NULL AND EXISTS (
                     SELECT FROM billing_changerequest c, billing_user u
                      WHERE c.id = NEW.change_id AND u.id = NEW.seconded_by_id AND u.is_active
                        AND u.role IN ('administrator', 'manager') AND u.id NOT IN (c.maker_id, NEW.by_id))));
    ELSE
        is_right := true;
    END CASE;
    IF is_right IS NOT TRUE THEN
        RAISE EXCEPTION '% on % refused: the application does nothing like it', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;


CREATE OR REPLACE FUNCTION billing_guard_look() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF billing_is_owner(TG_RELID) THEN
        RETURN NEW;
    END IF;
    IF (abs(extract(epoch FROM NEW.looked_at - clock_timestamp())) < 60 AND EXISTS (
            SELECT FROM billing_call l JOIN billing_changerequest c ON c.id = l.change_id
             WHERE l.id = NEW.call_id AND l.first_sent_at IS NOT NULL AND l.status IN ('waiting', 'unknown')
               AND c.status IN ('applying', 'unknown', 'blocked') AND c.claim_token IS NOT NULL)) IS NOT TRUE THEN
        RAISE EXCEPTION '% on % refused: the application does nothing like it', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE CONSTRAINT TRIGGER move_is_told AFTER UPDATE ON billing_changerequest
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.status <> NEW.status AND NEW.status <> 'applying') OR OLD.not_before IS DISTINCT FROM NEW.not_before)
    EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_changerequest ENABLE ALWAYS TRIGGER move_is_told;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0028_what_requests_hold"),
    ]

    operations = [
        migrations.RunSQL(REFUSE_OLDER),
        migrations.RemoveConstraint(
            model_name="changerequest",
            name="status_is_known",
        ),
        migrations.RemoveIndex(
            model_name="changerequest",
            name="requests_open_by_age",
        ),
        migrations.RemoveField(
            model_name="changerequest",
            name="blocked_at",
        ),
        migrations.AlterField(
            model_name="changerequest",
            name="status",
            field=models.CharField(
                choices=[
                    ("submitted", "Waiting for approval"),
                    ("approved", "Approved, queued"),
                    ("applying", "Applying"),
                    ("applied", "Applied"),
                    ("rejected", "Rejected"),
                    ("withdrawn", "Withdrawn"),
                    ("expired", "Expired"),
                    ("stale", "Stale"),
                    ("refused", "Refused by Metronome"),
                    ("unknown", "Outcome unknown"),
                    ("partly_applied", "Partly applied"),
                    ("blocked", "Blocked"),
                    ("closed", "Closed by a person"),
                ],
                default="submitted",
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="changerequest",
            index=models.Index(
                condition=models.Q(
                    (
                        "status__in",
                        ["applying", "approved", "blocked", "partly_applied", "submitted", "unknown"],
                    )
                ),
                fields=["submitted_at", "id"],
                name="requests_open_by_age",
            ),
        ),
        migrations.AddConstraint(
            model_name="changerequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "submitted",
                            "approved",
                            "applying",
                            "applied",
                            "rejected",
                            "withdrawn",
                            "expired",
                            "stale",
                            "refused",
                            "unknown",
                            "partly_applied",
                            "blocked",
                            "closed",
                        ],
                    )
                ),
                name="status_is_known",
            ),
        ),
        migrations.RunSQL(GUARDS),
    ]
