-- A contract a customer: of twenty, two have ended, one begins later and one was archived. A word is in about
-- one name of 4,096, and "Enterprise" in half of them. Every customer's lists were read.
INSERT INTO billing_ratecard (id, name, description, currency, fetched_at)
SELECT ('00000000-0000-4000-a000-' || lpad(to_hex(n), 12, '0'))::uuid, 'List prices ' || n, '', 'USD', now()
  FROM generate_series(1, 20) n;
INSERT INTO billing_contract (id, customer_id, name, starting_at, ending_before, archived_at, rate_card_id,
                              custom_fields, raw, fetched_at)
SELECT (substr(c.id::text, 1, 8) || '-0000-4000-b000-' || lpad(to_hex(n), 12, '0'))::uuid, c.id,
       CASE WHEN n % 49 > 0 THEN 'Order ' || initcap(substr(md5('c' || n), 1, 3)) || ' ' || n
            || CASE WHEN n % 14 < 7 THEN ' Enterprise' ELSE ' Standard' END ELSE '' END,
       date_trunc('day', c.created_at) + CASE WHEN n % 20 = 3 THEN interval '3 years' ELSE interval '0' END,
       CASE WHEN n % 20 IN (4, 5) THEN date_trunc('day', c.created_at)
            WHEN n % 3 > 0 THEN date_trunc('day', c.created_at) + interval '5 years' END,
       CASE WHEN n % 20 = 6 THEN now() END,
       ('00000000-0000-4000-a000-' || lpad(to_hex(1 + n % 20), 12, '0'))::uuid, '{}',
       jsonb_build_object('id', c.id, 'net_payment_terms_days', 30, 'created_by', 'somebody', 'commits', '[]'::jsonb,
                          'usage_statement_schedule', '{"frequency": "MONTHLY"}'::jsonb), now()
  FROM (SELECT *, substr(external_id, 9)::int AS n FROM billing_customer) c;
INSERT INTO billing_reading (customer_id, noun, priority, due_at, read_at, trouble)
SELECT id, noun, 1, now() + interval '1 day', now(), ''
  FROM billing_customer, (VALUES ('contract'), ('billing_configuration')) nouns(noun);
