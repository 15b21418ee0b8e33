"""Addresses of object stores: ``s3://bucket/key``, ``gs://``, ``az://``; told, taken apart, and free of secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

#: Scheme -> the extra of this package that reads it.
SCHEMES = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}
MAGIC = "*?["

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/]*)/?(.*)", re.DOTALL)
_QUERY = re.compile(r"\?[A-Za-z][\w-]*=")
_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSWORD|(?:ACCESS|ACCOUNT)_KEY|CONNECTION_STRING|CREDENTIAL")
#: Shorter values of secret variables are words such as ``true``.
_SHORTEST_SECRET = 8


@dataclass(frozen=True)
class Address:
    """A place in an object store: ``key`` is an object's, a folder's, or a pattern.

    An Azure ``bucket`` may be ``container@account.dfs.core.windows.net``.
    """

    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return self.url(self.key)

    @property
    def root(self) -> str:
        """The folder that it stays within, as a key without a slash at its end; empty for the whole bucket."""
        if not self.is_pattern:
            return self.key.rstrip("/")
        fixed = re.split(r"[*?\[]", self.key, maxsplit=1)[0]
        return fixed.rpartition("/")[0]

    @property
    def is_pattern(self) -> bool:
        """Whether the key is a pattern."""
        return any(char in self.key for char in MAGIC)

    def url(self, key: str) -> str:
        """Return the address of a key in the same bucket."""
        return f"{self.scheme}://{self.bucket}/{key}"


def is_address(text: str) -> bool:
    """Whether a path is an address and none of this machine."""
    return _ADDRESS.fullmatch(text) is not None


def parse(text: str) -> Address:
    """Take an address apart.

    Raises:
        ValueError: when its store is unknown, it names no bucket, or it holds credentials (which are not repeated).
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no address such as s3://bucket/folder")
    scheme, bucket, key = found[1].lower(), found[2], found[3]
    user = bucket.rpartition("@")[0]
    if ":" in user or (user and SCHEMES.get(scheme) != "azure") or _QUERY.search(text):
        raise ValueError(
            f"credentials do not stand in an address; write {scheme}://bucket/folder and set them in the environment"
        )
    if scheme not in SCHEMES:
        raise ValueError(f"{scheme}:// is no object store that is read here; known: {', '.join(SCHEMES)}, or a folder")
    if not bucket:
        raise ValueError(f"{text!r} names no bucket; write {scheme}://bucket/folder")
    return Address(scheme, bucket, key)


def without_secrets(text: str, environ: Mapping[str, str] | None = None) -> str:
    """Return a store's words on one line without query strings, user names and what secret variables hold."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"(://)[^/\s@'\"]*:[^/\s@'\"]*@", r"\1", text)
    text = re.sub(r"(://[^\s?'\"]*)\?[^\s'\"]*", r"\1", text)
    for name, value in (os.environ if environ is None else environ).items():
        if _SECRET_NAME.search(name.upper()) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "…")
    return text if len(text) <= 300 else text[:299] + "…"
