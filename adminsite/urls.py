"""Every address: health, sign-in, and the pages of billing."""

from importlib.util import find_spec

from django.urls import include, path

from adminsite.accounts import closed_pages
from adminsite.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("accounts/", include([closed_pages(), path("", include("allauth.account.urls"))])),
]
if find_spec("billing.pages.urls"):
    urlpatterns.append(path("", include("billing.pages.urls")))
