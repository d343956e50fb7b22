INSERT INTO billing_auditevent (occurred_at, event_type, actor_id, actor_text, actor_role, subject_type, subject_id,
       subject_text, customer_id, reference, reason, digest, user_agent, request_id)
SELECT r.submitted_at + e * interval '6 minutes',
       (ARRAY['change.submitted', 'change.checked', 'change.approved', 'call.sent', 'call.applied', 'change.applied',
              'change.checked', 'call.found', 'list.exported', 'person.signed_in'])[e],
       CASE WHEN e IN (1, 9) THEN r.maker_id WHEN e IN (3, 10) THEN (%(manager)s)[1 + r.id % %(managers)s] END,
       CASE WHEN e IN (1, 9) THEN 'Person ' || r.maker_id WHEN e IN (3, 10) THEN 'A manager' ELSE 'changes worker' END,
       CASE WHEN e IN (1, 9) THEN 'finance' WHEN e IN (3, 10) THEN 'manager' ELSE '' END,
       'change', r.reference, r.subject_text, r.customer_id, CASE WHEN e < 9 THEN r.reference ELSE '' END,
       CASE WHEN e = 1 THEN 'As agreed with the customer ' || r.id ELSE '' END, r.digest, '', ''
  FROM billing_changerequest r, generate_series(1, %(each)s) e
 ORDER BY r.submitted_at;
