-- Of a hundred requests two wait for approval, some of them signed once already; of a thousand one is unknown,
-- one partly applied, one approved; the rest ended, decided by a manager.
CREATE TEMP TABLE grown ON COMMIT DROP AS
SELECT n, 'CR-' || lpad((100000 + n)::text, 6, '0') AS reference, gen_random_uuid() AS uuid, gen_random_uuid() AS key,
       nextval(pg_get_serial_sequence('billing_changerequest', 'id')) AS id,
       (lpad(to_hex(n * %(share)s), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(n * %(share)s), 12, '0'))::uuid
           AS customer_id,
       CASE WHEN n % 50 = 0 THEN 'submitted' WHEN n % 1000 = 1 THEN 'unknown' WHEN n % 1000 = 2 THEN 'partly_applied'
            WHEN n % 1000 = 3 THEN 'approved' WHEN n % 100 = 4 THEN 'rejected' WHEN n % 100 = 5 THEN 'refused'
            WHEN n % 100 = 6 THEN 'expired' ELSE 'applied' END AS status,
       now() - (%(requests)s - n) * interval '2 years' / %(requests)s AS at,
       (%(finance)s)[1 + n % cardinality(%(finance)s)] AS maker_id,
       (%(manager)s)[1 + n % cardinality(%(manager)s)] AS checker_id
  FROM generate_series(1, %(requests)s) n;
CREATE TEMP TABLE sealed ON COMMIT DROP AS
SELECT g.id, replace(replace(replace(replace(replace(t.sealed, t.reference, g.reference), t.uuid::text, g.uuid::text),
               t.customer_id::text, g.customer_id::text), t.key::text, g.key::text),
               '"maker":{"id":' || t.maker_id, '"maker":{"id":' || g.maker_id) AS sealed
  FROM grown g, (SELECT r.*, c.key FROM billing_changerequest r JOIN billing_call c ON c.change_id = r.id
                  WHERE r.id = %(template)s) t;
INSERT INTO billing_changerequest (id, uuid, reference, environment, kind, status, maker_id, customer_id, subject_text,
       sentence, irreversible, sealed, digest, submitted_at, expires_at, cool_off_seconds, settled_at, explanation,
       needs_person, check_error, checked_at)
SELECT g.id, g.uuid, g.reference, t.environment, t.kind, g.status, g.maker_id, g.customer_id, t.subject_text,
       t.sentence, false, s.sealed, encode(sha256(convert_to(s.sealed, 'UTF8')), 'hex'), g.at,
       g.at + interval '14 days', t.cool_off_seconds,
       CASE WHEN g.status NOT IN ('submitted', 'approved', 'unknown', 'partly_applied')
            THEN g.at + interval '1 hour' END, '',
       g.status IN ('unknown', 'partly_applied'), '', g.at
  FROM grown g JOIN sealed s USING (id), billing_changerequest t WHERE t.id = %(template)s;
INSERT INTO billing_hold (change_id, owner, thing, field_group, is_open, is_busy)
SELECT id, 'customer:' || customer_id, 'customer:' || customer_id, 'name',
       status IN ('submitted', 'approved', 'unknown', 'partly_applied'), status IN ('unknown', 'partly_applied')
  FROM grown;
INSERT INTO billing_approvalstep (change_id, position, role, people)
SELECT id, 1, 'manager', CASE WHEN n % 250 = 0 THEN 2 ELSE 1 END FROM grown;
INSERT INTO billing_decision (change_id, maker_id, step_id, checker_id, verdict, reason, digest, decided_at, number)
SELECT g.id, g.maker_id, s.id, g.checker_id, CASE g.status WHEN 'rejected' THEN 'reject' ELSE 'approve' END,
       'As agreed.', r.digest, g.at + interval '30 minutes', 1
  FROM grown g JOIN billing_approvalstep s ON s.change_id = g.id JOIN billing_changerequest r ON r.id = g.id
 WHERE g.n % 250 = 0 OR g.status NOT IN ('submitted', 'expired');
INSERT INTO billing_call (change_id, position, operation, key, status, generation, finding, first_sent_at, settled_at)
SELECT id, 1, 'customers.setName', key,
       CASE WHEN status IN ('applied', 'refused', 'unknown') THEN status ELSE 'waiting' END, 1, '',
       CASE WHEN status IN ('applied', 'refused', 'unknown') THEN at + interval '50 minutes' END,
       CASE WHEN status IN ('applied', 'refused') THEN at + interval '1 hour' END
  FROM grown;
INSERT INTO billing_attempt (call_id, number, generation, reference, claim_token, sent_at, outcome, answered_at,
                             arrived_late, message)
SELECT c.id, 1, 1, g.reference || '/0.1', gen_random_uuid(), c.first_sent_at, c.status, c.settled_at, false, ''
  FROM grown g JOIN billing_call c ON c.change_id = g.id WHERE c.first_sent_at IS NOT NULL;
