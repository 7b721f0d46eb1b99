"""A Django project in memory: logins, permissions, failures."""

from __future__ import annotations

import django
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.urls import path

settings.configure(
    SECRET_KEY="only-for-tests",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    LOGGING_CONFIG=None,
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "seclog_handlers.integrations.django",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    SECLOG_TRUSTED_PROXIES=["10.0.0.0/8"],
    USE_TZ=True,
)
django.setup()


def enter(request: HttpRequest) -> HttpResponse:
    from django.contrib.auth import authenticate, login

    user = authenticate(request, username=request.POST["user"], password=request.POST["password"])
    if user is None:
        return HttpResponse("no", status=401)
    login(request, user)
    return HttpResponse("yes")


def leave(request: HttpRequest) -> HttpResponse:
    from django.contrib.auth import logout

    logout(request)
    return HttpResponse("bye")


def denied(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("shop.refund"):
        raise PermissionDenied
    return HttpResponse("ok")


def denied_unseen(_: HttpRequest) -> HttpResponse:
    return HttpResponseForbidden("no")


def broken(_: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken view")


urlpatterns = [
    path("login", enter),
    path("logout", leave),
    path("denied", denied),
    path("unseen", denied_unseen),
    path("broken", broken),
]
