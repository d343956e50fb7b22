"""A worker that is killed while it mails: `python killed_mailer.py before|after` the server took the mail."""

from __future__ import annotations

import os
import signal
import sys

import django

django.setup()

from django.core.mail.backends.smtp import EmailBackend  # noqa: E402

from billing.notify import mailing  # noqa: E402


class Killed(EmailBackend):
    """A line to the server on which the process dies."""

    def send_messages(self, email_messages: list) -> int:
        if sys.argv[1] == "after":
            super().send_messages(email_messages)
        os.kill(os.getpid(), signal.SIGKILL)
        return 0


if __name__ == "__main__":
    mailing.get_connection = Killed
    mailing.gather()
    mailing.deliver()
