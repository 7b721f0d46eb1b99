"""The files of `seclog redact`: which goes where, one after another or in several processes."""

from __future__ import annotations

import multiprocessing
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, BinaryIO

from seclog_handlers.cli.redact_lines import LineRedactor, Tally
from seclog_handlers.cli.stopping import die_quietly, held, let_in
from seclog_handlers.cli.streams import DAMAGED, STDIN, Overlong, Source, blocks, encoded, opened, part_of, replaced

Advance = Callable[[int], None]
# Pipe to a worker process -> the process, and the job that it has.
Workers = dict[Any, "tuple[Any, Job]"]


class RefusedError(ValueError):
    """What was asked for would destroy a file, or cannot be meant."""


@dataclass(frozen=True)
class Job:
    """One input, and the file its clean lines go to; None for standard output."""

    source: str
    target: Path | None


@dataclass(frozen=True)
class Outcome:
    """What became of one job: its figures, or why it could not be done."""

    job: Job
    tally: Tally
    error: str = ""


def plan(sources: Sequence[str], folder: str | None, *, force: bool) -> list[Job]:
    """Decide which file goes where.

    Args:
        sources: Names of inputs, `-` for standard input.
        folder: Where the clean files go; None for standard output.
        force: Whether files of an earlier run there may be replaced.

    Raises:
        RefusedError: If an output is an input, exists already, or two inputs would go to one output.
    """
    if folder is None:
        _refuse_stdout(sources)
        return [Job(source, None) for source in sources]
    if Path(folder).exists() and not Path(folder).is_dir():
        raise RefusedError(f"-o {folder!r} is a file: give a folder, or '-' and redirect standard output.")
    targets: dict[Path, str] = {}
    for source in sources:
        if source == STDIN:
            raise RefusedError("standard input has no name that a file could get: leave -o out and redirect.")
        target = Path(folder) / Path(source).name
        if target in targets:
            raise RefusedError(f"{targets[target]!r} and {source!r} would both become {str(target)!r}: run them apart.")
        targets[target] = source
    for target in targets:
        _refuse(target, sources, force=force)
    return [Job(source, target) for target, source in targets.items()]


def _refuse(target: Path, sources: Sequence[str], *, force: bool) -> None:
    if not os.path.lexists(target):
        return
    if any(_same(target, source) for source in sources):
        raise RefusedError(f"{str(target)!r} is one of the inputs: an original is never replaced; give another folder.")
    if not force or not target.is_file():
        raise RefusedError(f"{str(target)!r} exists already: give another folder, or --force to replace it.")


def _same(target: Path, source: str) -> bool:
    try:
        return target.samefile(source)
    except OSError:
        return False


def _refuse_stdout(sources: Sequence[str]) -> None:
    """Refuse `seclog redact app.log >> app.log`, which would never end."""
    try:
        out = os.fstat(sys.stdout.fileno())
        inputs = [os.fstat(sys.stdin.fileno()) if source == STDIN else _stat(source) for source in sources]
    except (OSError, ValueError):
        return
    if stat.S_ISREG(out.st_mode) and any(found and os.path.samestat(out, found) for found in inputs):
        raise RefusedError("standard output is one of the inputs: write to another file.")


def _stat(source: str) -> os.stat_result | None:
    try:
        return Path(source).stat()
    except OSError:
        return None


def total(jobs: Sequence[Job]) -> int | None:
    """Return how many bytes the inputs have on disk; None if one of them is no ordinary file."""
    if any(job.source == STDIN for job in jobs):
        return None
    sizes = [size for job in jobs if (size := _stat(job.source)) is not None]
    return sum(size.st_size for size in sizes) if all(stat.S_ISREG(size.st_mode) for size in sizes) else None


def done(job: Job, redactor: LineRedactor, advance: Advance, *, write: bool) -> Outcome:
    """Do one job. What cannot be read or written is said in the outcome; then its output does not exist.

    Args:
        job: What to do.
        redactor: How.
        advance: Is told how many bytes of the input were read.
        write: Whether there is an output at all.
    """
    tally = redactor.begin()
    try:
        with opened(job.source) as source, _output(job, source, write=write) as out:
            _copy(source, redactor, out, advance)
    except BrokenPipeError:
        raise
    except DAMAGED:
        return Outcome(job, tally, f"{job.source!r} is damaged: its gzip data ends too early or is no gzip data.")
    except OSError as error:
        name = f"{error.filename!r}: " if error.filename is not None else f"{job.source!r}: "
        return Outcome(job, tally, f"{name}{error.strerror or error}.")
    return Outcome(job, tally)


