"""Every trigger, CHECK and UNIQUE of the database, with how it is met. `table.rule`, without billing_."""

from __future__ import annotations

from tests.pages.rules.beside_requests import DJANGO, MIRROR, NOTICES, PEOPLE
from tests.pages.rules.rows import Nothing, Page, Rule, Sql, Untold

REASON = {"reason": "as agreed"}
CODE = "only code gives this value; nothing that is typed gets there"
WORKER = "only the worker writes here, and `apply` blocks the request in words"
KEPT = "no page changes or removes such a row"
NUMBERED = "only sealing and the worker number these"
KEPT_WORDS = "these rows are kept"
ADDED = "these rows are only ever added"
NOT_DONE = "the application does nothing like it"
UNTOLD = "the record does not tell of it"
LATER = "of a sealed request cannot be added later"
FREEZE = "INSERT INTO billing_freeze (id, frozen, cause, reason)"
DECIDE = {"verdict": "approve", "digest": "{half.digest}"}

REQUESTS: dict[str, Rule] = {
    "changerequest.change_is_sealed": Page(
        "finance",
        "/changes/{withdrawn}/withdraw/",
        409,
        "is withdrawn, so this can't be done any more.",
        REASON,
    ),
    "changerequest.request_is_told": Untold(
        "finance",
        "/changes/new/customer.rename/?customer={withdrawn.customer}",
        {"name": "Another GmbH", **REASON},
        "INSERT",
    ),
    "changerequest.move_is_told": Untold("finance", "/changes/{fresh}/withdraw/", REASON, "UPDATE"),
    "changerequest.status_is_known": Sql(CODE, "UPDATE billing_changerequest SET status = 'odd'", as_="bare"),
    "changerequest.applying_holds_a_claim": Sql(
        WORKER, "UPDATE billing_changerequest SET status = 'applying'", as_="bare"
    ),
    "changerequest.digest_is_of_the_sealed_text": Sql(
        CODE, "UPDATE billing_changerequest SET digest = repeat('0', 64)", as_="bare"
    ),
    "changerequest.a_request_has_one_maker": Nothing(
        "the pair that decisions refer to; the key alone is unique already"
    ),
    "changerequest.billing_changerequest_reference_key": Sql(
        NUMBERED, copies="changerequest", columns={"uuid": "gen_random_uuid()"}, as_="bare"
    ),
    "changerequest.billing_changerequest_uuid_key": Sql(
        NUMBERED, copies="changerequest", columns={"reference": "'CR-X'"}, as_="bare"
    ),
    "changerequest.owners_are_busy": Sql(
        WORKER,
        "UPDATE billing_changerequest SET status = 'approved' WHERE status = 'unknown';"
        "UPDATE billing_changerequest SET status = 'applying', claim_token = uuid, lease_until = now()"
        " WHERE status = 'approved'; UPDATE billing_hold SET is_busy = false",
        "goes on only while what it writes to is busy with it",
        as_="owner",
    ),
    "hold.holds_never_meet": Page(
        "finance",
        "/changes/new/customer.rename/?customer={fresh.customer}",
        422,
        "{fresh} is open and already changes this customer’s name.",
        {"name": "Another GmbH", **REASON},
    ),
    "hold.a_request_holds_a_part_once": Sql(
        NUMBERED, copies="hold", columns={"is_open": "false"}, as_="bare"
    ),
    "hold.hold_is_sealed": Sql(
        KEPT, copies="hold", columns={"thing": "'customer:more'"}, says=f"billing_hold {LATER}"
    ),
    "hold.hold_stays": Sql(KEPT, "DELETE FROM billing_hold", "is sealed with it"),
    "hold.hold_goes_with_its_request": Sql(
        KEPT,
        "UPDATE billing_hold SET is_open = false WHERE NOT is_busy",
        "ends only once its request is settled",
    ),
    "hold.one_busy_request_per_owner": Sql(
        WORKER, "UPDATE billing_hold SET is_busy = true, owner = 'customer:one' WHERE is_open", as_="bare"
    ),
    "hold.what_is_busy_is_held": Sql(
        WORKER, "UPDATE billing_hold SET is_busy = true, is_open = false", as_="bare"
    ),
    "approvalstep.step_is_sealed": Sql(
        KEPT, copies="approvalstep", columns={"position": "7"}, says=f"billing_approvalstep {LATER}"
    ),
    "approvalstep.step_is_final": Sql(KEPT, "UPDATE billing_approvalstep SET people = 1", ADDED),
    "approvalstep.a_step_asks_for_people": Sql(
        "a policy that asks nobody, or more than five, is not installed",
        "UPDATE billing_approvalstep SET people = 0",
        as_="bare",
    ),
    "approvalstep.a_step_has_one_position": Sql(NUMBERED, copies="approvalstep", as_="bare"),
    "decision.decision_is_allowed": Page(
        "manager2", "/changes/{withdrawn}/decide/", 409, "there is nothing left to decide.", DECIDE
    ),
    "decision.decision_comes_in_turn": Page(
        "manager", "/changes/{half}/decide/", 409, "You have already decided this request", DECIDE
    ),
    "decision.a_request_numbers_its_decisions": Sql(NUMBERED, copies="decision", as_="bare"),
    "decision.a_maker_never_decides": Page(
        "manager", "/changes/{own}/decide/", 403, "You proposed this, so somebody else has to decide.", DECIDE
    ),
    "decision.verdict_is_known": Page(
        "manager2", "/changes/{half}/decide/", 422, "Choose to approve or to reject.", {"verdict": "perhaps"}
    ),
    "decision.a_rejection_has_a_reason": Page(
        "manager2",
        "/changes/{half}/decide/",
        422,
        "Say why",
        {"verdict": "reject", "digest": "{half.digest}", "reason": " "},
    ),
    "decision.nobody_decides_about_themselves": Nothing(
        "of a request about a person: tests/changes/test_application_role.py meets it"
    ),
    "hold.nobody_asks_about_themselves": Nothing(
        "of a request about a person: tests/people/test_rights.py meets its refusal in words"
    ),
    "decision.decision_is_told": Untold(
        "manager", "/changes/{fresh}/decide/", {"verdict": "approve", "digest": "{fresh.digest}"}, "INSERT"
    ),
    "decision.decision_is_final": Sql(KEPT, "UPDATE billing_decision SET reason = 'x'", ADDED),
    "resolution.a_resolution_has_a_reason": Page(
        "administrator", "/changes/{doubtful}/resolve/", 422, "Say why", {"verdict": "leave_it", "reason": ""}
    ),
    "resolution.one_waiting_resolution_per_request": Page(
        "administrator",
        "/changes/{talked}/resolve/",
        409,
        "Another word on this request waits to be carried out.",
        {"verdict": "leave_it", **REASON},
    ),
    "resolution.only_an_effect_made_something": Page(
        "administrator",
        "/changes/{doubtful}/resolve/",
        422,
        "Only what took effect has made something: clear the id.",
        {"verdict": "leave_it", "made_id": "9d1de2a0-5d15-4a2f-b2ee-4e4519f9919c", **REASON},
    ),
    "resolution.what_was_named_stays": Sql(
        KEPT, "UPDATE billing_resolution SET made_id = gen_random_uuid()", "what a person named stays"
    ),
    "upshot.practice": Sql(
        WORKER,
        "INSERT INTO billing_upshot (change_id, compared, missed, misses)"
        " SELECT id, 1, 0, '[]' FROM billing_changerequest WHERE status = 'submitted' LIMIT 1",
        NOT_DONE,
    ),
    "upshot.upshot_is_final": Sql(KEPT, "UPDATE billing_upshot SET missed = 0", ADDED),
    "upshot.what_differs_is_told": Sql(
        WORKER,
        "INSERT INTO billing_upshot (change_id, compared, missed, misses)"
        " SELECT id, 1, 1, '[\"x\"]' FROM billing_changerequest c WHERE status = 'applied' AND NOT EXISTS"
        " (SELECT FROM billing_upshot u WHERE u.change_id = c.id)",
        UNTOLD,
    ),
    "upshot.no_more_differs_than_was_compared": Sql(CODE, "UPDATE billing_upshot SET missed = 9", as_="bare"),
    "upshot.billing_upshot_change_id_key": Sql(CODE, copies="upshot", as_="bare"),
    "resolution.who_disagrees_is_another_and_says_why": Page(
        "manager", "/changes/{talked}/disagree/", 422, "Say why", {"reason": ""}
    ),
    "resolution.a_second_person_disagrees": Page(
        "administrator", "/changes/{talked}/disagree/", 403, "You said it first", REASON
    ),
    "resolution.nobody_disagrees_at_once": Sql(
        "a word is said first, and disagreed with by another",
        copies="resolution",
        columns={"disagreement": "'x'"},
        says=NOT_DONE,
    ),
    "resolution.a_second_person_is_another": Page(
        "administrator", "/changes/{talked}/second/", 403, "You said it first", REASON
    ),
    "resolution.a_second_person_has_not_decided": Page(
        "manager", "/changes/{talked}/second/", 403, "You decided this request", REASON
    ),
    "resolution.practice": Page(
        "administrator",
        "/changes/{fresh}/resolve/",
        409,
        "does not wait for this word any more.",
        {"verdict": "leave_it", **REASON},
    ),
    "resolution.resolution_is_told": Untold(
        "administrator", "/changes/{doubtful}/resolve/", {"verdict": "leave_it", **REASON}, "INSERT"
    ),
}

