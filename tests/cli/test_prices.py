"""`costmill prices` says what a model costs, as text and as data, and takes the configuration's overrides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.config.prices import read_price_file
from tests.cli.conftest import Say


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_show_explains_a_call(say: Say) -> None:
    ended = say("prices", "show", "gpt-4o", "--input-tokens", "1200", "--output-tokens", "300", "--at", "2026-11-20")
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[:2] == [
        "openai gpt-4o: 0.006 USD",
        "  1200 input_tokens at 2.5 per 1,000,000 = 0.003",
    ]


def test_show_as_json_has_money_as_text(say: Say) -> None:
    call = ("--input-tokens", "200001", "--cached-input-tokens", "1", "--format", "json")
    told = json.loads(say("prices", "show", "claude-sonnet-4-5", *call).stdout)
    assert (told["amount"], told["tiers"][0]["prices"]["output_tokens"]["price"]) == ("1.2000006", "22.5")
    assert told["lines"][1] == {
        "unit": "cached_input_tokens", "quantity": "1", "price": "0.6", "per": 1_000_000, "amount": "0.0000006",
        "above_input_tokens": 200_000,
    }  # fmt: skip


def test_show_without_a_call_shows_unit_prices(say: Say) -> None:
    shown = say("prices", "show", "whisper-large-v3", "--provider", "groq").stdout
    assert "  0.111 per 3,600 seconds, at least 10" in shown.splitlines()


def test_the_overrides_of_the_configuration_count(say: Say, folder: Path) -> None:
    (folder / "p.csv").write_text("provider,model,per_image\nopenai,dall-e-3,0.5\n", encoding="utf-8")
    (folder / "costmill.yaml").write_text("prices: {overrides: p.csv}\n", encoding="utf-8")
    shown = say("prices", "show", "dall-e-3", "--images", "3").stdout
    assert shown.splitlines() == ["openai dall-e-3: 1.5 USD", "  3 images at 0.5 each = 1.5", "  prices: p.csv, line 2"]


def test_cheaper_shows_the_cheapest_first(say: Say) -> None:
    ended = say("prices", "cheaper", "imagen-4.0-ultra-generate-001", "--images", "10", "--format", "json")
    assert [(each["model"], each["amount"]) for each in json.loads(ended.stdout)] == [
        ("imagen-4.0-fast-generate-001", "0.2"),
        ("imagen-4.0-generate-001", "0.4"),
    ]
    assert ended.stderr == "costmill: google imagen-4.0-ultra-generate-001: 0.6 USD; 2 cheaper\n"


@pytest.mark.parametrize("provider", ["anthropic", "openai", "groq"])
def test_a_list_as_csv_is_a_file_of_overrides(say: Say, folder: Path, provider: str) -> None:
    listed = say("prices", "list", "--provider", provider, "--format", "csv").stdout
    (folder / "p.csv").write_text(listed, encoding="utf-8")
    assert len(read_price_file(folder / "p.csv")) == len(listed.splitlines()) - 1
    (folder / "costmill.yaml").write_text("prices: {overrides: p.csv}\n", encoding="utf-8")
    assert say("prices", "list", "--provider", provider, "--format", "csv").stdout == listed


def test_an_unknown_model_ends_with_64_and_near_names(say: Say) -> None:
    ended = say("prices", "show", "gpt-4oo", "--provider", "openai")
    assert (ended.code, ended.stdout) == (64, "")
    assert "near: gpt-4o, " in ended.stderr
