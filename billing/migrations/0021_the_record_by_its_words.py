"""The record is searched by folded words, and read in its order by person, part of the system and event.

The column is PostgreSQL's own, made when a row is added: the append-only rows are written as before.
"""

from importlib import import_module

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from billing.lists.text import RecordWords

texts = import_module("billing.migrations.0012_folded_texts")

FORWARD = f"""
CREATE FUNCTION billing_folded_whole(text) RETURNS text LANGUAGE sql {texts.PINNED} AS $$
    SELECT CASE
        WHEN $1 !~ '[^\\u0001-\\u007e]' THEN btrim(regexp_replace(
            translate(lower($1 COLLATE "C"), chr(96), chr(39)), '[\\u0001-\\u0020]+', ' ', 'g'), ' ')
        ELSE (SELECT normalize(btrim(regexp_replace(regexp_replace(
            replace(replace(replace(translate(plain, '{texts.FROM}', '{texts.TO}'),
                'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
            '[{texts.DROPPED}]', '', 'g'), '[{texts.SPACES}]+', ' ', 'g'), ' '), NFC)
          FROM (SELECT normalize(casefold(normalize($1, NFKD) COLLATE pg_unicode_fast), NFKD)) AS folding(plain))
        END
$$;

-- Of a field its first 20,000 characters, of a word its first 300: both have bounds in a tsvector.
CREATE FUNCTION billing_record_words(subject_text text, subject_id text, reason text, actor_text text,
        reference text, digest text, customer_id uuid) RETURNS tsvector LANGUAGE sql
IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT array_to_tsvector(ARRAY(SELECT DISTINCT left(word, 300) FROM unnest(billing_words(billing_folded_whole(
        concat_ws(' ', left(subject_text, 20000), left(subject_id, 20000), left(reason, 20000),
                  left(actor_text, 20000), reference, digest, customer_id)))) AS word))
$$;

-- A word that a sign joins to the next one is whole: looking it up as a beginning finds far too many.
CREATE OR REPLACE FUNCTION billing_words_wanted(folded text) RETURNS tsquery LANGUAGE sql {texts.PINNED} AS $$
    SELECT string_agg('''' || found[1] || CASE WHEN found[2] ~ '^[^ ]+$' THEN '''' ELSE ''':*' END, ' & ')::tsquery
      FROM regexp_matches(
        regexp_replace(regexp_replace(folded, '([{texts.UNSPACED}])', ' \\1 ', 'g') COLLATE pg_unicode_fast,
            '[^[:alnum:]]+$', ''),
        '([[:alnum:]]+)([^[:alnum:]]*)', 'g') AS found
$$;
"""
BACKWARD = f"""
CREATE OR REPLACE FUNCTION billing_words_wanted(folded text) RETURNS tsquery LANGUAGE sql {texts.PINNED} AS $$
    SELECT string_agg('''' || word || ''':*', ' & ')::tsquery FROM unnest(billing_words(folded)) AS word
$$;
DROP FUNCTION billing_record_words(text, text, text, text, text, text, uuid);
DROP FUNCTION billing_folded_whole(text);
"""
WORDS = models.GeneratedField(
    expression=RecordWords(
        "subject_text", "subject_id", "reason", "actor_text", "reference", "digest", "customer_id"
    ),
    output_field=django.contrib.postgres.search.SearchVectorField(),
    db_persist=True,
)
INDEXES = (
    models.Index(fields=["customer_id", "-occurred_at", "-id"], name="audit_by_customer"),
    models.Index(fields=["actor", "-occurred_at", "-id"], name="audit_by_actor"),
    models.Index(fields=["event_type", "-occurred_at", "-id"], name="audit_by_event"),
    models.Index(fields=["actor", "event_type", "-occurred_at", "-id"], name="audit_by_actor_event"),
    models.Index(
        fields=["actor_text", "-occurred_at", "-id"], condition=models.Q(actor=None), name="audit_by_part"
    ),
    models.Index(
        fields=["actor_text", "event_type", "-occurred_at", "-id"],
        condition=models.Q(actor=None),
        name="audit_by_part_event",
    ),
    django.contrib.postgres.indexes.GinIndex(
        fields=["words"], name="audit_by_words", gin_pending_list_limit=256
    ),
)


class Migration(migrations.Migration):
    dependencies = [("billing", "0020_the_record_names_the_customer")]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RemoveIndex("auditevent", "audit_by_customer"),
        migrations.RemoveIndex("auditevent", "audit_by_actor"),
        migrations.RemoveIndex("auditevent", "audit_by_event"),
        migrations.AlterField(  # audit_by_actor begins with the same column
            "auditevent",
            "actor",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("auditevent", "words", WORDS),
        *(migrations.AddIndex("auditevent", index) for index in INDEXES),
    ]