CALLS: dict[str, Rule] = {
    "call.result_stays": Sql(
        WORKER,
        'UPDATE billing_call SET result = \'{"id": "no id"}\'',
        "what a call returned is written once",
        as_="owner",
    ),
    "call.call_is_sealed": Sql(
        KEPT,
        copies="call",
        columns={
            "position": "7",
            "key": "gen_random_uuid()",
            "status": "'waiting'",
            "first_sent_at": "NULL",
        },
        says=f"billing_call {LATER}",
    ),
    "call.call_keeps_its_identity": Sql(
        KEPT, "UPDATE billing_call SET operation = 'customers.archive'", "keeps its place, operation and key"
    ),
    "call.practice": Sql(WORKER, "DELETE FROM billing_call", "a sealed call is never deleted"),
    "call.call_is_told": Sql(WORKER, "UPDATE billing_call SET generation = generation + 1", UNTOLD),
    "call.call_status_is_known": Sql(CODE, "UPDATE billing_call SET status = 'odd'", as_="bare"),
    "call.a_call_has_one_position": Sql(
        NUMBERED, copies="call", columns={"key": "gen_random_uuid()"}, as_="bare"
    ),
    "call.billing_call_key_key": Sql(NUMBERED, copies="call", columns={"position": "7"}, as_="bare"),
    "attempt.attempt_is_a_journal": Sql(
        WORKER,
        "UPDATE billing_attempt SET number = 2, outcome = 'unknown', answered_at = now()",
        "journalled once",
    ),
    "attempt.practice": Sql(
        WORKER, copies="attempt", columns={"number": "7", "reference": "'x'"}, says=NOT_DONE
    ),
    "attempt.attempt_is_told": Sql(
        WORKER, "UPDATE billing_attempt SET outcome = 'unknown', answered_at = now()", UNTOLD
    ),
    "attempt.an_attempt_has_one_number": Sql(
        NUMBERED, copies="attempt", columns={"reference": "'x'"}, as_="bare"
    ),
    "attempt.billing_attempt_reference_key": Sql(
        NUMBERED, copies="attempt", columns={"number": "7"}, as_="bare"
    ),
    "lookup.practice": Sql(
        WORKER, copies="lookup", columns={"looked_at": "now() - interval '1 hour'"}, says=NOT_DONE
    ),
    "lookup.lookup_is_evidence": Sql(KEPT, "UPDATE billing_lookup SET verdict = 'not_applied'", ADDED),
}

