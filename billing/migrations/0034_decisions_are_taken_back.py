"""An approval may be taken back while a request waits: decisions are numbered, and a person's last counts.

One verdict of a person stands at a time, as before; what they take back, and say again, is another row. Whoever
decides holds the request meanwhile, so that the last approval and what takes one back never pass each other.
"""

from django.db import migrations, models

NUMBER = """
ALTER TABLE billing_decision DISABLE TRIGGER decision_is_final;
UPDATE billing_decision d SET number = n.number
  FROM (SELECT id, row_number() OVER (PARTITION BY change_id ORDER BY decided_at, id) AS number
          FROM billing_decision) n
 WHERE n.id = d.id;
ALTER TABLE billing_decision ENABLE ALWAYS TRIGGER decision_is_final;
"""

GUARDS = """
CREATE FUNCTION billing_guard_turn() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    last billing_decision;
    makers jsonb;
BEGIN
    SELECT CASE WHEN sealed IS JSON OBJECT THEN sealed::jsonb -> 'makers' END INTO makers
      FROM billing_changerequest WHERE id = NEW.change_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM jsonb_array_elements(makers) m WHERE m ->> 'id' = NEW.checker_id::text) THEN
        RAISE EXCEPTION 'decision refused: nobody decides what they had a part in asking for'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.number IS DISTINCT FROM (
        SELECT coalesce(max(number), 0) + 1 FROM billing_decision WHERE change_id = NEW.change_id) THEN
        RAISE EXCEPTION 'decision refused: a request numbers its decisions one after another'
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO last FROM billing_decision
     WHERE change_id = NEW.change_id AND checker_id = NEW.checker_id ORDER BY number DESC LIMIT 1;
    IF NEW.verdict = 'take_back'
       AND (last.verdict IS DISTINCT FROM 'approve' OR last.step_id IS DISTINCT FROM NEW.step_id) THEN
        RAISE EXCEPTION 'decision refused: there is no approval of theirs to take back'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.verdict <> 'take_back' AND last.verdict <> 'take_back' THEN
        RAISE EXCEPTION 'decision refused: one verdict of a person stands at a time'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_comes_in_turn BEFORE INSERT ON billing_decision
    FOR EACH ROW EXECUTE FUNCTION billing_guard_turn();
ALTER TABLE billing_decision ENABLE ALWAYS TRIGGER decision_comes_in_turn;

DO $$
DECLARE
    agreed regprocedure;
    approval text := 'AND d.digest = change.digest AND d.checker_id <> change.maker_id';
    last text := ' AND NOT EXISTS (SELECT FROM billing_decision l WHERE l.change_id = d.change_id'
        ' AND l.checker_id = d.checker_id AND l.number > d.number)';
    told text := 'CASE NEW.verdict WHEN ''approve'' THEN ''change.approved''';
    back text := ' WHEN ''take_back'' THEN ''decision.taken_back''';
    whole text;
    changed text;
BEGIN
    FOREACH agreed IN ARRAY ARRAY['billing_is_agreed(billing_changerequest)'::regprocedure,
                                  'billing_is_agreed_now(billing_changerequest)'::regprocedure] LOOP
        whole := pg_get_functiondef(agreed);
        changed := replace(whole, approval, approval || last);
        IF length(changed) - length(whole) <> length(last) THEN
            RAISE EXCEPTION '% does not count approvals as it was expected to', agreed;
        END IF;
        EXECUTE changed;
    END LOOP;
    whole := pg_get_functiondef('billing_guard_told()'::regprocedure);
    changed := replace(whole, told, told || back);
    IF length(changed) - length(whole) <> length(back) THEN
        RAISE EXCEPTION 'billing_guard_told() does not ask for decisions as it was expected to';
    END IF;
    EXECUTE changed;
END $$;
"""

