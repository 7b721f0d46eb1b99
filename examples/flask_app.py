"""A Flask application with a login.

gunicorn --log-config gunicorn.ini flask_app:app
"""

from __future__ import annotations

import threading

from flask import Flask, abort, request

from seclog_handlers import SecurityLogger
from seclog_handlers.integrations.flask import init_app

app = Flask(__name__)
init_app(app)
log = SecurityLogger("shop.auth")


@app.get("/")
def home() -> str:
    """Show something, and log from a thread as well."""
    log.info("home page")
    if request.args.get("thread"):
        worker = threading.Thread(target=log.info, args=("from a thread",))
        worker.start()
        worker.join()
    return "hello\n"


@app.get("/login")
def login() -> str:
    """Refuse everybody."""
    user = request.args.get("user", "")
    agent = request.headers.get("User-Agent", "")
    log.log_authentication_attempt(user, "password", False, request.remote_addr, agent, "bad password")
    abort(401)


@app.get("/broken")
def broken() -> str:
    """Fail."""
    raise RuntimeError("cannot connect to postgres://shop:" + request.args.get("password", "") + "@db/shop")
