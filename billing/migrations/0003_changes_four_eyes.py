"""Four eyes, held by the database too: what was sealed stays, decisions are only added, and `approved`
is refused until every step has its distinct, active, non-maker approvals of the request's digest.

The arrows repeat billing/changes/statuses.py; a test compares the two.
"""

from django.db import migrations

FORWARD = """
CREATE SEQUENCE billing_change_number;

ALTER TABLE billing_changerequest ADD CONSTRAINT digest_is_of_the_sealed_text
    CHECK (digest = encode(sha256(convert_to(sealed, 'UTF8')), 'hex'));

ALTER TABLE billing_decision ADD CONSTRAINT a_decision_knows_the_maker
    FOREIGN KEY (change_id, maker_id) REFERENCES billing_changerequest (id, maker_id);

CREATE FUNCTION billing_change_arrows() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY[
        'submitted>approved', 'submitted>rejected', 'submitted>withdrawn', 'submitted>expired', 'submitted>stale',
        'approved>applying', 'approved>withdrawn', 'approved>expired', 'approved>stale',
        'approved>partly_applied', 'approved>closed',
        'applying>applied', 'applying>refused', 'applying>stale', 'applying>approved', 'applying>unknown',
        'applying>partly_applied',
        'unknown>applied', 'unknown>approved', 'unknown>partly_applied', 'unknown>closed',
        'partly_applied>approved', 'partly_applied>applied', 'partly_applied>closed'
    ]
$$;

CREATE FUNCTION billing_is_agreed(change billing_changerequest) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM billing_approvalstep s WHERE s.change_id = change.id)
       AND NOT EXISTS (
        SELECT FROM billing_approvalstep s
         WHERE s.change_id = change.id
           AND s.people > (
               SELECT count(DISTINCT d.checker_id) FROM billing_decision d
                WHERE d.step_id = s.id AND d.change_id = change.id AND d.verdict = 'approve'
                  AND d.digest = change.digest AND d.checker_id <> change.maker_id))
       AND NOT EXISTS (
        SELECT FROM billing_decision d WHERE d.change_id = change.id AND d.verdict = 'reject')
$$;

CREATE FUNCTION billing_guard_change() RETURNS trigger LANGUAGE plpgsql AS $$
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
        IF OLD.status = 'submitted' AND NEW.status = 'approved' AND EXISTS (
            SELECT FROM billing_decision d JOIN billing_user u ON u.id = d.checker_id
             WHERE d.change_id = NEW.id AND NOT u.is_active) THEN
            RAISE EXCEPTION 'request %: somebody who approved it is deactivated', OLD.reference
                USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER change_is_sealed BEFORE INSERT OR UPDATE OR DELETE ON billing_changerequest
    FOR EACH ROW EXECUTE FUNCTION billing_guard_change();
ALTER TABLE billing_changerequest ENABLE ALWAYS TRIGGER change_is_sealed;

CREATE FUNCTION billing_guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM billing_changerequest c
          JOIN billing_approvalstep s ON s.change_id = c.id AND s.id = NEW.step_id
          JOIN billing_user u ON u.id = NEW.checker_id
         WHERE c.id = NEW.change_id AND c.status = 'submitted' AND c.digest = NEW.digest
           AND u.is_active AND u.role = s.role) THEN
        RAISE EXCEPTION 'decision refused: the request is not waiting, its digest differs, or the person may not fill this step'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_is_allowed BEFORE INSERT ON billing_decision
    FOR EACH ROW EXECUTE FUNCTION billing_guard_decision();
ALTER TABLE billing_decision ENABLE ALWAYS TRIGGER decision_is_allowed;
CREATE TRIGGER decision_is_final BEFORE UPDATE OR DELETE ON billing_decision
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
ALTER TABLE billing_decision ENABLE ALWAYS TRIGGER decision_is_final;

CREATE FUNCTION billing_guard_sealed_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM billing_changerequest c
         WHERE c.id = NEW.change_id AND c.status = 'submitted' AND c.xmin::text = pg_current_xact_id()::xid::text) THEN
        RAISE EXCEPTION '% of a sealed request cannot be added later', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER step_is_sealed BEFORE INSERT ON billing_approvalstep
    FOR EACH ROW EXECUTE FUNCTION billing_guard_sealed_part();
ALTER TABLE billing_approvalstep ENABLE ALWAYS TRIGGER step_is_sealed;
CREATE TRIGGER step_is_final BEFORE UPDATE OR DELETE ON billing_approvalstep
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
ALTER TABLE billing_approvalstep ENABLE ALWAYS TRIGGER step_is_final;
CREATE TRIGGER call_is_sealed BEFORE INSERT ON billing_call
    FOR EACH ROW EXECUTE FUNCTION billing_guard_sealed_part();
ALTER TABLE billing_call ENABLE ALWAYS TRIGGER call_is_sealed;

CREATE FUNCTION billing_guard_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a sealed call is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.change_id, NEW.position, NEW.operation, NEW.key)
       IS DISTINCT FROM (OLD.id, OLD.change_id, OLD.position, OLD.operation, OLD.key)
       OR NEW.generation < OLD.generation OR (OLD.status = 'applied' AND NEW.status <> 'applied') THEN
        RAISE EXCEPTION 'a sealed call keeps its place, operation and key, and applied stays applied'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER call_keeps_its_identity BEFORE UPDATE OR DELETE ON billing_call
    FOR EACH ROW EXECUTE FUNCTION billing_guard_call();
ALTER TABLE billing_call ENABLE ALWAYS TRIGGER call_keeps_its_identity;

CREATE FUNCTION billing_guard_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an attempt is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.call_id, NEW.number, NEW.generation, NEW.reference, NEW.claim_token, NEW.sent_at)
       IS DISTINCT FROM (OLD.id, OLD.call_id, OLD.number, OLD.generation, OLD.reference, OLD.claim_token, OLD.sent_at)
       OR (OLD.outcome IS NOT NULL AND NEW.outcome IS DISTINCT FROM OLD.outcome) THEN
        RAISE EXCEPTION 'an attempt is journalled once and its outcome is filed once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attempt_is_a_journal BEFORE UPDATE OR DELETE ON billing_attempt
    FOR EACH ROW EXECUTE FUNCTION billing_guard_attempt();
ALTER TABLE billing_attempt ENABLE ALWAYS TRIGGER attempt_is_a_journal;

CREATE TRIGGER lookup_is_evidence BEFORE UPDATE OR DELETE ON billing_lookup
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
ALTER TABLE billing_lookup ENABLE ALWAYS TRIGGER lookup_is_evidence;
CREATE TRIGGER policy_version_is_final BEFORE UPDATE OR DELETE ON billing_policyversion
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
ALTER TABLE billing_policyversion ENABLE ALWAYS TRIGGER policy_version_is_final;
"""

