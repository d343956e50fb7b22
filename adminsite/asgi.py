"""The web process: granian serves `application`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from adminsite.serving import Lane, PatientServer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adminsite.settings")

EXPORT_THREADS = 2

application = PatientServer(
    get_wsgi_application(),
    (Lane("/healthz", 1), Lane(".csv", EXPORT_THREADS), Lane("", settings.WEB_THREADS)),
    body_seconds=settings.BODY_SECONDS,
    answer_seconds=settings.ANSWER_SECONDS,
    most_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
)
