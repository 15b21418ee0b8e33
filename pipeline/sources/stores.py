"""Object stores through fsspec: list a prefix page by page, read a range of one version of an object.

Nothing here is tried twice: ``remote`` does that. S3 is asked through s3fs' own client, since a range of *one* version
(If-Match) and a listing page are requests that fsspec has no word for; the others through fsspec as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from pipeline import addresses
from pipeline.addresses import Address
from pipeline.errors import ExportError

#: Connections that downloads may have open at a time.
CONNECTIONS = 8

#: What clients write to their logs of requests (addresses with signatures, headers with tokens) is not ours to show.
_TALKERS = ("aiobotocore", "azure", "botocore", "fsspec", "gcsfs", "google.auth", "s3fs", "urllib3", "adlfs")

Kind = Literal["transient", "denied", "gone", "changed", "other"]

_BUSY = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestTimeout", "InternalError"}
#: Names of the errors that client libraries raise for a connection that broke or was slow.
_BROKEN = {
    *("ConnectionError", "TimeoutError", "HTTPClientError", "IncompleteReadError", "ResponseStreamingError"),
    *("ResponseParserError", "ClientConnectionError", "ClientPayloadError", "ServiceRequestError"),
    *("ServiceResponseError", "TransportError", "FSTimeoutError", "RetryError"),
}
#: Names of the errors that they raise when they find no credentials, or ones that are not taken.
_UNKNOWN = {
    *("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "TokenRetrievalError", "SSOError"),
    *("CredentialRetrievalError", "GoogleAuthError", "ClientAuthenticationError", "CredentialUnavailableError"),
}


@dataclass(frozen=True)
class Listed:
    """An object as a listing shows it: its address, key, size, last change (nanoseconds, UTC) and version.

    ``version`` is the store's etag, or what else changes with the contents.
    """

    url: str
    key: str
    bytes: int
    modified_ns: int
    version: str


class TornError(OSError):
    """A body ended before its announced length."""


class Store(Protocol):
    """What is asked of an object store."""

    def page(self, prefix: str, after: str | None) -> tuple[list[Listed], str | None]:
        """Return a page of the objects whose keys start with ``prefix``, and the mark of the next page."""

    def read(self, item: Listed, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to ``end`` of exactly this version."""

    def confirm(self, item: Listed) -> bool:
        """Whether the object still is this version; asked after the last range where ``read`` cannot tell."""


def connect(address: Address) -> Store:
    """Return the store of an address, with the credentials of the environment's own chain.

    Raises:
        ExportError: when the package that reads it is not installed.
    """
    import fsspec

    for name in _TALKERS:
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.CRITICAL)
    extra = addresses.SCHEMES[address.scheme]
    try:
        if extra == "s3":
            options = {"retries": {"total_max_attempts": 1}, "max_pool_connections": CONNECTIONS}
            return S3Store(
                fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False, config_kwargs=options),
                address,
            )
        root = f"{address.scheme}://{address.bucket}/"
        system, path = fsspec.url_to_fs(root, skip_instance_cache=True, use_listings_cache=False)
        return FsspecStore(system, path.rstrip("/"), address)
    except ImportError:
        raise ExportError(
            f"{address}: reading {address.scheme}:// needs a package that is not installed; "
            f'`pip install "costmill[{extra}]"`'
        ) from None


