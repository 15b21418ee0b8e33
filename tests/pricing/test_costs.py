"""What a call costs: to the last digit, at the price of its time, tier and variant, and never free by accident."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from pipeline import PriceError, PricingRegistry, UnknownModelError, money
from pipeline.pricing import listed
from pipeline.pricing.costing import cost_of


@pytest.fixture(scope="module")
def prices() -> PricingRegistry:
    return PricingRegistry()


def call(read: int, written: int, cached: int = 0) -> dict[str, Any]:
    return {"input_tokens": read, "output_tokens": written, "cached_input_tokens": cached}


@pytest.mark.parametrize(
    ("model", "provider", "used", "at", "wanted"),
    [
        # 1000 x 2.5 + 200 x 1.25 + 300 x 10, per million
        ("gpt-4o", "openai", call(1200, 300, 200), None, "0.00575"),
        # 7 x 0.15 + 3 x 0.6, per million
        ("gpt-4o-mini", "openai", call(7, 3), None, "0.00000285"),
        # 900 x 1 + 100 x 0.1 + 50 x 5, per million
        ("claude-haiku-4-5", "anthropic", call(1000, 50, 100), None, "0.00116"),
        # no cached price: cached tokens cost what the others do, 1000 x 5 + 10 x 15
        ("gpt-4o-2024-05-13", "openai", call(1000, 10, 400), None, "0.00515"),
        # 200,000 is not above 200,000: 3 and 15 per million
        ("claude-sonnet-4-5", "anthropic", call(200_000, 1000), None, "0.615"),
        # above it all tokens cost more: 200,000 x 6 + 1 x 0.6 + 1000 x 22.5
        ("claude-sonnet-4-5", "anthropic", call(200_001, 1000, 1), None, "1.2225006"),
        # 2.5 and 15 above 200,000
        ("gemini-2.5-pro", "google", call(300_000, 2000), None, "0.78"),
        # the tier ended on 2026-03-13
        ("claude-opus-4-6", "anthropic", call(200_001, 1000), "2026-03-12", "2.03751"),
        ("claude-opus-4-6", "anthropic", call(200_001, 1000), "2026-03-13", "1.025005"),
        # dearer from 01:00 to 04:00 UTC
        ("deepseek-flash", "deepseek", call(1000, 0), "2026-10-01T03:59:59Z", "0.0003"),
        ("deepseek-flash", "deepseek", call(1000, 0), "2026-10-01T04:00:00Z", "0.00015"),
        # 0.36 an hour; ten seconds at least at 0.111 an hour
        ("whisper-1", "openai", {"seconds": "90.5"}, None, "0.00905"),
        ("whisper-large-v3", "groq", {"seconds": 4}, None, "0.000308333333333333"),
        # tokens, and 12 per thousand requests
        ("sonar", "perplexity", call(10, 1), None, "0.012011"),
        ("imagen-4.0-fast-generate-001", "google", {"images": 3}, None, "0.06"),
        ("veo-3.0-generate-001", "google", {"seconds": 8}, None, "3.2"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_call_costs_what_a_person_computes(
    prices: PricingRegistry, model: str, provider: str, used: dict[str, Any], at: str | None, wanted: str
) -> None:
    cost = prices.cost(model, provider, **used, at=at or "2026-11-20")
    assert cost.amount == Decimal(wanted)
    assert cost.amount == money.total(line.amount for line in cost.lines)


@pytest.mark.parametrize(("variant", "wanted"), [("hd 1024x1024", "0.16"), ("Standard 1024x1024", "0.08")])
def test_a_variant_has_its_price(prices: PricingRegistry, variant: str, wanted: str) -> None:
    assert prices.cost("dall-e-3", images=2, variant=variant).amount == Decimal(wanted)


def test_a_batch_is_half_the_price(prices: PricingRegistry) -> None:
    cost = prices.cost("gpt-4o", **call(1200, 300), variant="batch")
    assert (cost.amount, cost.price and cost.price.variant) == (Decimal("0.003"), "batch")


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google", "aws", "deepseek"])
def test_the_package_itself_comes_to_the_same(provider: str) -> None:
    """Its own arithmetic, with 28 digits, where its data has no prices of more than 12 decimals."""
    from genai_prices.data import providers
    from genai_prices.types import Usage

    [theirs] = [each for each in providers if each.id == provider]
    at = datetime(2026, 9, 1, 8)
    compared = 0
    for model in listed.models(provider):
        price = model.at(at)
        if price is None or not {"input_tokens", "output_tokens"} <= set(price.rates):
            continue
        [info] = [each for each in theirs.models if each.id == model.model]
        for read, cached, written in ((1000, 200, 300), (300_001, 50_000, 10)):
            usage = Usage(input_tokens=read, cache_read_tokens=cached, output_tokens=written)
            used = {name: Decimal(value) for name, value in call(read, written, cached).items()}
            wanted = info.calc_price(usage, theirs, genai_request_timestamp=at.replace(tzinfo=UTC)).total_price
            assert cost_of(price, used, at).amount == wanted
            compared += 1
    assert compared > 10


def test_a_time_of_another_zone_is_the_same_moment(prices: PricingRegistry) -> None:
    moment = datetime(2026, 10, 1, 5, 30, tzinfo=timezone(timedelta(hours=2)))
    cost = prices.cost("deepseek-flash", input_tokens=1000, at=moment)
    assert (cost.at, cost.amount) == (datetime(2026, 10, 1, 3, 30), Decimal("0.0003"))


@pytest.mark.parametrize(
    ("model", "provider", "found"),
    [
        ("GPT-4o", None, ("openai", "gpt-4o")),
        ("gpt-4o-2024-08-06", None, ("openai", "gpt-4o")),
        ("openai/gpt-4o", None, ("openai", "gpt-4o")),
        ("openai/gpt-4o", "OpenAI", ("openai", "gpt-4o")),
        ("openai/gpt-4o", "openrouter", ("openrouter", "openai/gpt-4o")),
        ("gpt-4o", "azure.ai.openai", ("azure", "gpt-4o")),
        ("models/gemini-2.5-pro", "gcp", ("google", "gemini-2.5-pro")),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "aws", ("aws", "regional.anthropic.claude-sonnet-4-20250514-v1:0")),
        ("grok-4", "xAI", ("x-ai", "grok-4-0709")),
        (" claude-opus-4.5 ", None, ("anthropic", "claude-opus-4-5")),
    ],
)  # fmt: skip
def test_names_mean_what_programs_write(
    prices: PricingRegistry, model: str, provider: str | None, found: tuple[str, str]
) -> None:
    price = prices.price(model, provider)
    assert (price.provider, price.model) == found


@pytest.mark.parametrize(
    ("model", "used", "told"),
    [
        ("gpt-4o", {"input_tokens": -1}, "input_tokens -1 is negative"),
        ("gpt-4o", {"input_tokens": 1.5}, "input_tokens 1.5 is no whole number"),
        ("gpt-4o", {"output_tokens": "some"}, "output_tokens 'some' is no number"),
        ("gpt-4o", {"input_tokens": True}, "input_tokens True is no number"),
        ("gpt-4o", {"seconds": float("nan")}, "seconds nan is no number"),
        ("gpt-4o", {"input_tokens": 1, "cached_input_tokens": 2}, "cached_input_tokens 2 is more than input_tokens 1"),
        ("gpt-4o", {"cached_input_tokens": 2}, "is more than input_tokens 0"),
        ("gpt-4o", {}, "nothing to price; give its input_tokens or"),
        ("gpt-4o", {"images": 2}, "openai gpt-4o has no price for images; it is priced by input_tokens"),
        ("openai/text-embedding-3-small", {"input_tokens": 1, "output_tokens": 1}, "has no price for output_tokens"),
        ("dall-e-3", {"images": 1}, "is priced by variant; name one of: hd 1024x1024, hd"),
        ("dall-e-3", {"images": 1, "variant": "4k"}, "has no variant '4k' with a price; its variants: hd 1024x1024"),
        ("veo-3.0-generate-001", {"seconds": 1, "at": "2025-01-01"}, "the first one known is since 2025-09-10"),
        ("tts-1", {"input_tokens": 1}, "listed without a price that tokens, images or seconds have"),
        ("qqqqq", {"input_tokens": 1}, "overrides). Give the cost, or write its price under prices.overrides"),
        (" ", {"input_tokens": 1}, "the model's name is empty"),
    ],
)
def test_what_cannot_be_priced_is_said(prices: PricingRegistry, model: str, used: dict[str, Any], told: str) -> None:
    with pytest.raises(PriceError) as caught:
        prices.cost(model, **used)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("model", "provider", "near"),
    [
        ("gpt-4oo", "openai", ("gpt-4o", "gpt-4", "ft:gpt-4o")),
        ("claude-sonet-4-5", None, ("anthropic/claude-sonnet-4-5",)),
        ("gpt-4o", "opnai", ("openai",)),
    ],
)
def test_an_unknown_name_is_told_with_near_ones(
    prices: PricingRegistry, model: str, provider: str | None, near: tuple[str, ...]
) -> None:
    with pytest.raises(UnknownModelError) as caught:
        prices.cost(model, provider, input_tokens=1)
    assert set(near) <= set(caught.value.near)
    assert "near: " in str(caught.value)


def test_a_cost_that_is_given_is_taken_whatever_the_model(prices: PricingRegistry) -> None:
    cost = prices.cost("our-own", "Basement", input_tokens=5, given="0.25", currency="EUR")
    assert (cost.amount, cost.currency, f"{cost.provider}/{cost.model}", cost.source) == (
        Decimal("0.25"), "EUR", "basement/our-own", "given by the caller",
    )  # fmt: skip
    with pytest.raises(PriceError):
        prices.cost("our-own", input_tokens=-5, given="0.25")


def test_images_beside_tokens_are_not_charged_twice(prices: PricingRegistry) -> None:
    cost = prices.cost("gpt-4o", **call(1000, 0), images=2)
    assert (cost.amount, cost.unpriced) == (Decimal("0.0025"), ("images",))
    assert "not charged: images" in cost.explain()


def test_a_cost_explains_itself(prices: PricingRegistry) -> None:
    cost = prices.cost("claude-sonnet-4-5", **call(200_001, 0, 1))
    assert cost.explain().splitlines() == [
        "anthropic claude-sonnet-4-5: 1.2000006 USD",
        "  200000 input_tokens at 6 per 1,000,000 = 1.2 (calls above 200,000 input tokens)",
        "  1 cached_input_tokens at 0.6 per 1,000,000 = 0.0000006 (calls above 200,000 input tokens)",
        "  0 output_tokens at 22.5 per 1,000,000 = 0 (calls above 200,000 input tokens)",
        f"  prices: {listed.source()}",
    ]


def test_no_connection_is_opened() -> None:
    code = (
        "import sys\n"
        "def watch(event, arguments):\n"
        "    assert not event.startswith(('socket.', 'urllib.')), event\n"
        "sys.addaudithook(watch)\n"
        "from pipeline import PricingRegistry\n"
        "prices = PricingRegistry()\n"
        "print(prices.cost('gpt-4o', input_tokens=4).amount, prices.get_cheaper_alternative('gpt-4o').model)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[:1]) == (0, ["0.000010000000000000"]), done.stderr


def test_prices_that_another_part_fetched_are_not_taken(prices: PricingRegistry) -> None:
    from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot

    set_custom_snapshot(DataSnapshot(providers=[], from_auto_update=True))
    try:
        assert PricingRegistry().cost("gpt-4o", input_tokens=4).amount == Decimal("0.00001")
    finally:
        set_custom_snapshot(None)
