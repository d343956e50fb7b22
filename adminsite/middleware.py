"""What every request carries for the audit trail and the logs."""

import uuid
from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse


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
