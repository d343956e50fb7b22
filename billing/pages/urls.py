"""The addresses of the pages. Every view behind one states who may open it (see access)."""

from django.urls import path

from billing.pages import (
    audit,
    changes,
    customers,
    overview,
    plans,
    preferences,
    proposals,
    refreshing,
    search,
    system,
)
from billing.pages.change_urls import urlpatterns as change_urlpatterns

app_name = "billing"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("search/", search.search, name="search"),
    path("theme/", preferences.theme, name="theme"),
    path("changes/", changes.inbox, name="changes"),
    path("changes/new/<str:kind>/", proposals.propose, name="propose"),
    path("changes/new/<str:kind>/hints/", proposals.hints, name="propose-hints"),
    path("changes/surveys/<uuid:survey_uuid>/", proposals.survey_state, name="survey"),
    path("changes/<str:reference>/", changes.change, name="change"),
    path("changes/<str:reference>/live/", changes.live, name="change-live"),
    path("changes/<str:reference>/decide/", changes.decide, name="change-decide"),
    path("changes/<str:reference>/withdraw/", changes.withdraw, name="change-withdraw"),
    path("changes/<str:reference>/resolve/", changes.resolve, name="change-resolve"),
    path("changes/<str:reference>/second/", changes.second, name="change-second"),
    path("customers/", customers.customers, name="customers"),
    path("customers.csv", customers.customers_csv, name="customers-csv"),
    path("customers/<uuid:customer_id>/", customers.customer, name="customer"),
    path("customers/<uuid:customer_id>/refresh/", refreshing.customer, name="customer-refresh"),
    path("plans/", plans.plans, name="plans"),
    path("plans.csv", plans.plans_csv, name="plans-csv"),
    path("plans/<uuid:plan_id>/", plans.plan, name="plan"),
    path("audit/", audit.audit, name="audit"),
    path("audit/export.csv", audit.audit_csv, name="audit-csv"),
    path("system/", system.system, name="system"),
    path("system/refresh/", refreshing.account, name="system-refresh"),
    path("system/freeze/", system.freeze, name="system-freeze"),
    path("system/unfreeze/", system.freeze, name="system-unfreeze"),
    *change_urlpatterns,
]
