"""Files in and out: plain or gzip, read in constant memory, written so that a part never looks like the whole."""

from __future__ import annotations

import codecs
import gzip
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from seclog_handlers.cli.stopping import held
from seclog_handlers.redaction.engine import MAX_TEXT

STDIN = "-"
BLOCK = 1 << 18
# Longer lines are not held in memory. A character has at most four bytes: the engine gets all it would look at.
MAX_LINE = 4 * MAX_TEXT + 64
GZIP = b"\x1f\x8b"
PART = ".part"
# What reading a damaged gzip file raises, beside OSError.
DAMAGED = (EOFError, zlib.error)


class Source(NamedTuple):
    """An open input.

    Attributes:
        file: Its content, decompressed.
        raw: The file as it lies on the disk.
    """

    file: Any
    raw: Any

    def position(self) -> int | None:
        """Return how much of the file has been read; None where that is unknown."""
        try:
            position: int = self.raw.tell()
        except OSError:
            return None
        return position


class Overlong(NamedTuple):
    """A line that is not held in memory.

    Attributes:
        head: Its first MAX_LINE bytes.
        missing: How many characters follow.
        end: Its line end, or nothing at the end of the file.
    """

    head: str
    missing: int
    end: str


@contextmanager
def opened(path: str) -> Iterator[Source]:
    """Open a file, or `-` for standard input; what begins as gzip does is decompressed."""
    if path == STDIN:
        yield _source(sys.stdin.buffer)
        return
    with open(path, "rb") as raw:  # noqa: PTH123 - a name as it was given
        yield _source(raw)


def _source(raw: Any) -> Source:
    packed = raw.peek(len(GZIP))[: len(GZIP)] == GZIP
    return Source(gzip.GzipFile(fileobj=raw) if packed else raw, raw)


def blocks(file: Any) -> Iterator[str | Overlong]:
    """Yield whole lines, as many as there are at a time; what is no UTF-8 survives as surrogates.

    A pipe's lines come as they arrive. The last line may lack its end.
    """
    tail = b""
    while block := file.read1(BLOCK):
        while block:
            end = block.find(b"\n")
            if len(tail) + (len(block) if end < 0 else end) > MAX_LINE:
                overlong, block = _overlong(tail + block, file)
                tail = b""
                yield overlong
                continue
            cut = block.rfind(b"\n") + 1
            if cut:
                yield decoded(tail + block[:cut])
                tail = b""
            tail += block[cut:]
            break
    if tail:
        yield decoded(tail)


def _overlong(start: bytes, file: Any) -> tuple[Overlong, bytes]:
    """Read a long line to its end; return it and what was read of what follows it."""
    count = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    head = count.decode(start[:MAX_LINE])
    missing = 0
    block = start[MAX_LINE:] or file.read1(BLOCK)
    while block:
        cut = block.find(b"\n")
        if cut >= 0:
            return Overlong(head, missing + len(count.decode(block[:cut], final=True)), "\n"), block[cut + 1 :]
        missing += len(count.decode(block))
        block = file.read1(BLOCK)
    return Overlong(head, missing + len(count.decode(b"", final=True)), ""), b""


def decoded(raw: bytes) -> str:
    """Return bytes as text, bytes that are no UTF-8 as surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """Undo `decoded`."""
    return text.encode("utf-8", "surrogateescape")


@contextmanager
def replaced(path: Path, like: os.stat_result | None) -> Iterator[BinaryIO]:
    """Open a file that gets its name when it is complete; a name that ends in .gz is compressed.

    Args:
        path: The name; what is there already is replaced in the end.
        like: Whose mode it gets; otherwise its owner alone may read it.
    """
    part = part_of(path, os.getpid())
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as raw:
            if path.suffix == ".gz":
                with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
                    yield cast("BinaryIO", packed)
            else:
                yield raw
            raw.flush()
            if like is not None:
                os.fchmod(descriptor, stat.S_IMODE(like.st_mode) & 0o666)
            os.fsync(descriptor)
        part.replace(path)
    except FileExistsError:
        raise  # another's
    except BaseException:
        with held():
            part.unlink(missing_ok=True)
        raise


def part_of(path: Path, process: int) -> Path:
    """Return where a process writes a file until it is complete."""
    return path.with_name(f".{path.name}.{process}{PART}")
