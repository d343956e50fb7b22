"""With Redis refusing or hanging, a page goes on: a nudge fails soon and the sweep makes up for it."""

import socket
from collections.abc import Iterator

import pytest
from celery import Celery
from django.conf import settings
from django.test import Client
from kombu.exceptions import OperationalError
from redis import Redis

from adminsite.cache import SteadyRedisCache


@pytest.fixture(params=["refusing", "hanging"])
def broken_redis(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server that takes no connection, or takes it and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        if request.param == "hanging":
            listener.listen(64)
        yield f"redis://:secret@127.0.0.1:{port}/0"


def test_a_nudge_without_redis_fails_at_once_instead_of_retrying(broken_redis: str):
    with Celery("lonely") as app:
        app.config_from_object("django.conf:settings", namespace="CELERY")
        app.conf.broker_url = broken_redis
        for _again in range(2):
            with pytest.raises(OperationalError):
                app.send_task("billing.tasks.sweep_changes", retry=False)


def test_the_cache_without_redis_counts_on_its_own(broken_redis: str):
    cache = SteadyRedisCache(broken_redis, {"OPTIONS": settings.CACHES["default"]["OPTIONS"]})

    key = f"failed-sign-ins-{broken_redis.rsplit(':', 1)[1]}"  # what a process counts outlives a test

    assert cache.get(key) is None
    cache.set(key, 4)
    assert cache.incr(key) == 5
    assert cache.get(key) == 5


@pytest.mark.parametrize("junk", [b"\x80\x05N.", b"not json", b"\xff\xfe", b"[" * 200_000, b""])
def test_what_we_did_not_write_is_thrown_away_and_signing_in_goes_on(
    redis: Redis, client: Client, db: None, junk: bytes
) -> None:
    """Whoever can write to Redis runs nothing here, and breaks no page."""
    client.post("/accounts/login/", {"login": "nobody", "password": "x"})
    keys = list(redis.scan_iter("countersign:*allauth:rl:*"))
    assert keys
    for key in keys:
        redis.set(key, junk)

    answer = client.post("/accounts/login/", {"login": "nobody", "password": "x"})

    assert answer.status_code == 200
    assert "are not correct" in answer.content.decode()
    assert junk.decode("latin-1") not in [redis.get(key) for key in keys]
