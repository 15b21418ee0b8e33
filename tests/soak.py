"""How long a proof by many examples goes on: little in each run of the suite, much with ``COSTMILL_SOAK=1``."""

from __future__ import annotations

import os

#: Asked before the tests hide the caller's COSTMILL_* variables.
IS_ON = os.environ.get("COSTMILL_SOAK", "").lower() in {"1", "true", "yes"}


def more(here: int, soak: int) -> int:
    """The number of examples: ``here``, or ``soak`` when that is asked for."""
    return soak if IS_ON else here
