"""What programs record of their own usage: the record, the log it is written to, and what it came to."""

from __future__ import annotations
