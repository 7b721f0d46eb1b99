"""CPython's own test_logging with the pack's redaction and safe emit inside `logging.Handler.handle`.

Run it: python tests/faults/cpython_logging.py [arguments of unittest]

None of the standard library's handlers is replaced: each record is copied, the copy goes through a RedactionFilter and
then to the handler, and a handler that raises does so behind the same guard that SecurityHandler puts around its
targets. What formatters cache on a record (`message`, `exc_text`) goes back to the application's, redacted as it is,
since the tests look for it there. What the standard library promises of its handlers must hold all the same.

A test that fails is run again, alone, since some of them wait for sockets and clocks for a second only. Exit status 0 if
every test passes but those of DIFFERENT, 1 if another one fails or one of them does not, 2 where this Python comes
without its tests.
"""

from __future__ import annotations

import logging
import sys
import unittest
import warnings
from typing import Any

import seclog_handlers
from seclog_handlers._record import private_copy
from seclog_handlers.errors import tell_stderr

# Where the pack differs on purpose. A traceback is rendered by it, redacted, and exc_info goes, so that a formatter's own
# formatException (which might show anything) is not asked; handleError gets the copy, not the application's record.
DIFFERENT = {
    "StreamHandlerTest.test_error_handling",
    "ConfigDictTest.test_config4_ok",
    "ConfigDictTest.test_config4a_ok",
    "ConfigFileTest.test_config4_ok",
}
# How often a test that fails is run again.
TRIES = 3
# What logging.Formatter leaves on a record.
CACHED = frozenset({"message", "asctime", "exc_text"})


def patch() -> dict[str, int]:
    """Put redaction into every handler; return what it counts."""
    redaction = seclog_handlers.RedactionFilter()
    plain = logging.Handler.handle
    counts = {"records": 0, "raised": 0}

    def handle(self: logging.Handler, record: logging.LogRecord) -> Any:
        counts["records"] += 1
        private = private_copy(record)
        redaction.filter(private)
        try:
            return plain(self, private)
        except Exception as error:
            counts["raised"] += 1
            tell_stderr(f"{type(self).__name__} raised {type(error).__name__}")
            return False
        finally:
            cached = {name: value for name, value in vars(private).items() if name in CACHED}
            vars(record).update(cached)

    logging.Handler.handle = handle  # type: ignore[method-assign,assignment]
    return counts


def main() -> int:
    """Run the tests."""
    try:
        from test import test_logging
    except ImportError:
        print("This Python comes without test.test_logging.")
        return 2
    warnings.simplefilter("ignore")
    counts = patch()
    names = sys.argv[1:]
    result, failed = run(test_logging, names)
    for _ in range(TRIES):
        again = failed - DIFFERENT
        if again:
            failed = failed - again | run(test_logging, sorted(again))[1]
    version = ".".join(map(str, sys.version_info[:3]))
    print(
        f"Python {version}: {result.testsRun} tests, {len(failed - DIFFERENT)} failed, {len(failed & DIFFERENT)} differ "
        f"on purpose, {len(result.skipped)} skipped; {counts['records']} records redacted, "
        f"{counts['raised']} handlers raised",
    )
    return int(bool(failed - DIFFERENT) or (not names and failed != DIFFERENT))


def run(module: Any, names: list[str]) -> tuple[unittest.TestResult, set[str]]:
    """Run the tests of these names, or all; return what came of it and the names of those that failed."""
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = {".".join(test.id().rsplit(".", 2)[1:]) for test, _ in (*result.failures, *result.errors)}
    return result, failed


if __name__ == "__main__":
    sys.exit(main())
