"""Benchmarks: loading beside plain DuckDB, and the summaries over what was loaded. Not tests: `make bench`."""

from __future__ import annotations