BACKWARD = """
DROP FUNCTION billing_guard_turn() CASCADE;
DO $$
DECLARE
    agreed regprocedure;
    last text := ' AND NOT EXISTS (SELECT FROM billing_decision l WHERE l.change_id = d.change_id'
        ' AND l.checker_id = d.checker_id AND l.number > d.number)';
BEGIN
    FOREACH agreed IN ARRAY ARRAY['billing_is_agreed(billing_changerequest)'::regprocedure,
                                  'billing_is_agreed_now(billing_changerequest)'::regprocedure] LOOP
        EXECUTE replace(pg_get_functiondef(agreed), last, '');
    END LOOP;
    EXECUTE replace(pg_get_functiondef('billing_guard_told()'::regprocedure),
        ' WHEN ''take_back'' THEN ''decision.taken_back''', '');
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0031_a_word_names_what_was_made'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='decision',
            options={'ordering': ['change', 'number']},
        ),
        migrations.RemoveConstraint(
            model_name='auditevent',
            name='event_type_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='decision',
            name='one_decision_per_person',
        ),
        migrations.RemoveConstraint(
            model_name='decision',
            name='verdict_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='notice',
            name='what_is_told_is_known',
        ),
        migrations.AddField(model_name='decision', name='number', field=models.SmallIntegerField(null=True)),
        migrations.RunSQL(NUMBER, migrations.RunSQL.noop),
        migrations.AlterField(model_name='decision', name='number', field=models.SmallIntegerField()),
        migrations.AlterField(
            model_name='auditevent',
            name='event_type',
            field=models.CharField(choices=[('change.submitted', 'Request submitted'), ('change.checked', 'Request checked with Metronome'), ('change.approved', 'Request approved by one person'), ('change.rejected', 'Request rejected'), ('change.withdrawn', 'Request withdrawn'), ('change.expired', 'Request expired'), ('change.staled', 'Request became stale'), ('change.applied', 'Request applied'), ('change.refused', 'Request refused by Metronome'), ('change.doubted', 'Outcome of a request became unknown'), ('change.returned', 'Request returned to the queue'), ('change.partly_applied', 'Request partly applied'), ('change.resolved', 'Request resolved by a person'), ('change.closed', 'Request closed by a person'), ('change.blocked', 'Request blocked: it is not what was approved'), ('decision.taken_back', 'Approval taken back'), ('call.sent', 'Call about to be sent'), ('call.applied', 'Call applied'), ('call.not_sent', 'Call not sent'), ('call.refused', 'Call refused by Metronome'), ('call.halted', 'Call turned away, applying halted'), ('call.doubted', 'Outcome of a call became unknown'), ('call.found', 'Outcome of a call looked up'), ('call.answered_late', 'Answer of a call arrived late'), ('applying.frozen', 'Applying frozen'), ('applying.unfrozen', 'Applying resumed'), ('applying.halted', 'Applying halted by the worker'), ('installation.anchored', 'Installation tied to a Metronome account'), ('mirror.refresh_requested', 'Refresh of the mirror asked for'), ('mirror.anew_asked', 'Mirror to be read anew, asked for by one person'), ('mirror.anew_agreed', 'Mirror to be read anew, agreed to by a second person'), ('mirror.begun_anew', 'Everything mirrored set aside, to be read anew'), ('policy.installed', 'Approval policy installed'), ('person.added', 'Person added'), ('person.signed_in', 'Person signed in'), ('person.sign_in_failed', 'Sign-in failed'), ('person.signed_out', 'Person signed out'), ('person.password_changed', 'Password changed'), ('person.email_changed', 'Mail address changed'), ('audit.exported', 'Audit record asked for as a file'), ('list.exported', 'List asked for as a file'), ('export.delivered', 'File handed over whole'), ('export.cut_short', 'File not delivered')], max_length=40),
        ),
        migrations.AlterField(
            model_name='decision',
            name='verdict',
            field=models.CharField(choices=[('approve', 'Approve'), ('reject', 'Reject'), ('take_back', 'Take back')], max_length=10),
        ),
        migrations.AlterField(
            model_name='notice',
            name='about',
            field=models.CharField(choices=[('waits', 'Waits for you'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('expired', 'Expired'), ('stale', 'Stale, nothing sent'), ('refused', 'Refused by Metronome'), ('applied', 'Applied after all'), ('closed', 'Closed by a person'), ('taken_back', 'An approval was taken back'), ('unknown', 'Needs a person'), ('lapses', 'Expires within a day')], max_length=10),
        ),
        migrations.AddIndex(
            model_name='decision',
            index=models.Index(fields=['change', 'checker', '-number'], name='decisions_last_words'),
        ),
        migrations.AddConstraint(
            model_name='auditevent',
            constraint=models.CheckConstraint(condition=models.Q(('event_type__in', ['change.submitted', 'change.checked', 'change.approved', 'change.rejected', 'change.withdrawn', 'change.expired', 'change.staled', 'change.applied', 'change.refused', 'change.doubted', 'change.returned', 'change.partly_applied', 'change.resolved', 'change.closed', 'change.blocked', 'decision.taken_back', 'call.sent', 'call.applied', 'call.not_sent', 'call.refused', 'call.halted', 'call.doubted', 'call.found', 'call.answered_late', 'applying.frozen', 'applying.unfrozen', 'applying.halted', 'installation.anchored', 'mirror.refresh_requested', 'mirror.anew_asked', 'mirror.anew_agreed', 'mirror.begun_anew', 'policy.installed', 'person.added', 'person.signed_in', 'person.sign_in_failed', 'person.signed_out', 'person.password_changed', 'person.email_changed', 'audit.exported', 'list.exported', 'export.delivered', 'export.cut_short'])), name='event_type_is_known'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.UniqueConstraint(fields=('change', 'number'), name='a_request_numbers_its_decisions'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('verdict__in', ['approve', 'reject', 'take_back'])), name='verdict_is_known'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(('about__in', ['waits', 'approved', 'rejected', 'expired', 'stale', 'refused', 'applied', 'closed', 'taken_back', 'unknown', 'lapses'])), name='what_is_told_is_known'),
        ),
        migrations.RunSQL(GUARDS, BACKWARD),
    ]
