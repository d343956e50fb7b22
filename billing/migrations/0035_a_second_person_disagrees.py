"""A second person may disagree with a word that takes two: it is over then, and both words stay as they were said."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARDS = """
CREATE FUNCTION billing_guard_disagreement() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE is_right boolean;
BEGIN
    IF billing_is_owner(TG_RELID) THEN
        RETURN NEW;
    END IF;
    is_right := TG_OP = 'UPDATE' AND OLD.disagreed_by_id IS NULL AND OLD.seconded_by_id IS NULL
        AND OLD.carried_out_at IS NULL AND EXISTS (
            SELECT FROM billing_changerequest c, billing_user u
             WHERE c.id = NEW.change_id AND u.id = NEW.disagreed_by_id AND u.is_active
               AND u.role IN ('administrator', 'manager') AND u.id NOT IN (c.maker_id, NEW.by_id));
    IF is_right IS NOT TRUE THEN
        RAISE EXCEPTION '% on % refused: the application does nothing like it', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER nobody_disagrees_at_once BEFORE INSERT ON billing_resolution FOR EACH ROW
    WHEN (NEW.disagreed_by_id IS NOT NULL OR NEW.disagreement <> '')
    EXECUTE FUNCTION billing_guard_disagreement();
ALTER TABLE billing_resolution ENABLE ALWAYS TRIGGER nobody_disagrees_at_once;
CREATE TRIGGER a_second_person_disagrees BEFORE UPDATE ON billing_resolution FOR EACH ROW
    WHEN ((OLD.disagreed_by_id, OLD.disagreement) IS DISTINCT FROM (NEW.disagreed_by_id, NEW.disagreement))
    EXECUTE FUNCTION billing_guard_disagreement();
ALTER TABLE billing_resolution ENABLE ALWAYS TRIGGER a_second_person_disagrees;

DO $$
DECLARE
    whole text := pg_get_functiondef('billing_guard_told()'::regprocedure);
    second text := 'ELSIF NEW.seconded_by_id IS DISTINCT FROM OLD.seconded_by_id THEN';
    other text := 'ELSIF NEW.disagreed_by_id IS DISTINCT FROM OLD.disagreed_by_id THEN'
        ' is_told := billing_is_told(request, ARRAY[''change.disagreed''], NEW.disagreed_by_id); ';
    changed text := replace(whole, second, other || second);
BEGIN
    IF length(changed) - length(whole) <> length(other) THEN
        RAISE EXCEPTION 'billing_guard_told() does not ask for a second person as it was expected to';
    END IF;
    EXECUTE changed;
END $$;
"""

BACKWARD = """
DROP FUNCTION billing_guard_disagreement() CASCADE;
DO $$
DECLARE
    other text := 'ELSIF NEW.disagreed_by_id IS DISTINCT FROM OLD.disagreed_by_id THEN'
        ' is_told := billing_is_told(request, ARRAY[''change.disagreed''], NEW.disagreed_by_id); ';
