"""Sources in buckets: list, bring what is new into the cache, and hand the files over as any others.

What is transient (throttling, 5xx, broken or slow connections) is tried again with exponential back-off and jitter; what
is not (403, 404) is told at once. An object that changed since it was listed, or that the store did not give, makes its
delivery wait: ``retry`` is true on those errors, so that no verdict is written and the next run looks again.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline import addresses
from pipeline.addresses import Address
from pipeline.errors import ExportError, UnreachableError, UnreadableFileError
from pipeline.sources import cache as caches
from pipeline.sources import find, probe, stores
from pipeline.sources.cache import Cache
from pipeline.sources.find import ExportFile, HashCache
from pipeline.sources.stores import Listed, Store

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: A file that was written after its manifest waits for a new manifest for so long (nanoseconds).
MANIFEST_DUE = 3600 * 10**9


@dataclass(frozen=True)
class Patience:
    """How often a request is made at most, and the first and longest wait between two, in seconds."""

    attempts: int = 10
    first: float = 0.2
    longest: float = 30.0


@dataclass(frozen=True)
class KnownObject:
    """What a former run saw of an object: at this version, its hash, and whether its bytes look like JSON."""

    version: str
    bytes: int
    sha256: str
    is_json: bool


class Buckets:
    """Opens sources in buckets. One per run.

    Attributes:
        known: address -> what is known of it; what this run sees is added, what is gone is removed.
    """

    def __init__(
        self,
        cache: Cache,
        known: Mapping[str, KnownObject],
        *,
        patience: Patience | None = None,
        connect: Callable[[Address], Store] = stores.connect,
    ) -> None:
        self.cache = cache
        self.known = dict(known)
        self._before = dict(known)
        self._held: set[str] = set()
        self.patience = patience or Patience()
        self.connect = connect
        self._stores: dict[str, Store] = {}
        self._listed: dict[str, tuple[Listed, Store]] = {}
        self._manifests: set[Path] = set()

    def open(self, pattern: str) -> Bucket:
        """List an address (an object, all below a folder, or a glob) and bring what is new.

        Raises:
            ExportError: when nothing is there, or the store does not let it be listed.
            UnreachableError: when the store does not answer.
        """
        address = addresses.parse(pattern)
        store = self._store(address)
        self.cache.open()
        items = [item for item in self._list(store, address) if not _ignored(item.key, address.root)]
        if not items:
            raise ExportError(f"{address}: no export there; has the provider delivered, and is the address right?")
        self._forget(address, items)
        self._listed |= {item.url: (item, store) for item in items}
        failed = self._bring_all([item for item in items if self._is_due(item)])
        return Bucket(self, address, items, failed)

    def bring(self, files: Iterable[ExportFile]) -> None:
        """See that the bytes of these files are here: known ones may have left the cache.

        Raises:
            FileChangedError: when one is no longer what was listed.
            UnreadableFileError: when the store does not give it.
        """
        wanted = [self._listed[file.url][0] for file in files if file.url is not None]
        for error in self._bring_all([item for item in wanted if not self.cache.has(item)]).values():
            raise error

    def close(self) -> None:
        """Make the cache as small as it may be, manifests last, and let go of it."""
        self.cache.prune(self._manifests)
        self.cache.close()

    def seen(self, item: Listed) -> KnownObject:
        """Return what is known of an object's listed version, looking into its bytes when it is new."""
        known = self.known.get(item.url)
        if known is None or (known.version, known.bytes) != (item.version, item.bytes):
            path = self.cache.path(item)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            is_json = item.bytes > 0 and probe.is_document(path)
            known = self.known[item.url] = KnownObject(item.version, item.bytes, digest, is_json)
        if known.is_json:
            self._manifests.add(self.cache.path(item))
        return known

    def is_overwritten(self, item: Listed) -> bool:
        """Whether former runs saw another version. They still do afterwards: the answer stays until the item is taken."""
        before = self._before.get(item.url)
        if before is None or (before.version, before.bytes) == (item.version, item.bytes):
            return False
        self._held.add(item.url)
        return True

    @property
    def taken(self) -> dict[str, KnownObject]:
        """What the next run is to know: of parts that wait for their manifest, the version before."""
        return self.known | {url: self._before[url] for url in self._held}

    def _store(self, address: Address) -> Store:
        name = address.url("")
        if name not in self._stores:
            try:
                self._stores[name] = self.connect(address)
            except ExportError:
                raise
            except Exception as error:
                raise _refused(str(address), error) from None
        return self._stores[name]

    def _is_due(self, item: Listed) -> bool:
        """Whether an object must be brought before it is asked for: it is new, or a manifest that is read each time."""
        known = self.known.get(item.url)
        is_known = known is not None and (known.version, known.bytes) == (item.version, item.bytes)
        return not self.cache.has(item) and (not is_known or (known is not None and known.is_json))

    def _forget(self, address: Address, items: Sequence[Listed]) -> None:
        """Forget what is no longer there."""
        inside, here = address.url(f"{address.root}/" if address.root else ""), {item.url for item in items}
        if not address.is_pattern:
            self.known = {url: known for url, known in self.known.items() if url in here or not url.startswith(inside)}

    def _list(self, store: Store, address: Address) -> list[Listed]:
        root = address.root
        below = list(self._pages(store, address, f"{root}/" if root else ""))
        if not address.is_pattern:
            below = below or [item for item in self._pages(store, address, root) if item.key == root]
            return _distinct(item for item in below if not item.key.endswith("/"))
        from fsspec.utils import glob_translate

        wanted = _compiled(glob_translate(address.key))
        return _distinct(item for item in below if wanted(item.key) and not item.key.endswith("/"))

    def _pages(self, store: Store, address: Address, prefix: str) -> Iterator[Listed]:
        after: str | None = None
        while True:
            items, after = self._try(str(address), lambda mark=after: store.page(prefix, mark))  # type: ignore[misc]
            yield from items
            if after is None:
                return

    def _bring_all(self, items: Sequence[Listed]) -> dict[str, UnreadableFileError]:
        """Bring objects beside each other; returns the errors by address. A store that is down is asked no further."""
        is_down = threading.Event()

        def bring(item: Listed) -> UnreadableFileError | None:
            if is_down.is_set():
                return UnreachableError(f"{item.url}: not asked for, since the store does not answer; run again")
            try:
                self._bring(item)
            except UnreadableFileError as error:
                if isinstance(error, UnreachableError):
                    is_down.set()
                return error
            return None

        if not items:
            return {}
        logger.debug("downloading %d objects, %d bytes", len(items), sum(item.bytes for item in items))
        with ThreadPoolExecutor(stores.CONNECTIONS) as pool:
            results = list(pool.map(bring, items))
        return {item.url: error for item, error in zip(items, results, strict=True) if error is not None}

    def _bring(self, item: Listed) -> None:
        store = self._listed[item.url][1]

        def read(start: int, end: int) -> bytes:
            data = store.read(item, start, end)
            if len(data) != end - start:
                raise stores.TornError(f"{len(data)} of {end - start} bytes came")
            return data

        self.cache.bring(
            item,
            lambda start, end: self._try(item.url, lambda: read(start, end)),
            lambda: self._try(item.url, lambda: store.confirm(item)),
        )

    def _try(self, name: str, ask: Callable[[], T]) -> T:
        import tenacity

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.patience.attempts),
            wait=tenacity.wait_random_exponential(self.patience.first, self.patience.longest),
            retry=tenacity.retry_if_exception(lambda error: stores.kind(error) == "transient"),
            before_sleep=lambda state: logger.debug("%s: trying again, attempt %d", name, state.attempt_number + 1),
            reraise=True,
        )
        try:
            return retrying(ask)
        except Exception as error:
            raise _refused(name, error) from None  # what a client's error holds is not ours to show