CONTROL: dict[str, Rule] = {
    "auditevent.audit_is_append_only": Sql(KEPT, "UPDATE billing_auditevent SET reason = 'x'", ADDED),
    "auditevent.audit_is_stamped": Sql(
        "the database numbers the record",
        "SELECT nextval(pg_get_serial_sequence('billing_auditevent', 'id'));"
        " INSERT INTO billing_auditevent (id, event_type, actor_text, actor_role, subject_type, subject_id,"
        " subject_text, reference, digest, reason, user_agent, request_id)"
        " VALUES (1000000, 'change.approved', 'x', '', '', '', '', '', '', '', '', '')",
        "numbers its own rows",
    ),
    "auditevent.event_type_is_known": Sql(
        CODE, "UPDATE billing_auditevent SET event_type = 'odd'", as_="bare"
    ),
    "auditevent.actor_text_is_given": Sql(CODE, "UPDATE billing_auditevent SET actor_text = ''", as_="bare"),
    "freeze.a_freeze_has_a_reason": Page("administrator", "/system/freeze/", 422, "Say why", {"reason": " "}),
    "freeze.freeze_is_told": Untold("administrator", "/system/freeze/", REASON, "UPDATE"),
    "freeze.first_freeze_is_told": Sql(
        "the row is made before the switch is turned, not frozen",
        f"{FREEZE} VALUES (1, true, 'person', 'x')",
        UNTOLD,
    ),
    "freeze.practice": Sql(
        KEPT,
        FREEZE + " VALUES (1, false, '', ''); DELETE FROM billing_freeze",  # noqa: S608 our own words
        KEPT_WORDS,
    ),
    "freeze.a_turn_waits_for_who_holds_it_still": Nothing("it waits for who is sending, and refuses nothing"),
    "freeze.freeze_is_one_row": Sql(CODE, f"{FREEZE} VALUES (2, false, '', '')", as_="bare"),
    "newbeginning.a_new_beginning_has_a_reason": Page(
        "manager", "/system/anew/", 422, "Say why", {"word": "agree", "reason": ""}
    ),
    "newbeginning.a_new_beginning_takes_two": Page(
        "administrator",
        "/system/anew/",
        409,
        "You asked for it; somebody else has to agree.",
        {"word": "agree", **REASON},
    ),
    "newbeginning.only_what_two_agreed_to_is_begun": Sql(
        WORKER, "UPDATE billing_newbeginning SET carried_out_at = now()", as_="bare"
    ),
    "newbeginning.practice": Page(
        "manager", "/system/anew/", 409, "Somebody has asked for it already", REASON
    ),
    "newbeginning.beginning_is_told": Untold(
        "manager", "/system/anew/", {"word": "agree", **REASON}, "UPDATE"
    ),
    "installation.installation_is_one_row": Sql(CODE, "UPDATE billing_installation SET id = 2", as_="bare"),
    "installation.billing_installation_uuid_key": Nothing("there is one row"),
    "installation.practice": Sql(KEPT, "DELETE FROM billing_installation", KEPT_WORDS),
    "installation.anchor_is_told": Sql(
        WORKER, "UPDATE billing_installation SET token_fingerprint = 'x'", UNTOLD
    ),
    "policyversion.practice": Sql(
        "no page installs a policy yet", copies="policyversion", columns={"version": "9"}, says=NOT_DONE
    ),
    "policyversion.policy_version_is_final": Sql(
        KEPT, "UPDATE billing_policyversion SET rules = '[]'", ADDED, as_="owner"
    ),
    "policyversion.billing_policyversion_version_key": Sql(NUMBERED, copies="policyversion", as_="bare"),
    "survey.practice": Page(
        "auditor",
        "/changes/new/customer.archive/?customer={fresh.customer}",
        403,
        "The role auditor may not propose",
    ),
    "survey.billing_survey_uuid_key": Sql(CODE, copies="survey", as_="bare"),
}

TABLE: dict[str, Rule] = {**REQUESTS, **CALLS, **CONTROL, **PEOPLE, **NOTICES, **MIRROR, **DJANGO}
