"""What `seclog init` writes, unchanged, behind what it was written for."""

from __future__ import annotations

import pytest

from tests.servers.harness import EXAMPLES, Launcher, Program, leaks

# What the command says under "Next" for Django's settings.
DJANGO = """
import logging.config
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="only-for-the-test", LOGGING_CONFIG=None,
    INSTALLED_APPS=["seclog_handlers.integrations.django"],
)
logging.config.fileConfig("logging.ini", disable_existing_loggers=False)
django.setup()
urlpatterns = [path("login", lambda request: HttpResponse("no", status=401))]
application = get_wsgi_application()
"""


def start(launch: Launcher, stack: str) -> Program:
    if stack == "uvicorn":
        return launch.uvicorn("silent_asgi:application", "--log-config", "logging.ini")
    switches = ("--log-config", "logging.ini") if stack == "gunicorn" else ("--access-logfile", "-")
    app = "silent_wsgi:application" if stack == "gunicorn" else "settings_of_the_test:application"
    return launch.gunicorn(app, *switches, "--workers", "2")


@pytest.mark.parametrize("stack", ["gunicorn", "uvicorn", "django", "plain"])
def test_the_starter_works_as_it_is(launch: Launcher, stack: str) -> None:
    """Five failed logins alert once, whichever workers saw them; nothing of the requests' secrets is anywhere."""
    written = launch.run("seclog_handlers.cli", "init", "--stack", stack)
    assert written.process.wait(150) == 0, written.stderr
    launch.write({"settings_of_the_test.py": DJANGO, "job.py": (EXAMPLES / "daemon.py").read_text(encoding="utf-8")})

    if stack == "plain":
        program = launch.run("job", "logging.ini")
        assert program.process.wait(150) == 0, program.stderr
    else:
        program = start(launch, stack)
        program.attack()
        program.stop()

    assert len(program.events("authentication", success=False)) == 5
    assert len(program.opened()) == 1
    assert leaks(launch.folder) == []
