"""The cache, for sign-in's rate limits: Redis while it answers, else this process's own memory."""

import json
import logging
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis import RedisError

logger = logging.getLogger(__name__)


class JsonSerializer:
    """JSON instead of pickle: who writes to Redis runs no code here. Raises ValueError for other bytes."""

    def dumps(self, value: Any) -> Any:
        """Numbers stay as they are, so that Redis can count them."""
        return value if type(value) is int else json.dumps(value)

    def loads(self, stored: bytes) -> Any:
        return json.loads(stored)


class SteadyRedisCache(RedisCache):
    """Redis' cache that never breaks a page: with Redis away, limits still hold, counted per process."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._own = LocMemCache("beside redis", {**params, "OPTIONS": {}})

    def _either(self, method: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(), method)(*args, **kwargs)
        except RedisError as problem:
            logger.warning("the cache: Redis doesn't answer, counting alone: %s", problem)
            return getattr(self._own, method)(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("add", *args, **kwargs)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """What lies there; what can't be read was not written by us, and is thrown away."""
        try:
            return self._either("get", key, default, version)
        except (ValueError, RecursionError):
            logger.error("the cache: what lies under %s is not ours; it is thrown away", key)
            self.delete(key, version)
            return default

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("set", *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("touch", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("delete", *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("incr", *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("has_key", *args, **kwargs)
