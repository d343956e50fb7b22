"""What a call made stays what it was, and is an id; an attempt keeps what was filled in; the policy changes by request.

A later call takes the id of an earlier one's result, so that nobody may change it, not even between the two.
"""

from django.db import migrations, models

GUARDS = """
CREATE FUNCTION billing_guard_result() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.result IS NOT DISTINCT FROM OLD.result THEN
        RETURN NEW;
    END IF;
    IF OLD.status = 'applied' OR (NEW.result IS NOT NULL AND NEW.status <> 'applied') THEN
        RAISE EXCEPTION 'what a call returned is written once, as it is applied' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.result ? 'id' AND NOT coalesce(NEW.result ->> 'id' ~
        '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$', false) THEN
        RAISE EXCEPTION 'what a call made is named by a UUID' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER result_stays BEFORE UPDATE ON billing_call FOR EACH ROW EXECUTE FUNCTION billing_guard_result();
ALTER TABLE billing_call ENABLE ALWAYS TRIGGER result_stays;

CREATE OR REPLACE FUNCTION billing_guard_attempt() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an attempt is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.call_id, NEW.number, NEW.generation, NEW.reference, NEW.claim_token, NEW.sent_at, NEW.request)
       IS DISTINCT FROM
       (OLD.id, OLD.call_id, OLD.number, OLD.generation, OLD.reference, OLD.claim_token, OLD.sent_at, OLD.request)
       OR (OLD.outcome IS NOT NULL AND NEW.outcome IS DISTINCT FROM OLD.outcome) THEN
        RAISE EXCEPTION 'an attempt is journalled once and its outcome is filed once'
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
        is_right := EXISTS (
            SELECT FROM billing_changerequest c
             WHERE c.kind = 'policy.replace' AND c.status = 'applying' AND c.maker_id = NEW.installed_by_id
               AND NEW.version = (c.sealed::jsonb #>> '{before,policy:current,version}')::int + 1
               AND NEW.rules = c.sealed::jsonb #> '{calls,0,body,rules}');
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
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0029_blocked_is_a_status")]

    operations = [
        migrations.AddField(
            model_name="attempt", name="request", field=models.JSONField(null=True)
        ),
        migrations.RunSQL(GUARDS),
    ]
