"""A Django project in one file, with the app of this package and its logging in LOGGING.

gunicorn --access-logfile - django_app:application
"""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

if not settings.configured:
    from django_logging import LOGGING

    settings.configure(
        SECRET_KEY=os.environ.get("DJANGO_SECRET_KEY", "only-for-the-example"),
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "seclog_handlers.integrations.django",
        ],
        AUTHENTICATION_BACKENDS=[f"{__name__}.Nobody"],
        LOGGING=LOGGING,
    )


class Nobody:
    """Knows nobody, so that the example needs no database."""

    def authenticate(self, request: HttpRequest, username: str = "", password: str = "") -> None:
        """Accept these credentials and no others, as ModelBackend does."""


def home(_: HttpRequest) -> HttpResponse:
    """Show something."""
    return HttpResponse("hello\n")


def login(request: HttpRequest) -> HttpResponse:
    """Refuse everybody, as Django's own login does: authenticate() sends user_login_failed."""
    from django.contrib.auth import authenticate  # noqa: PLC0415 - needs the applications

    authenticate(request, username=request.GET.get("user"), password=request.GET.get("password"))
    return HttpResponse("no\n", status=401)


def admin(_: HttpRequest) -> HttpResponse:
    """Refuse everybody."""
    raise PermissionDenied


def broken(request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise RuntimeError("cannot connect to postgres://shop:" + request.GET.get("password", "") + "@db/shop")


urlpatterns: list[Any] = [path("", home), path("login", login), path("admin", admin), path("broken", broken)]

django.setup()
application = get_wsgi_application()