@contextmanager
def _output(job: Job, source: Source, *, write: bool) -> Iterator[BinaryIO | None]:
    if not write:
        yield None
    elif job.target is None:
        yield sys.stdout.buffer
    else:
        with replaced(job.target, os.fstat(source.raw.fileno())) as file:
            yield file


def _copy(source: Source, redactor: LineRedactor, out: BinaryIO | None, advance: Advance) -> None:
    before = source.position() or 0
    for block in blocks(source.file):
        clean = redactor.overlong(block) if isinstance(block, Overlong) else redactor.block(block)
        raw = encoded(clean)
        redactor.tally.size += len(raw)
        if out is not None:
            out.write(raw)
            out.flush()
        position = source.position()
        advance(len(raw) if position is None else position - before)
        before = position or 0


def one_by_one(jobs: Sequence[Job], redactor: LineRedactor, advance: Advance, *, write: bool) -> Iterator[Outcome]:
    """Do the jobs in this process."""
    for job in jobs:
        yield done(job, redactor, advance, write=write)


def in_parallel(
    jobs: Sequence[Job], redactor: LineRedactor, advance: Advance, *, write: bool, processes: int
) -> Iterator[Outcome]:
    """Do the jobs in several processes, the next one wherever one is free.

    They are forked, so that all of them have the keys of this one, also where those are random. Signals come in
    only where it waits: forks and pipes have hooks, in which an exception is lost.
    """
    waiting = list(reversed(jobs))
    workers: Workers = {}
    with held():
        try:
            for _ in range(min(processes, len(jobs))):
                _start(workers, waiting, redactor, write)
            while workers:
                with let_in():
                    pipes = wait(list(workers))
                for pipe in pipes:
                    yield from _heard(pipe, workers, waiting, advance)
        finally:
            for worker, job in workers.values():
                _end(worker, job)
    for job in waiting:
        yield Outcome(job, Tally(), f"{job.source!r} was not done: all processes have ended.")


def _start(workers: Workers, waiting: list[Job], redactor: LineRedactor, write: bool) -> None:
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    worker = fork.Process(target=_work, args=(theirs, (*workers, ours), redactor, write), daemon=True)
    worker.start()
    theirs.close()
    workers[ours] = (worker, _next(ours, waiting))


def _end(worker: Any, job: Job) -> None:
    """End a worker wherever it is, and remove what it had begun: a killed process cannot."""
    worker.kill()
    worker.join()
    if job.target is not None:
        part_of(job.target, worker.pid).unlink(missing_ok=True)


def _next(pipe: Any, waiting: list[Job]) -> Job:
    job = waiting.pop()
    _tell(pipe, job)
    return job


def _tell(pipe: Any, job: Job | None) -> None:
    """Send a job, or that there are no more; that a worker has ended shows when it is to be heard."""
    with suppress(BrokenPipeError):
        pipe.send(job)


def _heard(pipe: Any, workers: Workers, waiting: list[Job], advance: Advance) -> Iterator[Outcome]:
    worker, job = workers[pipe]
    try:
        message = pipe.recv()
    except (EOFError, OSError):
        del workers[pipe]
        _end(worker, job)
        why = f"its process ended ({worker.exitcode}); out of memory?"
        yield Outcome(job, Tally(), f"{job.source!r} was not done: {why}")
        return
    if isinstance(message, int):
        advance(message)
        return
    yield message
    if waiting:
        workers[pipe] = (worker, _next(pipe, waiting))
    else:
        del workers[pipe]
        _tell(pipe, None)
        worker.join()


def _work(pipe: Connection, parents: Iterable[Connection], redactor: LineRedactor, write: bool) -> None:
    """Do jobs until there are no more, in a process of its own; the parent alone answers signals."""
    for end in parents:
        end.close()
    die_quietly()
    try:
        while (job := pipe.recv()) is not None:
            pipe.send(done(job, redactor, pipe.send, write=write))
    except (EOFError, OSError):
        pass  # the parent has gone
