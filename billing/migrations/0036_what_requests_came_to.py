"""What a request came to is compared once it is applied, written once, and told where it differs."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

GUARDS = """
CREATE FUNCTION billing_guard_upshot() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE is_right boolean;
BEGIN
    IF billing_is_owner(TG_RELID) THEN
        RETURN NEW;
    END IF;
    is_right := abs(extract(epoch FROM NEW.looked_at - clock_timestamp())) < 60
        AND (NEW.missed = 0) = (NEW.misses = '[]'::jsonb) AND EXISTS (
            SELECT FROM billing_changerequest c WHERE c.id = NEW.change_id AND c.status = 'applied');
    IF is_right IS NOT TRUE THEN
        RAISE EXCEPTION '% on % refused: the application does nothing like it', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER practice BEFORE INSERT ON billing_upshot FOR EACH ROW EXECUTE FUNCTION billing_guard_upshot();
ALTER TABLE billing_upshot ENABLE ALWAYS TRIGGER practice;
CREATE TRIGGER upshot_is_final BEFORE UPDATE OR DELETE ON billing_upshot
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
ALTER TABLE billing_upshot ENABLE ALWAYS TRIGGER upshot_is_final;

CREATE FUNCTION billing_guard_upshot_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE request text;
BEGIN
    SELECT uuid::text INTO request FROM billing_changerequest WHERE id = NEW.change_id;
    IF NOT billing_is_owner(TG_RELID)
       AND billing_is_told(request, ARRAY['change.differed'], NULL) IS NOT TRUE THEN
        RAISE EXCEPTION '% on % refused: the record does not tell of it', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER what_differs_is_told AFTER INSERT ON billing_upshot
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.missed > 0)
    EXECUTE FUNCTION billing_guard_upshot_told();
ALTER TABLE billing_upshot ENABLE ALWAYS TRIGGER what_differs_is_told;
"""

BACKWARD = """
DROP FUNCTION billing_guard_upshot() CASCADE;
DROP FUNCTION billing_guard_upshot_told() CASCADE;
DROP TRIGGER upshot_is_final ON billing_upshot;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0045_rate_cards_packages_and_products'),
    ]

    operations = [
        migrations.CreateModel(
            name='Upshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('looked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('compared', models.SmallIntegerField()),
                ('missed', models.SmallIntegerField()),
                ('misses', models.JSONField(default=list)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='auditevent',
            name='event_type_is_known',
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='event_type',
            field=models.CharField(choices=[('change.submitted', 'Request submitted'), ('change.checked', 'Request checked with Metronome'), ('change.approved', 'Request approved by one person'), ('change.rejected', 'Request rejected'), ('change.withdrawn', 'Request withdrawn'), ('change.expired', 'Request expired'), ('change.staled', 'Request became stale'), ('change.applied', 'Request applied'), ('change.differed', 'Request came out differently from what was shown'), ('change.refused', 'Request refused by Metronome'), ('change.doubted', 'Outcome of a request became unknown'), ('change.returned', 'Request returned to the queue'), ('change.partly_applied', 'Request partly applied'), ('change.resolved', 'Request resolved by a person'), ('change.disagreed', "A person's word on a request disagreed with"), ('change.closed', 'Request closed by a person'), ('change.blocked', 'Request blocked: it is not what was approved'), ('decision.taken_back', 'Approval taken back'), ('call.sent', 'Call about to be sent'), ('call.applied', 'Call applied'), ('call.not_sent', 'Call not sent'), ('call.refused', 'Call refused by Metronome'), ('call.halted', 'Call turned away, applying halted'), ('call.doubted', 'Outcome of a call became unknown'), ('call.found', 'Outcome of a call looked up'), ('call.answered_late', 'Answer of a call arrived late'), ('applying.frozen', 'Applying frozen'), ('applying.unfrozen', 'Applying resumed'), ('applying.halted', 'Applying halted by the worker'), ('installation.anchored', 'Installation tied to a Metronome account'), ('mirror.refresh_requested', 'Refresh of the mirror asked for'), ('mirror.anew_asked', 'Mirror to be read anew, asked for by one person'), ('mirror.anew_agreed', 'Mirror to be read anew, agreed to by a second person'), ('mirror.begun_anew', 'Everything mirrored set aside, to be read anew'), ('policy.installed', 'Approval policy installed'), ('person.added', 'Person added'), ('person.signed_in', 'Person signed in'), ('person.sign_in_failed', 'Sign-in failed'), ('person.signed_out', 'Person signed out'), ('person.password_changed', 'Password changed'), ('person.email_changed', 'Mail address changed'), ('audit.exported', 'Audit record asked for as a file'), ('list.exported', 'List asked for as a file'), ('export.delivered', 'File handed over whole'), ('export.cut_short', 'File not delivered')], max_length=40),
        ),
        migrations.AddConstraint(
            model_name='auditevent',
            constraint=models.CheckConstraint(condition=models.Q(('event_type__in', ['change.submitted', 'change.checked', 'change.approved', 'change.rejected', 'change.withdrawn', 'change.expired', 'change.staled', 'change.applied', 'change.differed', 'change.refused', 'change.doubted', 'change.returned', 'change.partly_applied', 'change.resolved', 'change.disagreed', 'change.closed', 'change.blocked', 'decision.taken_back', 'call.sent', 'call.applied', 'call.not_sent', 'call.refused', 'call.halted', 'call.doubted', 'call.found', 'call.answered_late', 'applying.frozen', 'applying.unfrozen', 'applying.halted', 'installation.anchored', 'mirror.refresh_requested', 'mirror.anew_asked', 'mirror.anew_agreed', 'mirror.begun_anew', 'policy.installed', 'person.added', 'person.signed_in', 'person.sign_in_failed', 'person.signed_out', 'person.password_changed', 'person.email_changed', 'audit.exported', 'list.exported', 'export.delivered', 'export.cut_short'])), name='event_type_is_known'),
        ),
        migrations.AddField(
            model_name='upshot',
            name='change',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='upshot', to='billing.changerequest'),
        ),
        migrations.AddIndex(
            model_name='upshot',
            index=models.Index(condition=models.Q(('missed__gt', 0)), fields=['-looked_at'], name='upshots_that_differ'),
        ),
        migrations.AddConstraint(
            model_name='upshot',
            constraint=models.CheckConstraint(condition=models.Q(('missed__gte', 0), ('missed__lte', models.F('compared'))), name='no_more_differs_than_was_compared'),
        ),
        migrations.RunSQL(GUARDS, BACKWARD),
    ]
