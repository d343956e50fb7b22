"""What every request carries for the audit trail and the logs."""

import codecs
import uuid
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

NO_DEVICES = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "geolocation", "microphone", "payment", "usb", "serial", "display-capture")
)
"""Browser features that nothing here uses, so that nothing slipped into a page can."""


class RequestFacts:
    """Give each request an id (answered as X-Request-ID) and the client's address.

    request.request_id: a fresh UUID as text; what a client sends under that name is not believed.
    request.client_ip: the peer's address, or behind TRUSTED_PROXIES proxies what the outermost of them saw.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = str(uuid.uuid4())
        request.client_ip = client_ip(request, settings.TRUSTED_PROXIES)
        response = self.get_response(request)
        response["X-Request-ID"] = request.request_id
        return response


class KeptByNobody:
    """What is not a static file is for one person now: no cache keeps it, and it may use no device.

    What a view says of its own caching is replaced; static files are served before this.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Cache-Control"] = "private, no-store"
        response["Permissions-Policy"] = NO_DEVICES
        return response


class WellFormed:
    """Keep what no browser sends away from everything behind: other charsets, broken addresses in headers.

    A charset other than UTF-8 is answered 400, and a body longer than any form of ours 413, unread: there is
    nothing to upload here. A Referer or HX-Current-URL that can't be split is dropped.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_utf8(request.content_params.get("charset", "utf-8")):
            return HttpResponseBadRequest("Send text as UTF-8.", content_type="text/plain; charset=utf-8")
        if body_bytes(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            words = "That is longer than any form here. Nothing was read of it."
            return HttpResponse(words, status=413, content_type="text/plain; charset=utf-8")
        for header in ("HTTP_REFERER", "HTTP_HX_CURRENT_URL"):
            if header in request.META and not is_address(request.META[header]):
                del request.META[header]
        return self.get_response(request)


def body_bytes(request: HttpRequest) -> int:
    """How long the body says it is; 0 where that is no number, and then Django reads nothing of it."""
    said = request.META.get("CONTENT_LENGTH") or ""
    return int(said[:20]) if said.isascii() and said.isdigit() else 0


def is_utf8(charset: str) -> bool:
    """Whether a charset's name, in any spelling, means UTF-8."""
    try:
        return codecs.lookup(charset).name == "utf-8"
    except (LookupError, ValueError):
        return False


def is_address(text: str) -> bool:
    """Whether this can be taken apart as a URL, as it stands and percent-decoded."""
    try:
        for each in (text, unquote(text)):
            _ = urlsplit(each).port  # splitting finds broken brackets, asking for the port broken numbers
    except ValueError:
        return False
    return True


def client_ip(request: HttpRequest, trusted_proxies: int) -> str:
    """Return the address that is as far out as we can believe.

    Each proxy appends the peer it saw to X-Forwarded-For, so only the last trusted_proxies entries are ours.
    A shorter header than that didn't come through them, and what isn't an address is nobody's: the peer's own
    address is the truth then.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    if not trusted_proxies:
        return peer
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    if len(hops) < trusted_proxies:
        return peer
    try:
        return str(ip_address(hops[-trusted_proxies]))
    except ValueError:
        return peer
