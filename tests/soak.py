"""How long a proof by many examples goes on: little in each run of the suite, much with ``COSTMILL_SOAK=1``."""

from __future__ import annotations

import os

import pytest

#: Asked before the tests hide the caller's COSTMILL_* variables.
IS_ON = os.environ.get("COSTMILL_SOAK", "").lower() in {"1", "true", "yes"}


#: A proof that is long and whose parts the suite proves one by one: `make soak` goes the whole way. See tests/conftest.py.
long = pytest.mark.long


def more(here: int, soak: int) -> int:
    """The number of examples: ``here``, or ``soak`` when that is asked for."""
    return soak if IS_ON else here
