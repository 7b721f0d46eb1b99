"""`python -m seclog_handlers.cli` is `seclog`."""

from __future__ import annotations

import sys

from seclog_handlers.cli import main

if __name__ == "__main__":
    sys.exit(main())
