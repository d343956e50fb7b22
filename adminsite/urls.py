"""Every address: health, sign-in, and the pages of billing."""

from django.urls import include, path

from adminsite.accounts import closed_pages
from adminsite.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path(
        "accounts/",
        include(
            [
                *closed_pages(),
                path("", include("allauth.account.urls")),
                path("2fa/", include("allauth.mfa.urls")),
            ]
        ),
    ),
    path("", include("billing.pages.urls")),
]

handler400 = "billing.pages.errors.bad_request"
handler403 = "billing.pages.errors.forbidden"
handler404 = "billing.pages.errors.not_found"
handler429 = "billing.pages.errors.too_many"
handler500 = "billing.pages.errors.server_error"
