"""A person's role and access change by a request that was agreed to; one administrator ends access at any time.

Whoever is let in, or given a role, by a request of their own, or decides about themselves, is refused here, too. What
gives or takes the right to decide or to administer carries the approval of an administrator.
"""

from django.db import migrations, models

FORWARD = """
DO $$
DECLARE
    whole text := pg_get_functiondef('billing_guard_practice()'::regprocedure);
    without text := replace(replace(whole, 'NEW.role, NEW.is_active, ', ''), 'OLD.role, OLD.is_active, ', '');
BEGIN
    IF length(whole) - length(without) <> length('NEW.role, NEW.is_active, OLD.role, OLD.is_active, ') THEN
        RAISE EXCEPTION 'billing_guard_practice() does not compare role and access as it was expected to';
    END IF;
    EXECUTE without;
END $$;

CREATE FUNCTION billing_guard_rights() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted text;
    path text;
    body jsonb;
BEGIN
    IF billing_is_owner(TG_RELID) THEN
        RETURN NEW;
    END IF;
    IF NEW.session_generation <> OLD.session_generation + 1 THEN
        RAISE EXCEPTION 'UPDATE on billing_user refused: every session of before ends with a change of rights'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.role <> OLD.role AND (NEW.is_active, NEW.left_at) IS NOT DISTINCT FROM (OLD.is_active, OLD.left_at) THEN
        wanted := 'person.set_role'; path := '/role'; body := jsonb_build_object('role', NEW.role);
    ELSIF NEW.role = OLD.role AND NOT NEW.is_active AND OLD.left_at IS NULL AND NEW.left_at IS NOT NULL THEN
        wanted := 'person.deactivate'; path := '/access'; body := '{"access": "left"}';
    ELSIF NEW.role = OLD.role AND NEW.is_active AND NOT OLD.is_active AND NEW.left_at IS NULL THEN
        wanted := 'person.reactivate'; path := '/access'; body := '{"access": "active"}';
    ELSIF NEW.role = OLD.role AND OLD.is_active AND NOT NEW.is_active AND NEW.left_at IS NULL THEN
        RETURN NEW;  -- ended by one administrator; who, is asked when the transaction ends
    END IF;
    IF wanted IS NULL OR NOT EXISTS (
        SELECT FROM billing_changerequest c
         WHERE c.kind = wanted AND c.status = 'applying' AND c.maker_id <> OLD.id
           AND c.sealed::jsonb #>> '{calls,0,path}' = '/people/' || OLD.id || path
           AND c.sealed::jsonb #> '{calls,0,body}' = body
           AND (NOT ARRAY[OLD.role, NEW.role]::text[] && ARRAY['manager', 'administrator'] OR EXISTS (
                SELECT FROM billing_decision d JOIN billing_approvalstep s ON s.id = d.step_id
                 WHERE d.change_id = c.id AND d.verdict = 'approve' AND s.role = 'administrator'))) THEN
        RAISE EXCEPTION 'UPDATE on billing_user refused: nobody has agreed to this change of rights'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rights_are_agreed BEFORE UPDATE ON billing_user FOR EACH ROW
    WHEN ((OLD.role, OLD.is_active, OLD.left_at, OLD.session_generation)
          IS DISTINCT FROM (NEW.role, NEW.is_active, NEW.left_at, NEW.session_generation))
    EXECUTE FUNCTION billing_guard_rights();
ALTER TABLE billing_user ENABLE ALWAYS TRIGGER rights_are_agreed;

CREATE FUNCTION billing_guard_rights_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE event text := CASE
    WHEN NEW.role <> OLD.role THEN 'person.role_changed'
    WHEN NEW.is_active THEN 'person.reactivated'
    WHEN NEW.left_at IS NOT NULL THEN 'person.deactivated'
    ELSE 'person.access_ended' END;
BEGIN
    IF NOT billing_is_owner(TG_RELID) AND NOT EXISTS (
        SELECT FROM billing_auditevent a
         WHERE a.xid = pg_current_xact_id() AND a.subject_type = 'person' AND a.subject_id = NEW.id::text
           AND a.event_type = event AND (event <> 'person.access_ended' OR EXISTS (
               SELECT FROM billing_user u
                WHERE u.id = a.actor_id AND u.id <> NEW.id AND u.is_active AND u.role = 'administrator'))) THEN
        RAISE EXCEPTION '% on % refused: the record does not tell of it', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER rights_are_told AFTER UPDATE ON billing_user
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.role, OLD.is_active, OLD.left_at, OLD.session_generation)
          IS DISTINCT FROM (NEW.role, NEW.is_active, NEW.left_at, NEW.session_generation))
    EXECUTE FUNCTION billing_guard_rights_told();
ALTER TABLE billing_user ENABLE ALWAYS TRIGGER rights_are_told;

CREATE FUNCTION billing_guard_oneself() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'billing_decision' THEN
        IF EXISTS (SELECT FROM billing_hold h
                    WHERE h.change_id = NEW.change_id AND h.thing = 'person:' || NEW.checker_id) THEN
            RAISE EXCEPTION 'decision refused: nobody decides about their own rights'
                USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF EXISTS (SELECT FROM billing_changerequest c
                   WHERE c.id = NEW.change_id AND NEW.thing = 'person:' || c.maker_id) THEN
        RAISE EXCEPTION 'request refused: nobody asks for a change of their own rights'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER nobody_decides_about_themselves BEFORE INSERT ON billing_decision
    FOR EACH ROW EXECUTE FUNCTION billing_guard_oneself();
ALTER TABLE billing_decision ENABLE ALWAYS TRIGGER nobody_decides_about_themselves;
CREATE TRIGGER nobody_asks_about_themselves BEFORE INSERT ON billing_hold
    FOR EACH ROW WHEN (NEW.thing LIKE 'person:%') EXECUTE FUNCTION billing_guard_oneself();
ALTER TABLE billing_hold ENABLE ALWAYS TRIGGER nobody_asks_about_themselves;
"""
BACKWARD = """
DROP FUNCTION billing_guard_oneself() CASCADE;
DROP FUNCTION billing_guard_rights_told() CASCADE;
DROP FUNCTION billing_guard_rights() CASCADE;
DO $$
BEGIN
    EXECUTE replace(replace(pg_get_functiondef('billing_guard_practice()'::regprocedure),
        'NEW.name, NEW.date_joined', 'NEW.name, NEW.role, NEW.is_active, NEW.date_joined'),
        'OLD.name, OLD.date_joined', 'OLD.name, OLD.role, OLD.is_active, OLD.date_joined');
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('billing', '0040_delivery_methods'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='auditevent',
            name='event_type_is_known',
        ),
        migrations.AddField(
            model_name='user',
            name='left_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='session_generation',
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='event_type',
            field=models.CharField(choices=[('change.submitted', 'Request submitted'), ('change.checked', 'Request checked with Metronome'), ('change.approved', 'Request approved by one person'), ('change.rejected', 'Request rejected'), ('change.withdrawn', 'Request withdrawn'), ('change.expired', 'Request expired'), ('change.staled', 'Request became stale'), ('change.applied', 'Request applied'), ('change.differed', 'Request came out differently from what was shown'), ('change.refused', 'Request refused by Metronome'), ('change.doubted', 'Outcome of a request became unknown'), ('change.returned', 'Request returned to the queue'), ('change.partly_applied', 'Request partly applied'), ('change.resolved', 'Request resolved by a person'), ('change.disagreed', "A person's word on a request disagreed with"), ('change.closed', 'Request closed by a person'), ('change.blocked', 'Request blocked: it is not what was approved'), ('decision.taken_back', 'Approval taken back'), ('call.sent', 'Call about to be sent'), ('call.applied', 'Call applied'), ('call.not_sent', 'Call not sent'), ('call.refused', 'Call refused by Metronome'), ('call.halted', 'Call turned away, applying halted'), ('call.doubted', 'Outcome of a call became unknown'), ('call.found', 'Outcome of a call looked up'), ('call.answered_late', 'Answer of a call arrived late'), ('applying.frozen', 'Applying frozen'), ('applying.unfrozen', 'Applying resumed'), ('applying.halted', 'Applying halted by the worker'), ('installation.anchored', 'Installation tied to a Metronome account'), ('mirror.refresh_requested', 'Refresh of the mirror asked for'), ('mirror.anew_asked', 'Mirror to be read anew, asked for by one person'), ('mirror.anew_agreed', 'Mirror to be read anew, agreed to by a second person'), ('mirror.begun_anew', 'Everything mirrored set aside, to be read anew'), ('policy.installed', 'Approval policy installed'), ('person.added', 'Person added'), ('person.signed_in', 'Person signed in'), ('person.sign_in_failed', 'Sign-in failed'), ('person.signed_out', 'Person signed out'), ('person.password_changed', 'Password changed'), ('person.email_changed', 'Mail address changed'), ('token.made', 'Access token made'), ('token.revoked', 'Access token revoked'), ('person.turned_away', 'Too many tries turned away'), ('person.reset_asked', 'New password asked for by mail'), ('person.reset_link_made', 'Link to a new password made'), ('person.factor_added', 'Second factor added'), ('person.factor_renamed', 'Passkey renamed'), ('person.factor_removed', 'Second factor removed'), ('person.codes_made', 'Recovery codes made'), ('person.code_used', 'Recovery code used'), ('person.step_failed', 'Second step failed'), ('person.confirmed', 'Identity confirmed again'), ('person.session_ended', 'Session ended'), ('person.refused', 'Company sign-in refused'), ('person.role_changed', 'Role changed'), ('person.access_ended', 'Access ended'), ('person.deactivated', 'Person deactivated'), ('person.reactivated', 'Person reactivated'), ('audit.exported', 'Audit record asked for as a file'), ('list.exported', 'List asked for as a file'), ('export.delivered', 'File handed over whole'), ('export.cut_short', 'File not delivered')], max_length=40),
        ),
        migrations.AddConstraint(
            model_name='auditevent',
            constraint=models.CheckConstraint(condition=models.Q(('event_type__in', ['change.submitted', 'change.checked', 'change.approved', 'change.rejected', 'change.withdrawn', 'change.expired', 'change.staled', 'change.applied', 'change.differed', 'change.refused', 'change.doubted', 'change.returned', 'change.partly_applied', 'change.resolved', 'change.disagreed', 'change.closed', 'change.blocked', 'decision.taken_back', 'call.sent', 'call.applied', 'call.not_sent', 'call.refused', 'call.halted', 'call.doubted', 'call.found', 'call.answered_late', 'applying.frozen', 'applying.unfrozen', 'applying.halted', 'installation.anchored', 'mirror.refresh_requested', 'mirror.anew_asked', 'mirror.anew_agreed', 'mirror.begun_anew', 'policy.installed', 'person.added', 'person.signed_in', 'person.sign_in_failed', 'person.signed_out', 'person.password_changed', 'person.email_changed', 'token.made', 'token.revoked', 'person.turned_away', 'person.reset_asked', 'person.reset_link_made', 'person.factor_added', 'person.factor_renamed', 'person.factor_removed', 'person.codes_made', 'person.code_used', 'person.step_failed', 'person.confirmed', 'person.session_ended', 'person.refused', 'person.role_changed', 'person.access_ended', 'person.deactivated', 'person.reactivated', 'audit.exported', 'list.exported', 'export.delivered', 'export.cut_short'])), name='event_type_is_known'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('left_at__isnull', True), ('is_active', False), _connector='OR'), name='who_left_may_not_come_in'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
