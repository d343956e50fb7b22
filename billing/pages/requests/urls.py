"""The addresses of change requests and proposals."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from billing.pages import proposals
from billing.pages.requests import acts, batch, inbox, moving, page


class ReferenceConverter(StringConverter):
    """A request's reference; anything else in its place is a 404."""

    regex = r"CR-[0-9]{6,12}"


class NumberConverter(StringConverter):
    """A request's number as people write it."""

    regex = r"(?:[Cc][Rr]-?)?[0-9]{1,12}"


register_converter(ReferenceConverter, "reference")
register_converter(NumberConverter, "number")

urlpatterns = [
    path("changes/", inbox.inbox, name="changes"),
    path("changes/decide/", batch.decide_ticked, name="changes-decide"),
    path("changes/moved/", moving.moved, name="changes-moved"),
    path("changes.csv", inbox.inbox_csv, name="changes-csv"),
    path("changes/new/<str:kind>/", proposals.propose, name="propose"),
    path("changes/new/<str:kind>/hints/", proposals.hints, name="propose-hints"),
    path("changes/surveys/<uuid:survey_uuid>/", proposals.survey_state, name="survey"),
    path("changes/<reference:reference>/", page.change, name="change"),
    path("changes/<number:number>/", page.meant, name="change-meant"),
    path("changes/<reference:reference>/live/", page.live, name="change-live"),
    path("changes/<reference:reference>/check/", page.check, name="change-check"),
    path("changes/<reference:reference>/decide/", acts.decide, name="change-decide"),
    path("changes/<reference:reference>/take-back/", acts.take_back, name="change-take-back"),
    path("changes/<reference:reference>/withdraw/", acts.withdraw, name="change-withdraw"),
    path("changes/<reference:reference>/resolve/", acts.resolve, name="change-resolve"),
    path("changes/<reference:reference>/second/", acts.second, name="change-second"),
    path("changes/<reference:reference>/disagree/", acts.disagree, name="change-disagree"),
]
