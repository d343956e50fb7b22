-- Names of three words, spread evenly: a word is in about one name of 4,096, and "Ltd" in half of them.
INSERT INTO billing_customer (id, name, external_id, custom_fields, created_at, fetched_at, archived_at, missing_since)
SELECT (lpad(to_hex(n), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       initcap(substr(md5(n::text), 1, 3)) || ' ' || initcap(substr(md5(n::text), 9, 6))
           || CASE WHEN n % 2 = 0 THEN ' Ltd' ELSE ' GmbH' END,
       'account-' || n, '{}', now() - n * interval '2 years' / %(size)s, now(),
       CASE WHEN n % 20 = 19 THEN now() END, CASE WHEN n % 1000 = 998 THEN now() END
  FROM generate_series(1, %(size)s) n;
INSERT INTO billing_ingestalias (customer_id, alias, fetched_at)
SELECT id, 'alias-' || substr(external_id, 9), now() FROM billing_customer;
INSERT INTO billing_ingestalias (customer_id, alias, fetched_at)
SELECT id, 'meter-' || substr(external_id, 9), now() FROM billing_customer
 WHERE substr(external_id, 9)::int % 2 = 0;
INSERT INTO billing_plan (id, name, description, custom_fields, fetched_at)
SELECT ('00000000-0000-4000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Plan ' || n, '', '{}', now()
  FROM generate_series(1, %(plans)s) n;
INSERT INTO billing_customerplan (id, customer_id, plan_id, starting_on, fetched_at)
SELECT gen_random_uuid(), id,
       ('00000000-0000-4000-9000-' || lpad(to_hex(1 + substr(external_id, 9)::int % %(plans)s), 12, '0'))::uuid,
       created_at, now()
  FROM billing_customer WHERE substr(external_id, 9)::int % 5 < 3;
INSERT INTO billing_refreshrun (scope, customer_id, status, phase, started_at, heartbeat_at, finished_at,
                                requests_spent, rows_read, rows_written, suspects, marked_missing, position, error)
SELECT CASE WHEN n % 4 = 0 THEN 'account' ELSE 'customer' END, CASE WHEN n % 4 > 0 THEN %(first)s::uuid END,
       'succeeded', '', now() - n * interval '3 minutes', now() - n * interval '3 minutes',
       now() - n * interval '3 minutes', 4, 40, 1, 0, 0, '', ''
  FROM generate_series(1, %(runs)s) n;