def _refused(name: str, error: Exception) -> UnreadableFileError:
    kind, said = stores.kind(error), stores.said(error)
    if kind == "transient":
        return UnreachableError(f"{name}: the store does not answer ({said}); nothing of it was loaded, run again")
    if kind == "changed" or (kind == "gone" and "NoSuchBucket" not in said):
        return caches.changed(name)
    if kind == "gone":
        return UnreadableFileError(f"{name}: there is no such bucket ({said}); check the address")
    if kind == "denied":
        return UnreadableFileError(
            f"{name}: the store does not let it be read ({said}); check the credentials of the environment and their "
            "permissions to list the bucket and to read its objects"
        )
    return UnreadableFileError(f"{name}: cannot be read ({type(error).__name__}: {said}); nothing of it was loaded")


class Bucket:
    """The objects of one address, as ``places.Place`` describes it."""

    def __init__(
        self, buckets: Buckets, address: Address, items: Sequence[Listed], failed: Mapping[str, UnreadableFileError]
    ) -> None:
        self.bucket: str | None = f"{address.scheme}://{address.bucket}"
        self.root = _path(address, address.root)
        self._buckets = buckets
        self._failed = failed
        self._items = {_path(address, item.key): item for item in items}
        self.paths: Sequence[Path] = sorted(self._items)

    def has(self, path: Path) -> bool:
        """Whether it was listed."""
        return path in self._items

    def name(self, path: Path) -> str:
        """Its address."""
        return self._items[path].url

    def is_json(self, path: Path) -> bool:
        """Whether its bytes look like JSON, as a former run may have seen."""
        return self._seen(path).is_json

    def local(self, path: Path) -> Path:
        """Its file in the cache."""
        return self._buckets.cache.path(self._items[path])

    def fingerprint(self, path: Path, cache: HashCache) -> ExportFile:
        """Return the file with its hash, which a former run may have taken."""
        item = self._items[path]
        return ExportFile(self.local(path), item.bytes, item.modified_ns, self._seen(path).sha256, item.url)

    def is_ahead(self, path: Path, manifest: Path) -> bool:
        """Whether it was overwritten less than an hour ago, and the manifest was not."""
        part, stated = self._items[path], self._items[manifest]
        is_young = part.modified_ns > stated.modified_ns and time.time_ns() - part.modified_ns < MANIFEST_DUE
        return is_young and self._buckets.is_overwritten(part) and not self._buckets.is_overwritten(stated)

    def _seen(self, path: Path) -> KnownObject:
        item = self._items[path]
        if item.url in self._failed:
            raise self._failed[item.url]
        try:
            return self._buckets.seen(item)
        except OSError as error:
            raise find.unreadable(self.local(path), error) from error


def _path(address: Address, key: str) -> Path:
    return Path(f"{address.scheme}:", address.bucket, *key.split("/"))


def _ignored(key: str, root: str) -> bool:
    inside = key.removeprefix(root) if root != key else key.rpartition("/")[2]
    return any(part.startswith((".", "_")) for part in inside.split("/"))


def _distinct(items: Iterable[Listed]) -> list[Listed]:
    """Return the objects, refusing two whose keys differ in slashes alone: they would be one file here.

    Raises:
        ExportError: naming both.
    """
    found: dict[str, Listed] = {}
    for item in items:
        plain = "/".join(part for part in item.key.split("/") if part not in ("", "."))
        if plain in found:
            raise ExportError(f"{item.url} and {found[plain].url} differ in slashes alone; remove one")
        found[plain] = item
    return list(found.values())


def _compiled(pattern: str) -> Callable[[str], bool]:
    import re

    expression = re.compile(pattern)
    return lambda key: expression.match(key) is not None
