"""What `seclog check` can find: a code, why it matters, the way out."""

from __future__ import annotations

from dataclasses import dataclass

FINDING = "finding"
ADVICE = "advice"


@dataclass(frozen=True)
class Finding:
    """One thing to change, or (advice) to know.

    Attributes:
        code: A stable name, for scripts and for the documentation.
        kind: 'finding' makes the exit status 1, 'advice' does not.
        where: The section, handler, logger or file.
        what: What was seen there.
        why: Why it matters.
        way_out: What to do.
    """

    code: str
    kind: str
    where: str
    what: str
    why: str
    way_out: str


def found(code: str, where: str, what: str, *, kind: str | None = None) -> Finding:
    """Make a finding of one of CODES.

    Args:
        code: A key of CODES.
        where: The section, handler, logger or file.
        what: What was seen there, a full sentence.
        kind: Another kind than the code's own.
    """
    usual, why, way_out = CODES[code]
    return Finding(code, kind or usual, where, what, why, way_out)


CODES: dict[str, tuple[str, str, str]] = {
    # The file itself
    "ini-filters-ignored": (
        FINDING,
        "fileConfig knows no filters: the line is ignored in silence, and nothing is filtered.",
        "Let a SecurityHandler do it (its stages are its policy), or use a dictConfig.",
    ),
    "ini-unknown-key": (
        FINDING,
        "fileConfig ignores keys that it does not know, in silence.",
        "Correct the name or remove the line; a handler's own arguments belong into kwargs.",
    ),
    "ini-section-unlisted": (
        FINDING,
        "fileConfig reads only the sections that the 'keys' of [loggers], [handlers], [formatters] list.",
        "Add the name to 'keys', or remove the section.",
    ),
    "ini-default-applies": (
        FINDING,
        "Every section inherits the keys of [DEFAULT], also the ones that do not show it.",
        "Write the key into the sections that need it.",
    ),
    "ini-default-not-policy": (
        FINDING,
        "The policy is read from [seclog] alone: [DEFAULT] is no policy, so the line changes nothing.",
        "Move the line to [seclog].",
    ),
    "ini-percent-not-doubled": (
        FINDING,
        "fileConfig takes % in class, args, kwargs and level for a reference such as %(name)s, and fails.",
        "Write %% for a percent sign.",
    ),
    "ini-percent-doubled": (
        FINDING,
        "format, datefmt and style are read as they are: %%(message)s prints those letters, not the message.",
        "Write a single % in format and datefmt.",
    ),
    "here-not-passed": (
        ADVICE,
        "%(here)s exists only where the caller passes it: gunicorn does, uvicorn and fileConfig do not.",
        "Call fileConfig(path, defaults={'here': folder}), or write the path out.",
    ),
    "file-config-disables-loggers": (
        ADVICE,
        (
            "fileConfig disables every logger that exists already and is not named, unless told not to; the "
            "file cannot say it. gunicorn and uvicorn do tell it, most programs forget."
        ),
        "Where you load the file yourself: fileConfig(path, disable_existing_loggers=False), early.",
    ),
    "target-line-missing": (
        FINDING,
        (
            "fileConfig resolves names when it sets 'target'; without that line the handlers that only "
            "'targets' names are garbage-collected before the first record, and get none."
        ),
        "Add a line 'target = NAME' to this handler's section.",
    ),
    "ini-target-ignored": (
        FINDING,
        "fileConfig reads 'target' for MemoryHandler and its subclasses only: elsewhere the line does nothing.",
        "Remove the line, or give this handler a class that has a target.",
    ),
    "policy-section-unused": (
        FINDING,
        "fileConfig ignores the section: it is the policy only of handlers whose 'policy' is this file's path.",
        'Write "policy": "PATH OF THIS FILE" into the kwargs of the SecurityHandler and the EscalationHandler.',
    ),
    "unknown-key": (
        FINDING,
        "dictConfig ignores keys that it does not know in silence.",
        "Correct the name or remove it.",
    ),
    "filter-class-ignored": (
        FINDING,
        "dictConfig makes a plain logging.Filter of it, which lets all pass: only '()' names a factory.",
        "Write '()' instead of 'class'.",
    ),
    "formatter-keys-dropped": (
        FINDING,
        "With 'class' dictConfig passes format, datefmt, style, validate and (3.12) defaults, no more.",
        "Write '()' instead of 'class': then every key is passed as a keyword.",
    ),
    "incremental-ignores": (
        FINDING,
        "An incremental configuration changes levels and propagation only; everything else in it is ignored.",
        "Remove 'incremental', or what it ignores.",
    ),
    "target-under-factory": (
        FINDING,
        "dictConfig resolves 'target' under 'class' only: under '()' the handler gets the name, a string.",
        "Write 'class' instead of '()'.",
    ),
    "disables-existing-loggers": (
        FINDING,
        (
            "dictConfig disables every logger that exists already and is not named: modules imported before "
            "fall silent. Measured at one live reload: 99.93 % of the records lost."
        ),
        "Add 'disable_existing_loggers': False.",
    ),
    # What the loaded configuration does
    "no-security-handler": (
        FINDING,
        "Nothing is redacted, no attack is seen.",
        "Put a SecurityHandler on the root logger; `seclog init` writes a file that does.",
    ),
    "raw-records": (
        FINDING,
        "What it writes holds passwords, tokens and names as they were logged.",
        "Make it a target of the SecurityHandler instead of a handler of loggers, or remove it.",
    ),
    "logger-not-covered": (
        FINDING,
        "Its events are in no security log, and no rule sees them.",
        "Name this logger in the file, with the SecurityHandler as its handler and propagate = 0.",
    ),
    "double-counting": (
        FINDING,
        "Each record is written and counted more than once: three failed logins look like six.",
        "Leave one way: propagate = 0 on this logger, or the handler off one logger or out of one 'targets'.",
    ),
    "handler-unused": (
        FINDING,
        "It is made and never used: what it should write, judge or send does not happen.",
        "Name it as a handler of a logger, or in the 'target' or 'targets' of another handler.",
    ),
    "no-alerts-arrive": (
        FINDING,
        "It sends alerts and ignores all other records, and only an EscalationHandler makes alerts.",
        "Name it in the 'targets' of the EscalationHandler.",
    ),
    "level-hides-lines": (
        ADVICE,
        "Records below that level are judged by the rules, and not written.",
        "Leave the level of a target out, unless that is what you want.",
    ),
    "level-hides-events": (
        FINDING,
        (
            "Successful logins and access records are INFO: above that level the rules are blind to them (a "
            "break-in is a success after failures)."
        ),
        "Set this level to INFO, or leave it out on a handler.",
    ),
    "filter-on-logger": (
        FINDING,
        "A logger's filters see only what is logged on that very logger, not its children's records.",
        "Put the filter on a handler.",
    ),
    "logger-disabled": (
        FINDING,
        "A disabled logger drops every record, in silence.",
        "Load this configuration with disable_existing_loggers=False, after whatever disabled it.",
    ),
    "logging-disabled": (
        FINDING,
        "logging.disable() drops every record up to that level, of every logger.",
        "Remove the call.",
    ),
    "library-disables-loggers": (
        FINDING,
        (
            "Its fileConfig call disables your loggers and takes the root's handlers away when it runs "
            "inside your program."
        ),
        "Give that call disable_existing_loggers=False, and load your own configuration after it.",
    ),
    "queue-listener-not-started": (
        FINDING,
        "Records wait in memory, unwritten, until somebody starts the listener; logging does not.",
        "Call handler.listener.start() after loading and stop() at exit, in every worker process.",
    ),
    "rotating-file-shared": (
        FINDING,
        "Several worker processes that rotate one file lose lines (487 of 8,000 with four processes).",
        "Write to stdout, or to a WatchedFileHandler and let logrotate do it, or one file a process.",
    ),
    "no-pseudonym-key": (
        FINDING,
        "Tokens are random per process: the same user has another one in each worker and after a restart.",
        "Set pseudonyms.keys = file:PATH or env:NAME; `seclog init` writes a key file.",
    ),
    "memory-state": (
        FINDING,
        "Each worker process counts alone: with four workers, five failures can become twenty.",
        "Give EscalationHandler a state that workers share: 'state': 'sqlite:////absolute/path.db'.",
    ),
    "path-not-writable": (
        FINDING,
        "What should be kept there is lost, or the start fails.",
        "Create the folder and let the user that the service runs as write to it.",
    ),
    "mode-not-full": (
        FINDING,
        "Part of the protection is switched off.",
        "Set mode = full in the policy, or unset SECLOG_MODE, when the trial is over.",
    ),
    "secret-in-output": (
        FINDING,
        "This configuration writes a secret that the trap record carried.",
        "See the line under 'Trap records'; a finding about that handler or logger says the cause.",
    ),
    "forged-line": (
        FINDING,
        "A line end in a value begins a new line, an escape code drives the terminal: entries can be forged.",
        "Give this handler seclog_handlers.JsonFormatter or TextFormatter: they escape such characters.",
    ),
    # What other programs do
    "celery-takes-over": (
        ADVICE,
        "A Celery worker replaces the root logger's handlers with its own when it starts.",
        "Call seclog_handlers.integrations.celery.install(app) where the Celery app is made.",
    ),
    "server-loggers-unnamed": (
        ADVICE,
        "Its loggers do not always propagate; named ones are covered however it is started.",
        "Behind that server, run this check again with --server.",
    ),
    "said-at-start": (
        ADVICE,
        "The configuration works, with less than it could.",
        "As the text says.",
    ),
}
