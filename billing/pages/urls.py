"""The addresses of the pages. Every view behind one states who may open it (see access)."""

from django.urls import path

from billing.pages import (
    account,
    notices,
    nouns,
    overview,
    people,
    preferences,
    refreshing,
    search,
    system,
    tokens,
)
from billing.pages.requests.urls import urlpatterns as change_urlpatterns

app_name = "billing"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("search/", search.search, name="search"),
    path("notices/", notices.notices, name="notices"),
    path("notices/read/", notices.read, name="notices-read"),
    path("tokens/", tokens.page, name="tokens"),
    path("tokens/revoke/", tokens.revoke, name="tokens-revoke"),
    path("account/", account.account, name="account"),
    path("account/sessions/end/", account.end_session, name="account-sessions"),
    path("account/second-factor/", account.factor_demanded, name="factor-demanded"),
    path("theme/", preferences.theme, name="theme"),
    path("keys/", preferences.keys, name="keys"),
    path("customers/<uuid:customer_id>/refresh/", refreshing.customer, name="customer-refresh"),
    *nouns.urlpatterns(),
    path("people/<int:person_id>/", people.person, name="person"),
    path("people/<int:person_id>/ask/", people.ask, name="person-ask"),
    path("people/<int:person_id>/end-access/", people.end_access, name="person-end-access"),
    path("people/<int:person_id>/reset-link/", people.reset_link, name="person-reset-link"),
    path("system/", system.system, name="system"),
    path("system/refresh/", refreshing.account, name="system-refresh"),
    path("system/anew/", system.begin_anew, name="system-anew"),
    path("system/freeze/", system.freeze, name="system-freeze"),
    path("system/unfreeze/", system.freeze, name="system-unfreeze"),
    *change_urlpatterns,
]
