"""Addresses of object stores: taken apart, refused with their secrets, and told without them."""

from __future__ import annotations

import pytest

from pipeline import addresses


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("s3://bills", ""),
        ("s3://bills/", ""),
        ("s3://bills/a/b/", "a/b"),
        ("gs://bills/a/*.csv", "a"),
        ("az://bills/*/x", ""),
        ("abfs://bills@account.dfs.core.windows.net/a/2026-0[12]/x", "a"),
        ("s3://bills/a?/x", ""),
    ],
)
def test_an_address_stays_within_its_root(text: str, root: str) -> None:
    assert addresses.parse(text).root == root


@pytest.mark.parametrize(
    "text",
    [
        "s3://AKIA:verysecret@bills/x",
        "s3://verysecret@bills/x",
        "az://bills/x?sv=2024&sig=verysecret",
        "abfs://bills:verysecret@account/x",
        "http://me:verysecret@host/x",
    ],
)
def test_an_address_with_credentials_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="credentials do not stand in an address") as caught:
        addresses.parse(text)
    assert "verysecret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ftp://bills/x", "ftp:// is no object store that is read here; known: s3, s3a, gs, gcs, az, abfs, abfss"),
        ("s3:///x", "names no bucket; write s3://bucket/folder"),
        ("bills/x", "is no address such as s3://bucket/folder"),
    ],
)
def test_what_is_no_known_address_says_what_is(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        addresses.parse(text)


def test_words_of_a_store_lose_their_secrets() -> None:
    environ = {"AWS_SECRET_ACCESS_KEY": "abcdefghij", "AZURE_STORAGE_SAS_TOKEN": "klmnopqrst", "HOME": "/home/ann/x"}
    said = "no:\n abcdefghij at https://u:p@h/a?sig=1 'https://h/b?x=klmnopqrst' klmnopqrst /home/ann/x"
    assert addresses.without_secrets(said, environ) == "no: … at https://h/a 'https://h/b' … /home/ann/x"
