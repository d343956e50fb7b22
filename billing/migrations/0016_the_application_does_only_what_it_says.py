"""What the application never does is refused to its role; what it does comes with its audit row or not at all.

The owner is exempt, as for the record's stamp: migrations, restored backups and the demo's past are its own.
A deferred trigger looks for the audit row when the transaction ends, so that either may be written first.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION billing_is_told(subject text, events text[], by_person bigint) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM billing_auditevent a
         WHERE a.xid = pg_current_xact_id() AND a.subject_id = subject
           AND (events IS NULL OR a.event_type = ANY (events))
           AND (by_person IS NULL OR a.actor_id = by_person))
$$;

CREATE FUNCTION billing_guard_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    request text;
    is_told boolean;
BEGIN
    IF billing_is_owner(TG_RELID) THEN
        RETURN NULL;
    END IF;
    CASE TG_TABLE_NAME
    WHEN 'billing_changerequest' THEN
        is_told := billing_is_told(NEW.uuid::text, NULL, NULL);
    WHEN 'billing_call' THEN
        SELECT uuid::text INTO request FROM billing_changerequest WHERE id = NEW.change_id;
        is_told := billing_is_told(request, NULL, NULL);
    WHEN 'billing_attempt' THEN
        SELECT c.uuid::text INTO request FROM billing_changerequest c
          JOIN billing_call l ON l.change_id = c.id WHERE l.id = NEW.call_id;
        is_told := billing_is_told(request, NULL, NULL);
    WHEN 'billing_decision' THEN
        SELECT uuid::text INTO request FROM billing_changerequest WHERE id = NEW.change_id;
        is_told := billing_is_told(request,
            ARRAY[CASE NEW.verdict WHEN 'approve' THEN 'change.approved' ELSE 'change.rejected' END],
            NEW.checker_id);
    WHEN 'billing_resolution' THEN
        SELECT uuid::text INTO request FROM billing_changerequest WHERE id = NEW.change_id;
        IF TG_OP = 'INSERT' THEN
            is_told := billing_is_told(request, ARRAY['change.resolved'], NEW.by_id);
        ELSIF NEW.seconded_by_id IS DISTINCT FROM OLD.seconded_by_id THEN
            is_told := billing_is_told(request, ARRAY['change.resolved'], NEW.seconded_by_id);
        ELSE
            is_told := billing_is_told(request, NULL, NULL);
        END IF;
    WHEN 'billing_user' THEN
        is_told := billing_is_told(NEW.id::text,
            ARRAY[CASE TG_OP WHEN 'INSERT' THEN 'person.added' ELSE 'person.password_changed' END], NULL);
    WHEN 'billing_freeze' THEN
        is_told := billing_is_told('applying', CASE WHEN NEW.frozen
            THEN ARRAY['applying.frozen', 'applying.halted'] ELSE ARRAY['applying.unfrozen'] END, NEW.changed_by_id);
    WHEN 'billing_installation' THEN
        is_told := billing_is_told(NEW.uuid::text, ARRAY['installation.anchored'], NULL);
    END CASE;
    IF is_told IS NOT TRUE THEN
        RAISE EXCEPTION '% on % refused: the record does not tell of it', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER request_is_told AFTER INSERT ON billing_changerequest
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_changerequest ENABLE ALWAYS TRIGGER request_is_told;
CREATE CONSTRAINT TRIGGER move_is_told AFTER UPDATE ON billing_changerequest
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.status <> NEW.status AND NEW.status <> 'applying')
          OR OLD.blocked_at IS DISTINCT FROM NEW.blocked_at OR OLD.not_before IS DISTINCT FROM NEW.not_before)
    EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_changerequest ENABLE ALWAYS TRIGGER move_is_told;
CREATE CONSTRAINT TRIGGER call_is_told AFTER UPDATE ON billing_call
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.status, OLD.result, OLD.generation, OLD.first_sent_at, OLD.settled_at)
          IS DISTINCT FROM (NEW.status, NEW.result, NEW.generation, NEW.first_sent_at, NEW.settled_at))
    EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_call ENABLE ALWAYS TRIGGER call_is_told;
CREATE CONSTRAINT TRIGGER attempt_is_told AFTER INSERT OR UPDATE ON billing_attempt
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_attempt ENABLE ALWAYS TRIGGER attempt_is_told;
CREATE CONSTRAINT TRIGGER decision_is_told AFTER INSERT ON billing_decision
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_decision ENABLE ALWAYS TRIGGER decision_is_told;
CREATE CONSTRAINT TRIGGER resolution_is_told AFTER INSERT OR UPDATE ON billing_resolution
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_resolution ENABLE ALWAYS TRIGGER resolution_is_told;
CREATE CONSTRAINT TRIGGER person_is_told AFTER INSERT ON billing_user
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_user ENABLE ALWAYS TRIGGER person_is_told;
CREATE CONSTRAINT TRIGGER password_is_told AFTER UPDATE ON billing_user
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.password IS DISTINCT FROM NEW.password)
    EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_user ENABLE ALWAYS TRIGGER password_is_told;
CREATE CONSTRAINT TRIGGER first_freeze_is_told AFTER INSERT ON billing_freeze
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.frozen OR NEW.reason <> '')
    EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_freeze ENABLE ALWAYS TRIGGER first_freeze_is_told;
CREATE CONSTRAINT TRIGGER freeze_is_told AFTER UPDATE ON billing_freeze
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW)
    EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_freeze ENABLE ALWAYS TRIGGER freeze_is_told;
CREATE CONSTRAINT TRIGGER anchor_is_told AFTER INSERT OR UPDATE ON billing_installation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_guard_told();
ALTER TABLE billing_installation ENABLE ALWAYS TRIGGER anchor_is_told;

CREATE FUNCTION billing_guard_practice() RETURNS trigger LANGUAGE plpgsql
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
        is_right := (NEW.id, NEW.username, NEW.name, NEW.role, NEW.is_active, NEW.email, NEW.date_joined)
            IS NOT DISTINCT FROM
            (OLD.id, OLD.username, OLD.name, OLD.role, OLD.is_active, OLD.email, OLD.date_joined);
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
                   AND c.maker_id <> u.id AND (c.needs_person OR c.blocked_at IS NOT NULL)
                   AND NEW.needs_second = (c.irreversible AND NEW.verdict IN ('try_again', 'go_on'))
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

DO $$
DECLARE guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['policyversion', 'user', 'installation', 'freeze', 'survey', 'attempt', 'call',
                                   'resolution'] LOOP
        EXECUTE format('CREATE TRIGGER practice BEFORE INSERT OR UPDATE OR DELETE ON billing_%s'
                       ' FOR EACH ROW EXECUTE FUNCTION billing_guard_practice()', guarded);
        EXECUTE format('ALTER TABLE billing_%s ENABLE ALWAYS TRIGGER practice', guarded);
    END LOOP;
END $$;
"""

BACKWARD = """
DROP FUNCTION billing_guard_practice() CASCADE;
DROP FUNCTION billing_guard_told() CASCADE;
DROP FUNCTION billing_is_told(text, text[], bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0015_words_are_indexed_soon")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
