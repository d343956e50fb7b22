"""A person's scripts come in with tokens: made and revoked on record, never changed, never deleted."""

import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models


FORWARD = """
CREATE FUNCTION billing_guard_token() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF billing_is_owner(TG_RELID) THEN
        RETURN COALESCE(NEW, OLD);
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.made_at := now();
        IF NEW.revoked_at IS NOT NULL OR NEW.last_used_at IS NOT NULL
           OR NOT EXISTS (SELECT FROM billing_user u WHERE u.id = NEW.owner_id AND u.is_active) THEN
            RAISE EXCEPTION 'an access token is made live, unused and for somebody who may come in'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an access token is revoked, never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.owner_id, NEW.name, NEW.lists, NEW.digest, NEW.ending, NEW.made_at, NEW.expires_at)
       IS DISTINCT FROM
       (OLD.id, OLD.owner_id, OLD.name, OLD.lists, OLD.digest, OLD.ending, OLD.made_at, OLD.expires_at)
       OR NEW.last_used_at < OLD.last_used_at
       OR (OLD.revoked_at IS NOT NULL AND NEW IS DISTINCT FROM OLD) THEN
        RAISE EXCEPTION 'an access token only comes into use or to its end' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER token_is_guarded BEFORE INSERT OR UPDATE OR DELETE ON billing_accesstoken
    FOR EACH ROW EXECUTE FUNCTION billing_guard_token();
ALTER TABLE billing_accesstoken ENABLE ALWAYS TRIGGER token_is_guarded;

CREATE FUNCTION billing_guard_token_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT billing_is_owner(TG_RELID) AND billing_is_told(NEW.id::text,
        ARRAY[CASE TG_OP WHEN 'INSERT' THEN 'token.made' ELSE 'token.revoked' END],
        CASE TG_OP WHEN 'INSERT' THEN NEW.owner_id ELSE NEW.revoked_by_id END) IS NOT TRUE THEN
        RAISE EXCEPTION '% on % refused: the record does not tell of it', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER token_is_told AFTER INSERT ON billing_accesstoken
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_guard_token_told();
ALTER TABLE billing_accesstoken ENABLE ALWAYS TRIGGER token_is_told;
CREATE CONSTRAINT TRIGGER token_end_is_told AFTER UPDATE ON billing_accesstoken
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.revoked_at IS DISTINCT FROM NEW.revoked_at)
    EXECUTE FUNCTION billing_guard_token_told();
ALTER TABLE billing_accesstoken ENABLE ALWAYS TRIGGER token_end_is_told;
"""
BACKWARD = """
DROP FUNCTION billing_guard_token_told() CASCADE;
DROP FUNCTION billing_guard_token() CASCADE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0054_lists_of_what_is_rare'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessToken',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=60)),
                ('lists', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), size=None)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('ending', models.CharField(max_length=4)),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('expires_at', models.DateTimeField()),
                ('last_used_at', models.DateTimeField(null=True)),
                ('last_used_ip', models.GenericIPAddressField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='auditevent',
            name='event_type_is_known',
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='event_type',
            field=models.CharField(choices=[('change.submitted', 'Request submitted'), ('change.checked', 'Request checked with Metronome'), ('change.approved', 'Request approved by one person'), ('change.rejected', 'Request rejected'), ('change.withdrawn', 'Request withdrawn'), ('change.expired', 'Request expired'), ('change.staled', 'Request became stale'), ('change.applied', 'Request applied'), ('change.differed', 'Request came out differently from what was shown'), ('change.refused', 'Request refused by Metronome'), ('change.doubted', 'Outcome of a request became unknown'), ('change.returned', 'Request returned to the queue'), ('change.partly_applied', 'Request partly applied'), ('change.resolved', 'Request resolved by a person'), ('change.disagreed', "A person's word on a request disagreed with"), ('change.closed', 'Request closed by a person'), ('change.blocked', 'Request blocked: it is not what was approved'), ('decision.taken_back', 'Approval taken back'), ('call.sent', 'Call about to be sent'), ('call.applied', 'Call applied'), ('call.not_sent', 'Call not sent'), ('call.refused', 'Call refused by Metronome'), ('call.halted', 'Call turned away, applying halted'), ('call.doubted', 'Outcome of a call became unknown'), ('call.found', 'Outcome of a call looked up'), ('call.answered_late', 'Answer of a call arrived late'), ('applying.frozen', 'Applying frozen'), ('applying.unfrozen', 'Applying resumed'), ('applying.halted', 'Applying halted by the worker'), ('installation.anchored', 'Installation tied to a Metronome account'), ('mirror.refresh_requested', 'Refresh of the mirror asked for'), ('mirror.anew_asked', 'Mirror to be read anew, asked for by one person'), ('mirror.anew_agreed', 'Mirror to be read anew, agreed to by a second person'), ('mirror.begun_anew', 'Everything mirrored set aside, to be read anew'), ('policy.installed', 'Approval policy installed'), ('person.added', 'Person added'), ('person.signed_in', 'Person signed in'), ('person.sign_in_failed', 'Sign-in failed'), ('person.signed_out', 'Person signed out'), ('person.password_changed', 'Password changed'), ('person.email_changed', 'Mail address changed'), ('token.made', 'Access token made'), ('token.revoked', 'Access token revoked'), ('audit.exported', 'Audit record asked for as a file'), ('list.exported', 'List asked for as a file'), ('export.delivered', 'File handed over whole'), ('export.cut_short', 'File not delivered')], max_length=40),
        ),
        migrations.AddConstraint(
            model_name='auditevent',
            constraint=models.CheckConstraint(condition=models.Q(('event_type__in', ['change.submitted', 'change.checked', 'change.approved', 'change.rejected', 'change.withdrawn', 'change.expired', 'change.staled', 'change.applied', 'change.differed', 'change.refused', 'change.doubted', 'change.returned', 'change.partly_applied', 'change.resolved', 'change.disagreed', 'change.closed', 'change.blocked', 'decision.taken_back', 'call.sent', 'call.applied', 'call.not_sent', 'call.refused', 'call.halted', 'call.doubted', 'call.found', 'call.answered_late', 'applying.frozen', 'applying.unfrozen', 'applying.halted', 'installation.anchored', 'mirror.refresh_requested', 'mirror.anew_asked', 'mirror.anew_agreed', 'mirror.begun_anew', 'policy.installed', 'person.added', 'person.signed_in', 'person.sign_in_failed', 'person.signed_out', 'person.password_changed', 'person.email_changed', 'token.made', 'token.revoked', 'audit.exported', 'list.exported', 'export.delivered', 'export.cut_short'])), name='event_type_is_known'),
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='revoked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='accesstoken',
            constraint=models.CheckConstraint(condition=models.Q(('digest__regex', '^[0-9a-f]{64}$')), name='token_digest_is_sha256'),
        ),
        migrations.AddConstraint(
            model_name='accesstoken',
            constraint=models.CheckConstraint(condition=models.Q(('lists__len__gt', 0)), name='token_reads_something'),
        ),
        migrations.AddConstraint(
            model_name='accesstoken',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('made_at')), ('expires_at__lte', django.db.models.expressions.CombinedExpression(models.F('made_at'), '+', models.Value(datetime.timedelta(days=365, seconds=3600))))), name='token_ends_within_a_year'),
        ),
        migrations.AddConstraint(
            model_name='accesstoken',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('revoked_at', None), ('revoked_by', None)), models.Q(('revoked_at__isnull', False), ('revoked_by__isnull', False)), _connector='OR'), name='token_is_revoked_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='accesstoken',
            constraint=models.UniqueConstraint(condition=models.Q(('revoked_at__isnull', True)), fields=('owner', 'name'), name='token_names_of_a_person_differ'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
