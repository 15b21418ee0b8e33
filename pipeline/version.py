"""The version, where every floor may ask for it: ``pipeline`` itself names modules of all of them."""

from __future__ import annotations

VERSION = "0.1.0"
