"""The web process as it is shipped, with the bare addresses of the bench beside ours."""

from django.conf import settings

settings.ROOT_URLCONF = "bench.urls"

from adminsite.asgi import application  # noqa: E402

__all__ = ["application"]
