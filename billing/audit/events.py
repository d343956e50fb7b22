"""The closed set of things the record can say; the words, look and page of each stand here alone."""

from __future__ import annotations

from django.db import models

from billing.audit.wording import CUSTOMER, REQUEST, SYSTEM, Words


class Event(models.TextChoices):
    """What happened. Adding one is a decision; renaming one is never done."""

    CHANGE_SUBMITTED = "change.submitted", "Request submitted"
    CHANGE_CHECKED = "change.checked", "Request checked with Metronome"
    CHANGE_APPROVED = "change.approved", "Request approved by one person"
    CHANGE_REJECTED = "change.rejected", "Request rejected"
    CHANGE_WITHDRAWN = "change.withdrawn", "Request withdrawn"
    CHANGE_EXPIRED = "change.expired", "Request expired"
    CHANGE_STALED = "change.staled", "Request became stale"
    CHANGE_APPLIED = "change.applied", "Request applied"
    CHANGE_DIFFERED = "change.differed", "Request came out differently from what was shown"
    CHANGE_REFUSED = "change.refused", "Request refused by Metronome"
    CHANGE_DOUBTED = "change.doubted", "Outcome of a request became unknown"
    CHANGE_RETURNED = "change.returned", "Request returned to the queue"
    CHANGE_PARTLY_APPLIED = "change.partly_applied", "Request partly applied"
    CHANGE_RESOLVED = "change.resolved", "Request resolved by a person"
    CHANGE_DISAGREED = "change.disagreed", "A person's word on a request disagreed with"
    CHANGE_CLOSED = "change.closed", "Request closed by a person"
    CHANGE_BLOCKED = "change.blocked", "Request blocked: it is not what was approved"
    DECISION_TAKEN_BACK = "decision.taken_back", "Approval taken back"
    CALL_SENT = "call.sent", "Call about to be sent"
    CALL_APPLIED = "call.applied", "Call applied"
    CALL_NOT_SENT = "call.not_sent", "Call not sent"
    CALL_REFUSED = "call.refused", "Call refused by Metronome"
    CALL_HALTED = "call.halted", "Call turned away, applying halted"
    CALL_DOUBTED = "call.doubted", "Outcome of a call became unknown"
    CALL_FOUND = "call.found", "Outcome of a call looked up"
    CALL_ANSWERED_LATE = "call.answered_late", "Answer of a call arrived late"
    APPLYING_FROZEN = "applying.frozen", "Applying frozen"
    APPLYING_UNFROZEN = "applying.unfrozen", "Applying resumed"
    APPLYING_HALTED = "applying.halted", "Applying halted by the worker"
    INSTALLATION_ANCHORED = "installation.anchored", "Installation tied to a Metronome account"
    MIRROR_REFRESH_REQUESTED = "mirror.refresh_requested", "Refresh of the mirror asked for"
    MIRROR_ANEW_ASKED = "mirror.anew_asked", "Mirror to be read anew, asked for by one person"
    MIRROR_ANEW_AGREED = "mirror.anew_agreed", "Mirror to be read anew, agreed to by a second person"
    MIRROR_BEGUN_ANEW = "mirror.begun_anew", "Everything mirrored set aside, to be read anew"
    POLICY_INSTALLED = "policy.installed", "Approval policy installed"
    PERSON_ADDED = "person.added", "Person added"
    PERSON_SIGNED_IN = "person.signed_in", "Person signed in"
    PERSON_SIGN_IN_FAILED = "person.sign_in_failed", "Sign-in failed"
    PERSON_SIGNED_OUT = "person.signed_out", "Person signed out"
    PERSON_PASSWORD_CHANGED = "person.password_changed", "Password changed"
    PERSON_EMAIL_CHANGED = "person.email_changed", "Mail address changed"
    TOKEN_MADE = "token.made", "Access token made"
    TOKEN_REVOKED = "token.revoked", "Access token revoked"
    PERSON_TURNED_AWAY = "person.turned_away", "Too many tries turned away"
    PERSON_RESET_ASKED = "person.reset_asked", "New password asked for by mail"
    PERSON_RESET_LINK_MADE = "person.reset_link_made", "Link to a new password made"
    PERSON_FACTOR_ADDED = "person.factor_added", "Second factor added"
    PERSON_FACTOR_RENAMED = "person.factor_renamed", "Passkey renamed"
    PERSON_FACTOR_REMOVED = "person.factor_removed", "Second factor removed"
    PERSON_CODES_MADE = "person.codes_made", "Recovery codes made"
    PERSON_CODE_USED = "person.code_used", "Recovery code used"
    PERSON_STEP_FAILED = "person.step_failed", "Second step failed"
    PERSON_CONFIRMED = "person.confirmed", "Identity confirmed again"
    PERSON_SESSION_ENDED = "person.session_ended", "Session ended"
    PERSON_ROLE_CHANGED = "person.role_changed", "Role changed"
    PERSON_ACCESS_ENDED = "person.access_ended", "Access ended"
    PERSON_DEACTIVATED = "person.deactivated", "Person deactivated"
    PERSON_REACTIVATED = "person.reactivated", "Person reactivated"
    AUDIT_EXPORTED = "audit.exported", "Audit record asked for as a file"
    LIST_EXPORTED = "list.exported", "List asked for as a file"
    EXPORT_DELIVERED = "export.delivered", "File handed over whole"
    EXPORT_CUT_SHORT = "export.cut_short", "File not delivered"

    @property
    def words(self) -> Words:
        return WORDS[self]

    def words_for(self, new: object) -> Words:
        """How it is told with its new facts: a second person's agreement is no first word."""
        is_second = self == Event.CHANGE_RESOLVED and isinstance(new, dict) and new.get("seconded")
        return AGREED if is_second else self.words


