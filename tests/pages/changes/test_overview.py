"""The first page's figures and the lists that they lead to agree."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client

from billing.changes.models import ChangeRequest
from billing.changes.statuses import Status
from billing.users import User
from tests.changes.test_status_by_action import bring
from tests.world import propose

SignIn = Callable[[User], Client]


def test_what_needs_a_person_is_counted_as_it_is_listed(
    submitted: ChangeRequest, maker: User, checker: User, administrator: User, as_person: SignIn
) -> None:
    other = propose("customer.create", maker, {"name": "N", "ingest_aliases": ["n"], "custom_fields": {}})
    bring(submitted, Status.UNKNOWN, checker)
    bring(other, Status.REFUSED, checker)

    page = as_person(administrator).get("/").text

    tile = re.search(r'<h2>Needs attention</h2>\s*<p class="figure"><a href="#attention">(\d+)</a></p>', page)
    attention = page[page.index('aria-labelledby="attention"') :]
    listed = re.findall(r"CR-\d{6}</a>:", attention[: attention.index("</ul>")])
    assert (int(tile[1]), len(listed)) == (2, 2)
    assert "1 for a person’s word, 1 refused, to be taken up" in " ".join(page.split())
