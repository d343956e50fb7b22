"""Where a person is signed in: listed, ended one by one or all at once, and ended by time alone.

A session is Django's row; beside it allauth keeps who, from where, by what and since when. What ends by time
is judged by two instants in the session itself, so that no request asks the database for more.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction

from billing.audit import log
from billing.audit.actors import Actor, system
from billing.audit.events import Event
from billing.users import User

BEGAN, SEEN = "began_at", "seen_at"
SEEN_EVERY = 60
"""Seconds after which a further look at a page is noted as use."""
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Version", "Safari"),
)
SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux")


def begin(session: SessionBase, user: User, ip: str, user_agent: str) -> None:
    """Note that this session begins now; called once somebody is signed in."""
    session[BEGAN] = session[SEEN] = time.time()
    if not session.session_key:
        session.save()
    UserSession.objects.update_or_create(
        session_key=session.session_key,
        defaults={"user": user, "ip": ip or "::", "user_agent": user_agent[:200]},
    )


def overstayed(session: SessionBase) -> str:
    """Why this session ends now, for the record; empty while it may go on. One without times just began."""
    now = time.time()
    if now - session.get(SEEN, now) > settings.SESSION_IDLE_SECONDS:
        return f"Not used for {settings.SESSION_IDLE_SECONDS // 60} minutes."
    if now - session.get(BEGAN, now) > settings.SESSION_COOKIE_AGE:
        return f"Begun more than {settings.SESSION_COOKIE_AGE // 3600} hours ago."
    return ""


def used(session: SessionBase, ip: str) -> None:
    """Note that the session is in use, once a minute at most."""
    now = time.time()
    if now - session.get(SEEN, 0) < SEEN_EVERY:
        return
    session[SEEN] = now
    session.setdefault(BEGAN, now)
    UserSession.objects.filter(session_key=session.session_key).update(
        last_seen_at=datetime.fromtimestamp(now, UTC), ip=ip or "::"
    )


def sessions_of(person: User) -> list[UserSession]:
    """Where this person is signed in now, the latest used first: ip, user_agent, created_at, last_seen_at."""
    since = datetime.fromtimestamp(time.time(), UTC) - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    alive = [each for each in UserSession.objects.purge_and_list(person) if each.last_seen_at >= since]
    return sorted(alive, key=lambda each: each.last_seen_at, reverse=True)


def end_sessions(person: User, why: str, *, by: Actor | None = None, keep: str = "", only: int = 0) -> int:
    """End this person's sessions, each on record; how many. Does not return before they are worth nothing.

    keep: the key of one that goes on; only: the id of the one that ends.
    """
    with transaction.atomic():
        mine = UserSession.objects.select_for_update().filter(user=person).exclude(session_key=keep)
        if only:
            mine = mine.filter(pk=only)
        ended = list(mine)
        for session in ended:
            end(session, why, by=by)
    return len(ended)


def end(session: UserSession, why: str, *, by: Actor | None = None) -> None:
    """End one session, on record, inside the caller's transaction."""
    log.record(
        Event.PERSON_SESSION_ENDED,
        actor=by or system("sign-in"),
        subject=log.Subject(kind="person", id=str(session.user_id), text=session.user.name),
        old={"browser": browser(session.user_agent), "place": session.ip},
        reason=why,
    )
    session.end()


def forget(session_key: str | None) -> None:
    """Take a session that its owner has left off the list."""
    UserSession.objects.filter(session_key=session_key).delete()


def browser(user_agent: str) -> str:
    """A browser in a person's words: `Firefox 145, Windows`. What can't be told is said to be that."""
    name = "a browser unknown here"
    for token, known in BROWSERS:
        if found := re.search(rf"{token}\w*/(\d+)", user_agent):
            name = f"{known} {found[1]}"
            break
    place = next((each for each in SYSTEMS if each in user_agent), "")
    return f"{name}, {'macOS' if place == 'Macintosh' else place}" if place else name
