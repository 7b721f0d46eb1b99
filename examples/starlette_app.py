"""A Starlette application with the ASGI middleware; FastAPI takes the same line.

uvicorn --log-config uvicorn.ini starlette_app:app
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from seclog_handlers.context import SecurityASGIMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

log = logging.getLogger("shop")


async def home(_: Request) -> PlainTextResponse:
    """Log from the request's own task and from one that it starts."""
    log.info("home page")
    await asyncio.create_task(_in_a_task())
    return PlainTextResponse("hello\n")


async def _in_a_task() -> None:
    log.info("from a task")


async def stream(_: Request) -> StreamingResponse:
    """Send ten parts of ten bytes."""

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"0123456789"

    return StreamingResponse(parts())


async def login(_: Request) -> PlainTextResponse:
    """Refuse everybody."""
    return PlainTextResponse("no\n", status_code=401)


async def broken(request: Request) -> PlainTextResponse:
    """Fail."""
    password = request.query_params.get("password", "")
    raise RuntimeError("cannot connect to postgres://shop:" + password + "@db/shop")


app = Starlette(
    routes=[Route("/", home), Route("/stream", stream), Route("/login", login), Route("/broken", broken)],
)
app.add_middleware(SecurityASGIMiddleware)
