"""The one Django app; its folders are the rooms, see docs/architecture.md."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """One app keeps one history of migrations."""

    name = "billing"
    label = "billing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billing import clock
        from billing.pages.door import recording

        clock.connect()
        recording.connect()