BEGIN
    EXECUTE replace(pg_get_functiondef('billing_guard_told()'::regprocedure), other, '');
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0034_decisions_are_taken_back'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='auditevent',
            name='event_type_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='notice',
            name='what_is_told_is_known',
        ),
        migrations.AddField(
            model_name='resolution',
            name='disagreed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='resolution',
            name='disagreement',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='event_type',
            field=models.CharField(choices=[('change.submitted', 'Request submitted'), ('change.checked', 'Request checked with Metronome'), ('change.approved', 'Request approved by one person'), ('change.rejected', 'Request rejected'), ('change.withdrawn', 'Request withdrawn'), ('change.expired', 'Request expired'), ('change.staled', 'Request became stale'), ('change.applied', 'Request applied'), ('change.refused', 'Request refused by Metronome'), ('change.doubted', 'Outcome of a request became unknown'), ('change.returned', 'Request returned to the queue'), ('change.partly_applied', 'Request partly applied'), ('change.resolved', 'Request resolved by a person'), ('change.disagreed', "A person's word on a request disagreed with"), ('change.closed', 'Request closed by a person'), ('change.blocked', 'Request blocked: it is not what was approved'), ('decision.taken_back', 'Approval taken back'), ('call.sent', 'Call about to be sent'), ('call.applied', 'Call applied'), ('call.not_sent', 'Call not sent'), ('call.refused', 'Call refused by Metronome'), ('call.halted', 'Call turned away, applying halted'), ('call.doubted', 'Outcome of a call became unknown'), ('call.found', 'Outcome of a call looked up'), ('call.answered_late', 'Answer of a call arrived late'), ('applying.frozen', 'Applying frozen'), ('applying.unfrozen', 'Applying resumed'), ('applying.halted', 'Applying halted by the worker'), ('installation.anchored', 'Installation tied to a Metronome account'), ('mirror.refresh_requested', 'Refresh of the mirror asked for'), ('mirror.anew_asked', 'Mirror to be read anew, asked for by one person'), ('mirror.anew_agreed', 'Mirror to be read anew, agreed to by a second person'), ('mirror.begun_anew', 'Everything mirrored set aside, to be read anew'), ('policy.installed', 'Approval policy installed'), ('person.added', 'Person added'), ('person.signed_in', 'Person signed in'), ('person.sign_in_failed', 'Sign-in failed'), ('person.signed_out', 'Person signed out'), ('person.password_changed', 'Password changed'), ('person.email_changed', 'Mail address changed'), ('audit.exported', 'Audit record asked for as a file'), ('list.exported', 'List asked for as a file'), ('export.delivered', 'File handed over whole'), ('export.cut_short', 'File not delivered')], max_length=40),
        ),
        migrations.AlterField(
            model_name='notice',
            name='about',
            field=models.CharField(choices=[('waits', 'Waits for you'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('expired', 'Expired'), ('stale', 'Stale, nothing sent'), ('refused', 'Refused by Metronome'), ('applied', 'Applied after all'), ('closed', 'Closed by a person'), ('taken_back', 'An approval was taken back'), ('disagreed', 'A second person disagreed'), ('unknown', 'Needs a person'), ('lapses', 'Expires within a day')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='auditevent',
            constraint=models.CheckConstraint(condition=models.Q(('event_type__in', ['change.submitted', 'change.checked', 'change.approved', 'change.rejected', 'change.withdrawn', 'change.expired', 'change.staled', 'change.applied', 'change.refused', 'change.doubted', 'change.returned', 'change.partly_applied', 'change.resolved', 'change.disagreed', 'change.closed', 'change.blocked', 'decision.taken_back', 'call.sent', 'call.applied', 'call.not_sent', 'call.refused', 'call.halted', 'call.doubted', 'call.found', 'call.answered_late', 'applying.frozen', 'applying.unfrozen', 'applying.halted', 'installation.anchored', 'mirror.refresh_requested', 'mirror.anew_asked', 'mirror.anew_agreed', 'mirror.begun_anew', 'policy.installed', 'person.added', 'person.signed_in', 'person.sign_in_failed', 'person.signed_out', 'person.password_changed', 'person.email_changed', 'audit.exported', 'list.exported', 'export.delivered', 'export.cut_short'])), name='event_type_is_known'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(('about__in', ['waits', 'approved', 'rejected', 'expired', 'stale', 'refused', 'applied', 'closed', 'taken_back', 'disagreed', 'unknown', 'lapses'])), name='what_is_told_is_known'),
        ),
        migrations.AddConstraint(
            model_name='resolution',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('disagreed_by__isnull', True), ('disagreement', '')), models.Q(('carried_out_at__isnull', False), ('disagreed_by__isnull', False), ('needs_second', True), ('seconded_by__isnull', True), models.Q(('disagreed_by', models.F('by')), _negated=True), models.Q(('disagreement', ''), _negated=True)), _connector='OR'), name='who_disagrees_is_another_and_says_why'),
        ),
        migrations.RunSQL(GUARDS, BACKWARD),
    ]
