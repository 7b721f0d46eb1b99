"""An ASGI application that logs nothing: everything that the security log says of it comes from its server.

uvicorn --log-config uvicorn.ini silent_asgi:application
"""

from __future__ import annotations

from typing import Any

STATUS = {"/": 200, "/login": 401, "/admin": 403, "/busy": 429, "/broken": 500}


async def application(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """Answer with the status that the path stands for."""
    if scope["type"] != "http":
        return
    status = STATUS.get(scope["path"], 404)
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{status}\n".encode()})
