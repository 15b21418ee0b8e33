"""Cheaper models: of the same provider and kind, with as large a context, never free, and always the same ones."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline import PricingRegistry, UnknownModelError

HOUSE = """\
provider,model,input_per_million,output_per_million,per_image,context_window,deprecated,currency,cached_input_per_million
house,big,10,20,,100000,,,
house,small,1,2,,100000,,,
house,smaller,0.5,1,,99999,,,
house,unsaid,0.5,1,,,,,
house,old,0.5,1,,100000,true,,
house,gift,0,0,,100000,,,
house,half-gift,0.5,0,,100000,,,
house,euro,0.5,1,,100000,,EUR,
house,embed,0.5,,,100000,,,
house,voice-small,0.5,1,,100000,,,
house,middle,5,10,,200000,,,
house,twin,1,2,,100000,,,1
house,vague,0.6,2,,,,,
house,dear,9,90,,100000,,,
house,painting,,,0.04,,,,
house,sketch-image,,,0.01,,,,
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> PricingRegistry:
    file = tmp_path_factory.mktemp("prices") / "house.csv"
    file.write_text(HOUSE, encoding="utf-8")
    return PricingRegistry(file)


def test_the_cheapest_of_those_that_can_replace_it_is_taken(house: PricingRegistry) -> None:
    found = house.cheaper_alternatives("big", "house")
    # 3000 input and 1000 output tokens; big: 0.05
    assert [(each.model, each.amount) for each in found] == [
        ("small", Decimal("0.005")), ("twin", Decimal("0.005")), ("middle", Decimal("0.025")),
    ]  # fmt: skip
    cheapest = house.get_cheaper_alternative("big", "house")
    assert cheapest is not None
    assert (cheapest.model, cheapest.amount) == ("small", Decimal("0.005"))


def test_the_call_decides_what_is_cheaper(house: PricingRegistry) -> None:
    found = house.cheaper_alternatives("big", "house", {"input_tokens": 1000, "output_tokens": 0})
    assert [each.model for each in found] == ["small", "twin", "middle", "dear"]
    cached = house.get_cheaper_alternative(
        "big", "house", input_tokens=1000, cached_input_tokens=1000, output_tokens=100
    )
    assert cached is not None
    assert cached.amount == Decimal("0.0012")


def test_a_model_whose_context_nobody_knows_may_be_replaced_by_any(house: PricingRegistry) -> None:
    found = house.cheaper_alternatives("vague", "house", {"input_tokens": 3000, "output_tokens": 100})
    assert [each.model for each in found] == ["smaller", "unsaid"]
    assert house.get_cheaper_alternative("painting", "house").model == "sketch-image"  # type: ignore[union-attr]


def test_nothing_is_cheaper_than_the_cheapest(house: PricingRegistry) -> None:
    assert house.get_cheaper_alternative("small", "house") is None


def test_an_unknown_model_has_no_alternative(house: PricingRegistry) -> None:
    with pytest.raises(UnknownModelError):
        house.get_cheaper_alternative("bog", "house")


@pytest.mark.parametrize("model", ["gpt-5", "claude-opus-4-5", "gemini-2.5-pro", "amazon.nova-pro-v1:0"])
def test_real_alternatives_keep_the_rules(house: PricingRegistry, model: str) -> None:
    provider = "aws" if model.startswith("amazon") else None
    mine = house.price(model, provider)
    found = house.cheaper_alternatives(model, provider)
    assert found
    for each in found:
        assert each.price is not None
        assert (each.provider, each.price.modality, each.price.deprecated) == (mine.provider, "text", False)
        assert each.price.context_window is None or each.price.context_window >= (mine.context_window or 0)
        assert each.amount > 0
    assert found == PricingRegistry().cheaper_alternatives(model, provider, at=found[0].at)
