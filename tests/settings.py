"""The settings of a test run: the servers first, then ours as they are, with passwords hashed cheaply."""

from local.testing import prepare_environment

prepare_environment()

from adminsite.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
