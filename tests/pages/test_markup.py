"""The page's own format_html draws what Django's does, for every kind of value that a page shows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils import html
from django.utils.safestring import SafeString, mark_safe

from billing.changes.statuses import Status
from billing.pages import markup

VALUES = [
    *("plain", "<b>&amp;'\"", mark_safe("<b>"), "", "{0}", "%s", "\u202e"),
    *(0, 1.5, True, None, Decimal("1.10"), UUID(int=7), date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC)),
    *(Status.UNKNOWN, ["<", "a"], ("'",), {"<": 1}, b"<"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_drawn_as_django_draws_it(value: object) -> None:
    form = "<i title='{}'>{name}</i>{{}}"
    ours = markup.format_html(form, value, name=value)

    assert ours == html.format_html(form, value, name=value)
    assert type(ours) is SafeString
    joined = markup.format_html_join(value, "<td>{}", [(each,) for each in VALUES])
    assert joined == html.format_html_join(value, "<td>{}", [(each,) for each in VALUES])
    assert type(joined) is SafeString
