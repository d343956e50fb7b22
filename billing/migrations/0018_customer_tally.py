"""How many customers are active, archived and missing, kept by triggers: a row a statement, none changed.

Statement triggers with transition tables, so that a page of a refresh costs one row whatever it holds. They are
plain triggers: a restore that replays data as a replica brings the tally along with the customers.
"""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION billing_customer_standing(archived_at timestamptz, missing_since timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN missing_since IS NOT NULL THEN 'missing' WHEN archived_at IS NOT NULL THEN 'archived'
                ELSE 'active' END
$$;

CREATE FUNCTION billing_tally_customers() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO billing_customertally (standing, number)
        SELECT billing_customer_standing(archived_at, missing_since), count(*) FROM came GROUP BY 1;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO billing_customertally (standing, number)
        SELECT billing_customer_standing(archived_at, missing_since), -count(*) FROM went GROUP BY 1;
    ELSE
        INSERT INTO billing_customertally (standing, number)
        SELECT standing, sum(number) FROM (
            SELECT billing_customer_standing(archived_at, missing_since) AS standing, 1 AS number FROM came
            UNION ALL
            SELECT billing_customer_standing(archived_at, missing_since), -1 FROM went) moved
         GROUP BY standing HAVING sum(number) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER customers_that_came AFTER INSERT ON billing_customer
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION billing_tally_customers();
CREATE TRIGGER customers_that_moved AFTER UPDATE ON billing_customer
    REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION billing_tally_customers();
CREATE TRIGGER customers_that_went AFTER DELETE ON billing_customer
    REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION billing_tally_customers();
INSERT INTO billing_customertally (standing, number)
SELECT billing_customer_standing(archived_at, missing_since), count(*) FROM billing_customer GROUP BY 1;
"""

BACKWARD = """
DROP TRIGGER customers_that_went ON billing_customer;
DROP TRIGGER customers_that_moved ON billing_customer;
DROP TRIGGER customers_that_came ON billing_customer;
DROP FUNCTION billing_tally_customers();
DROP FUNCTION billing_customer_standing(timestamptz, timestamptz);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0017_requests_by_what_pages_ask'),
    ]

    operations = [
        migrations.CreateModel(
            name='CustomerTally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('standing', models.CharField(max_length=10)),
                ('number', models.BigIntegerField()),
            ],
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(condition=models.Q(('missing_since__isnull', True)), fields=['created_at'], name='customers_new'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
