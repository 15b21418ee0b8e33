"""Stores other than S3: the generic file system, which client an address reaches, and what their errors mean."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from pipeline import addresses
from pipeline.errors import ExportError, FileChangedError
from pipeline.sources import stores
from pipeline.sources.cache import Cache
from pipeline.sources.remote import Buckets, Patience
from pipeline.sources.stores import FsspecStore


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


@pytest.fixture
def buckets(tmp_path: Path, memory: fsspec.AbstractFileSystem) -> Iterator[Buckets]:
    """Buckets over fsspec's file system in memory: the path that gs:// and az:// take."""
    made = Buckets(
        Cache(tmp_path / "cache", 10**9),
        {},
        patience=Patience(2, 0.0),
        connect=lambda address: FsspecStore(memory, f"/{address.bucket}", address),
    )
    yield made
    made.close()


def test_a_folder_of_any_file_system_is_listed_and_brought(buckets: Buckets, memory: fsspec.AbstractFileSystem) -> None:
    for name in ("a/1.csv", "a/deep/2.csv", "ab/3.csv", "a/_tmp/4.csv"):
        memory.pipe(f"/bills/{name}", name.encode())
    place = buckets.open("gs://bills/a")
    assert [place.name(path) for path in place.paths] == ["gs://bills/a/1.csv", "gs://bills/a/deep/2.csv"]
    files = [place.fingerprint(path, {}) for path in place.paths]
    assert [file.path.read_bytes() for file in files] == [b"a/1.csv", b"a/deep/2.csv"]
    assert [place.name(path) for path in buckets.open("gs://bills/a/1.csv").paths] == ["gs://bills/a/1.csv"]
    assert len(buckets.open("gs://bills/**/[12].csv").paths) == 2


def test_without_an_etag_size_and_time_of_change_tell_a_version(
    buckets: Buckets, memory: fsspec.AbstractFileSystem
) -> None:
    memory.pipe("/bills/a.csv", b"1")
    place = buckets.open("az://bills")
    [first] = [place.fingerprint(path, {}) for path in place.paths]
    memory.pipe("/bills/a.csv", b"2")
    place = buckets.open("az://bills")
    [second] = [place.fingerprint(path, {}) for path in place.paths]
    assert (first.path.read_bytes(), second.path.read_bytes()) == (b"1", b"2")


def test_an_object_that_changes_while_it_is_brought_waits(
    buckets: Buckets, memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe("/bills/a.csv", b"1")
    read = FsspecStore.read

    def overwritten(store: FsspecStore, item: stores.Listed, start: int, end: int) -> bytes:
        memory.pipe("/bills/a.csv", b"2")
        return read(store, item, start, end)

    monkeypatch.setattr(FsspecStore, "read", overwritten)
    place = buckets.open("az://bills")
    with pytest.raises(FileChangedError, match=r"az://bills/a\.csv: changed after it was listed"):
        place.fingerprint(place.paths[0], {})


def test_two_keys_that_differ_in_slashes_alone_are_refused(buckets: Buckets) -> None:
    from pipeline.sources import remote

    items = [stores.Listed(f"s3://b/{key}", key, 1, 0, "1") for key in ("a//x.csv", "a/x.csv")]
    with pytest.raises(ExportError, match=r"s3://b/a/x\.csv and s3://b/a//x\.csv differ in slashes alone; remove one"):
        remote._distinct(items)


@pytest.mark.parametrize(
    ("address", "client", "path"),
    [
        ("gs://bills/x", "ExtendedGcsFileSystem", "bills"),
        ("az://bills/x", "AzureBlobFileSystem", "bills"),
        ("abfs://bills@account.dfs.core.windows.net/x", "AzureBlobFileSystem", "bills"),
    ],
)
def test_an_address_reaches_its_client(monkeypatch: pytest.MonkeyPatch, address: str, client: str, path: str) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    store = stores.connect(addresses.parse(address))
    assert isinstance(store, FsspecStore)
    assert (type(store.system).__name__, store.path) == (client, path)


@pytest.mark.parametrize(
    ("scheme", "module", "extra"), [("s3", "s3fs", "s3"), ("gs", "gcsfs", "gcs"), ("az", "adlfs", "azure")]
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, scheme: str, module: str, extra: str) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, scheme, raising=False)
    with pytest.raises(ExportError, match=rf'`pip install "costmill\[{extra}\]"`'):
        stores.connect(addresses.parse(f"{scheme}://bills/x"))


class AnswerError(Exception):
    """An error as a client raises it."""

    def __init__(self, **facts: object) -> None:
        super().__init__("no")
        self.__dict__.update(facts)


class ServiceResponseError(Exception):
    """As Azure's client names a connection that broke."""


def boto(status: int, code: str = "") -> AnswerError:
    return AnswerError(response={"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (boto(503, "SlowDown"), "transient"),
        (boto(400, "RequestTimeout"), "transient"),
        (boto(403, "AccessDenied"), "denied"),
        (boto(400, "ExpiredToken"), "denied"),
        (boto(404, "NoSuchKey"), "gone"),
        (boto(412), "changed"),
        (AnswerError(code=429), "transient"),
        (AnswerError(status_code=500), "transient"),
        (AnswerError(status_code=401), "denied"),
        (FileNotFoundError("x"), "gone"),
        (PermissionError("x"), "denied"),
        (ConnectionResetError(), "transient"),
        (TimeoutError(), "transient"),
        (ServiceResponseError(), "transient"),
        (stores.TornError("3 of 5 bytes came"), "transient"),
        (ValueError("x"), "other"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_an_error_of_a_client_means(error: Exception, kind: str) -> None:
    assert stores.kind(error) == kind
