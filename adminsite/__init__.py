"""The Django project: settings, addresses, Celery. Nothing about billing."""

from adminsite.celery import app as celery_app

__all__ = ["celery_app"]