WORDS: dict[Event, Words] = {
    Event.CHANGE_SUBMITTED: Words("good", "mark-applied", "Proposed", "{who} proposed {what}.", *REQUEST),
    Event.CHANGE_CHECKED: Words(
        "plain", "info", "Checked with Metronome", "{what} was compared with Metronome.", *REQUEST
    ),
    Event.CHANGE_APPROVED: Words("good", "mark-approved", "Approved", "{who} approved {what}.", *REQUEST),
    Event.CHANGE_REJECTED: Words("plain", "mark-rejected", "Rejected", "{who} rejected {what}.", *REQUEST),
    Event.CHANGE_WITHDRAWN: Words("plain", "mark-withdrawn", "Withdrawn", "{who} withdrew {what}.", *REQUEST),
    Event.CHANGE_EXPIRED: Words("plain", "mark-expired", "Expired", "{what} expired.", *REQUEST),
    Event.CHANGE_STALED: Words("warn", "mark-stale", "Became stale", "{what} became stale.", *REQUEST),
    Event.CHANGE_APPLIED: Words("good", "mark-applied", "Applied", "{what} was applied.", *REQUEST),
    Event.CHANGE_DIFFERED: Words(
        "warn",
        "mark-stale",
        "Came out differently",
        "{what} came out differently from what was shown.",
        *REQUEST,
    ),
    Event.CHANGE_REFUSED: Words(
        "bad", "mark-refused", "Refused by Metronome", "Metronome refused {what}.", *REQUEST
    ),
    Event.CHANGE_DOUBTED: Words(
        "doubt", "mark-unknown", "Outcome unknown", "The outcome of {what} became unknown.", *REQUEST
    ),
    Event.CHANGE_RETURNED: Words(
        "info", "mark-approved", "Back in the queue", "{what} went back to the queue.", *REQUEST
    ),
    Event.CHANGE_PARTLY_APPLIED: Words(
        "doubt", "mark-partly", "Partly applied", "{what} was applied in part.", *REQUEST
    ),
    Event.CHANGE_RESOLVED: Words(
        "info",
        "mark-approved",
        "Resolved",
        "{who} said what became of {what}.",
        *REQUEST,
        line="Resolved: {verdict}",
    ),
    Event.CHANGE_DISAGREED: Words(
        "doubt",
        "mark-rejected",
        "Disagreed",
        "{who} disagreed with what was said of {what}.",
        *REQUEST,
    ),
    Event.CHANGE_CLOSED: Words("plain", "mark-archived", "Closed", "{who} closed {what}.", *REQUEST),
    Event.CHANGE_BLOCKED: Words(
        "bad", "mark-refused", "Blocked", "{what} was blocked: it is not what was approved.", *REQUEST
    ),
    Event.DECISION_TAKEN_BACK: Words(
        "warn", "mark-withdrawn", "Approval taken back", "{who} took back their approval of {what}.", *REQUEST
    ),
    Event.CALL_SENT: Words(
        "info",
        "mark-applying",
        "Sending",
        "A call of {what} was about to be sent.",
        *REQUEST,
        line="Sending call {call}",
    ),
    Event.CALL_APPLIED: Words(
        "good",
        "mark-applied",
        "Call applied",
        "A call of {what} took effect.",
        *REQUEST,
        line="Call {call} applied",
    ),
    Event.CALL_NOT_SENT: Words(
        "warn",
        "mark-waiting",
        "Call not sent",
        "A call of {what} was not sent.",
        *REQUEST,
        line="Call {call} not sent",
    ),
    Event.CALL_REFUSED: Words(
        "bad",
        "mark-refused",
        "Call refused",
        "Metronome refused a call of {what}.",
        *REQUEST,
        line="Call {call} refused",
    ),
    Event.CALL_HALTED: Words(
        "bad",
        "mark-refused",
        "Turned away",
        "Metronome turned a call of {what} away.",
        *REQUEST,
        line="Call {call} turned away",
    ),
    Event.CALL_DOUBTED: Words(
        "doubt",
        "mark-unknown",
        "No trustworthy answer",
        "No trustworthy answer came to a call of {what}.",
        *REQUEST,
        line="No trustworthy answer to call {call}",
    ),
    Event.CALL_FOUND: Words(
        "info",
        "search",
        "Looked up",
        "What became of a call of {what} was looked up.",
        *REQUEST,
        line="Looked up call {call}",
    ),
    Event.CALL_ANSWERED_LATE: Words(
        "warn",
        "mark-stale",
        "Answered late",
        "The answer to a call of {what} arrived late.",
        *REQUEST,
        line="Call {call} answered late",
    ),
    Event.APPLYING_FROZEN: Words("warn", "pause", "Frozen", "{who} froze applying.", *SYSTEM),
    Event.APPLYING_UNFROZEN: Words("good", "mark-applying", "Resumed", "{who} resumed applying.", *SYSTEM),
    Event.APPLYING_HALTED: Words("bad", "mark-refused", "Halted", "Applying was halted by {who}.", *SYSTEM),
    Event.INSTALLATION_ANCHORED: Words(
        "info",
        "lock",
        "Tied to an account",
        "This installation was tied to a Metronome account: {what}.",
        *SYSTEM,
    ),
    Event.MIRROR_REFRESH_REQUESTED: Words(
        "plain", "refresh", "Refresh asked for", "{who} asked for a refresh: {what}.", *CUSTOMER
    ),
    Event.MIRROR_ANEW_ASKED: Words(
        "warn",
        "mark-waiting",
        "To be read anew, asked for",
        "{who} asked that all be read anew.",
        *SYSTEM,
    ),
    Event.MIRROR_ANEW_AGREED: Words(
        "warn",
        "mark-approved",
        "To be read anew, agreed to",
        "{who} agreed that all be read anew.",
        *SYSTEM,
    ),
    Event.MIRROR_BEGUN_ANEW: Words(
        "warn",
        "refresh",
        "Begun anew",
        "All that was mirrored was set aside by {who}, to be read anew.",
        *SYSTEM,
    ),
    Event.POLICY_INSTALLED: Words(
        "info",
        "policy",
        "Policy installed",
        "{who} put an approval policy in force: {what}.",
        line="Policy {version} installed",
    ),
    Event.PERSON_ADDED: Words("plain", "plus", "Added", "{what} was added by {who}.", line="Added as {role}"),
    Event.PERSON_SIGNED_IN: Words("plain", "people", "Signed in", "{who} signed in."),
    Event.PERSON_SIGN_IN_FAILED: Words(
        "warn", "mark-rejected", "Sign-in failed", "A sign-in as {what} failed."
    ),
    Event.PERSON_SIGNED_OUT: Words("plain", "people", "Signed out", "{who} signed out."),
    Event.PERSON_PASSWORD_CHANGED: Words(
        "plain", "lock", "Password changed", "The password of {what} was changed by {who}."
    ),
    Event.PERSON_EMAIL_CHANGED: Words(
        "plain", "info", "Mail address changed", "The mail address of {what} was changed by {who}."
    ),
    Event.TOKEN_MADE: Words("plain", "plus", "Made", "{who} made an access token: {what}."),
    Event.TOKEN_REVOKED: Words(
        "plain", "mark-withdrawn", "Revoked", "{who} revoked an access token: {what}."
    ),
    Event.PERSON_TURNED_AWAY: Words(
        "warn", "mark-refused", "Turned away", "Too many tries as {what} were turned away."
    ),
    Event.PERSON_RESET_ASKED: Words(
        "plain", "info", "New password asked for", "A new password was asked for by mail, for {what}."
    ),
    Event.PERSON_RESET_LINK_MADE: Words(
        "warn",
        "lock",
        "Link to a new password made",
        "{who} made a link by which {what} sets a new password.",
    ),
    Event.PERSON_FACTOR_ADDED: Words(
        "good", "lock", "Second factor added", "{who} added a second factor.", line="Added: {factor}"
    ),
    Event.PERSON_FACTOR_RENAMED: Words(
        "plain", "lock", "Passkey renamed", "{who} renamed a passkey.", line="Renamed to {factor}"
    ),
    Event.PERSON_FACTOR_REMOVED: Words(
        "warn",
        "lock",
        "Second factor removed",
        "A second factor of {what} was removed by {who}.",
        line="Removed: {factor}",
    ),
    Event.PERSON_CODES_MADE: Words("plain", "lock", "Recovery codes made", "{who} made recovery codes."),
    Event.PERSON_CODE_USED: Words("warn", "lock", "Recovery code used", "{who} used a recovery code."),
    Event.PERSON_STEP_FAILED: Words(
        "warn", "mark-rejected", "Second step failed", "A second step of {what} failed."
    ),
    Event.PERSON_CONFIRMED: Words(
        "plain", "lock", "Confirmed", "{who} confirmed that it is them.", line="Confirmed by {factor}"
    ),
    Event.PERSON_SESSION_ENDED: Words(
        "plain", "lock", "Session ended", "A session of {what} was ended by {who}."
    ),
    Event.PERSON_ROLE_CHANGED: Words(
        "info",
        "people",
        "Role changed",
        "The role of {what} was changed.",
        line="Role changed to {role}",
    ),
    Event.PERSON_ACCESS_ENDED: Words("warn", "lock", "Access ended", "{who} ended the access of {what}."),
    Event.PERSON_DEACTIVATED: Words("plain", "mark-archived", "Deactivated", "{what} was deactivated."),
    Event.PERSON_REACTIVATED: Words("info", "people", "Reactivated", "{what} may come in again."),
    Event.AUDIT_EXPORTED: Words(
        "plain", "download", "Asked for as a file", "{who} asked for a file: {what}.", "billing:audit"
    ),
    Event.LIST_EXPORTED: Words("plain", "download", "Asked for as a file", "{who} asked for a file: {what}."),
    Event.EXPORT_DELIVERED: Words(
        "good",
        "mark-applied",
        "Handed over whole",
        "A file was handed to {who} whole: {what}.",
        line="Handed over whole; rows: {rows}",
    ),
    Event.EXPORT_CUT_SHORT: Words(
        "warn", "mark-stale", "Not delivered", "A file for {who} was not delivered: {what}."
    ),
}

AGREED = Words(
    "info",
    "mark-approved",
    "Agreed",
    "{who} agreed with what was said of {what}.",
    *REQUEST,
    line="Agreed: {verdict}",
)
"""A second person's word, which is on record as a resolution as well."""
