"""The addresses of change requests and proposals."""

from django.urls import path

from billing.pages import changes, proposals

urlpatterns = [
    path("changes/", changes.inbox, name="changes"),
    path("changes.csv", changes.inbox_csv, name="changes-csv"),
    path("changes/new/<str:kind>/", proposals.propose, name="propose"),
    path("changes/new/<str:kind>/hints/", proposals.hints, name="propose-hints"),
    path("changes/surveys/<uuid:survey_uuid>/", proposals.survey_state, name="survey"),
    path("changes/<str:reference>/", changes.change, name="change"),
    path("changes/<str:reference>/live/", changes.live, name="change-live"),
    path("changes/<str:reference>/decide/", changes.decide, name="change-decide"),
    path("changes/<str:reference>/withdraw/", changes.withdraw, name="change-withdraw"),
    path("changes/<str:reference>/resolve/", changes.resolve, name="change-resolve"),
    path("changes/<str:reference>/second/", changes.second, name="change-second"),
]
