"""The addresses of the dashboard, and two bare ones to measure it against. Only `make bench` knows these."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from adminsite.urls import urlpatterns as ours
from billing.pages.access import needs
from billing.pages.web import render_page
from billing.roles import Can

KILOBYTE = "<p>" + "x" * 1017 + "</p>"


@needs(Can.BROWSE)
def kilobyte(_request: HttpRequest) -> HttpResponse:
    """What a signed-in request costs before a page does anything: 1 kB."""
    return HttpResponse(KILOBYTE)


@needs(Can.BROWSE)
def frame(request: HttpRequest) -> HttpResponse:
    """Our own frame around nothing."""
    return render_page(request, "base")


urlpatterns = [path("bench/kilobyte", kilobyte), path("bench/frame", frame), *ours]