BACKWARD = """
DROP TRIGGER policy_version_is_final ON billing_policyversion;
DROP TRIGGER lookup_is_evidence ON billing_lookup;
DROP TRIGGER attempt_is_a_journal ON billing_attempt;
DROP TRIGGER call_keeps_its_identity ON billing_call;
DROP TRIGGER call_is_sealed ON billing_call;
DROP TRIGGER step_is_final ON billing_approvalstep;
DROP TRIGGER step_is_sealed ON billing_approvalstep;
DROP TRIGGER decision_is_final ON billing_decision;
DROP TRIGGER decision_is_allowed ON billing_decision;
DROP TRIGGER change_is_sealed ON billing_changerequest;
DROP FUNCTION billing_guard_attempt();
DROP FUNCTION billing_guard_call();
DROP FUNCTION billing_guard_sealed_part();
DROP FUNCTION billing_guard_decision();
DROP FUNCTION billing_guard_change();
DROP FUNCTION billing_is_agreed(billing_changerequest);
DROP FUNCTION billing_change_arrows();
ALTER TABLE billing_decision DROP CONSTRAINT a_decision_knows_the_maker;
ALTER TABLE billing_changerequest DROP CONSTRAINT digest_is_of_the_sealed_text;
DROP SEQUENCE billing_change_number;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_audit_append_only")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