class S3Store:
    """A bucket of S3, or of a server that speaks it (AWS_ENDPOINT_URL)."""

    def __init__(self, system: Any, address: Address) -> None:
        self.system = system
        self.address = address

    def page(self, prefix: str, after: str | None) -> tuple[list[Listed], str | None]:
        """Return a page of at most 1,000 objects."""
        token = {"ContinuationToken": after} if after else {}
        found = self._ask("list_objects_v2", Prefix=prefix, **token)
        items = [
            Listed(
                self.address.url(each["Key"]),
                each["Key"],
                each["Size"],
                _nanoseconds(each["LastModified"]),
                each["ETag"].strip('"'),
            )
            for each in found.get("Contents", ())
        ]
        return items, found.get("NextContinuationToken")

    def read(self, item: Listed, start: int, end: int) -> bytes:
        """Return a range of the version that was listed; the store itself refuses another (412)."""
        data: bytes = self._ask(
            "get_object", Key=item.key, IfMatch=f'"{item.version}"', Range=f"bytes={start}-{end - 1}"
        )
        return data

    def confirm(self, item: Listed) -> bool:
        """True: each range was of this version."""
        return True

    def _ask(self, method: str, **given: Any) -> Any:
        from fsspec.asyn import sync

        async def ask() -> Any:
            await self.system.set_session()
            client = await self.system.get_s3(self.address.bucket)
            answer = await getattr(client, method)(Bucket=self.address.bucket, **given)
            if "Body" not in answer:
                return answer
            async with answer["Body"] as body:
                return await body.read()

        return sync(self.system.loop, ask)


class FsspecStore:
    """A bucket of any other fsspec file system; ``path`` is the bucket's path there."""

    def __init__(self, system: Any, path: str, address: Address) -> None:
        self.system = system
        self.path = path
        self.address = address

    def page(self, prefix: str, after: str | None) -> tuple[list[Listed], str | None]:
        """Return all objects below a folder (or the object itself), as one page."""
        self.system.invalidate_cache()
        try:
            found = self.system.find(f"{self.path}/{prefix}".rstrip("/"), detail=True)
        except FileNotFoundError:
            return [], None
        items = [self._listed(name, facts) for name, facts in found.items() if facts.get("type") != "directory"]
        return [item for item in items if item.key.startswith(prefix)], None

    def read(self, item: Listed, start: int, end: int) -> bytes:
        """Return a range of whatever version is there now."""
        data: bytes = self.system.cat_file(f"{self.path}/{item.key}", start=start, end=end)
        return data

    def confirm(self, item: Listed) -> bool:
        """Whether the object still is as it was listed."""
        self.system.invalidate_cache()
        name = f"{self.path}/{item.key}"
        return self._listed(name, self.system.info(name)) == item

    def _listed(self, name: str, facts: Mapping[str, Any]) -> Listed:
        key = name.lstrip("/").removeprefix(self.path.lstrip("/")).lstrip("/")
        changed = _nanoseconds(
            _first(facts, "LastModified", "last_modified", "updated", "mtime", "modified", "created")
        )
        size = int(facts["size"])
        tag = _first(facts, "ETag", "etag", "generation", "md5Hash")
        version = str(tag).strip('"') if tag else f"{size}-{changed}"
        return Listed(self.address.url(key), key, size, changed, version)


def _first(facts: Mapping[str, Any], *names: str) -> Any:
    return next((facts[name] for name in names if facts.get(name)), None)


def _nanoseconds(moment: Any) -> int:
    """Nanoseconds since 1970 of what stores give as the time of change: a time, its ISO text, seconds, or nothing."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
    return round(float(moment) * 1e6) * 1000 if moment else 0


def kind(error: BaseException) -> Kind:
    """Tell what an error of a client library means."""
    names = {each.__name__ for each in type(error).__mro__}
    status, code = _status(error)
    if code in _BUSY or status == 429 or status >= 500 or isinstance(error, TornError):
        return "transient"
    if status in (412, 416):
        return "changed"
    if status == 404 or isinstance(error, FileNotFoundError):
        return "gone"
    if 400 <= status < 500 or isinstance(error, PermissionError) or names & _UNKNOWN:
        return "denied"
    return "transient" if names & _BROKEN else "other"


def said(error: BaseException) -> str:
    """Return what the store said, on one line and without secrets."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        facts = response.get("Error", {})
        return addresses.without_secrets(f"{facts.get('Code', '')} {facts.get('Message', '')}".strip() or str(error))
    return addresses.without_secrets(str(error) or type(error).__name__)


def _status(error: BaseException) -> tuple[int, str]:
    """HTTP status (0: none) and the store's own code."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)), response.get("Error", {}).get(
            "Code", ""
        )
    candidates: Sequence[Any] = [getattr(error, name, None) for name in ("status_code", "status", "code")]
    return next((int(each) for each in candidates if str(each).isdigit()), 0), ""
