"""Lists of prices: YAML and CSV say the same; what is wrong is told at once, with its line."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import PricingRegistry, resources
from pipeline.config.prices import OPTIONAL, read_price_file
from pipeline.errors import ConfigurationError
from pipeline.pricing import own
from tests.config.files import problems, settings

AS_YAML = """\
prices:
  - provider: OpenAI
    model: gpt-4o
    input_per_million: 2
    cached_input_per_million: "0.5"
    output_per_million: 8
    since: 2026-06-01
    source: contract 4711
  - {provider: openai, model: gpt-4o, since: 2026-06-01, above_input_tokens: 100000, input_per_million: 4}
  - {provider: house, model: own-llama, input_per_million: 0, output_per_million: 0.5, currency: EUR}
  - {provider: house, model: listener, per_minute: 0.006}
"""
AS_CSV = """\
provider,model,since,above_input_tokens,input_per_million,cached_input_per_million,output_per_million,per_minute,currency,source
OpenAI,gpt-4o,2026-06-01,,2,0.5,8,,,contract 4711
openai,gpt-4o,2026-06-01,100000,4,,,,,
house,own-llama,,,0,,0.5,,EUR,
house,listener,,,,,,0.006,,
"""


@pytest.fixture(params=[("prices.yaml", AS_YAML), ("prices.csv", AS_CSV)], ids=["yaml", "csv"])
def prices(request: pytest.FixtureRequest, tmp_path: Path) -> PricingRegistry:
    name, text = request.param
    (tmp_path / name).write_text(text, encoding="utf-8")
    return PricingRegistry(settings(tmp_path, f"prices: {{overrides: {name}}}").prices.rows)


def test_overrides_come_before_the_public_prices(prices: PricingRegistry) -> None:
    call: dict[str, Any] = {"input_tokens": 1000, "cached_input_tokens": 100, "output_tokens": 10}
    # 900 x 2 + 100 x 0.5 + 10 x 8, per million
    cost = prices.cost("gpt-4o-2024-08-06", **call, at="2026-06-01")
    assert (cost.amount, cost.source) == (Decimal("0.00193"), "contract 4711, since 2026-06-01")
    assert cost.price is not None
    assert cost.price.context_window == 128_000
    assert prices.cost("gpt-4o", **call, at="2026-05-31").amount == Decimal("0.002475")  # the public one until then


def test_a_tier_changes_what_it_names(prices: PricingRegistry) -> None:
    call: dict[str, Any] = {"input_tokens": 100_001, "cached_input_tokens": 1, "output_tokens": 10}
    # 100,000 x 4 + 1 x 0.5 + 10 x 8, per million
    assert prices.cost("gpt-4o", **call, at="2026-07-01").amount == Decimal("0.4000805")


def test_models_of_ones_own_have_prices_too(prices: PricingRegistry) -> None:
    cost = prices.cost("Own-Llama", input_tokens=1000, output_tokens=4)
    assert (cost.amount, cost.currency) == (Decimal("0.000002"), "EUR")
    assert prices.cost("listener", "house", seconds=90).amount == Decimal("0.009")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("p.yaml", "", "is empty; write `prices:` and a list"),
        ("p.yaml", "price: []\n", "line 1: price: unknown key 'price'; did you mean 'prices'?"),
        ("p.yaml", "prices: 1\n", "line 1: prices: must be a list"),
        ("p.yaml", "prices: [\n", "line 2: is not YAML"),
        ("p.yaml", "prices:\n- {provider: a, modl: b, per_image: 1}\n", "line 2: prices[0].modl: unknown key 'modl'; did"),
        ("p.yaml", "prices:\n- {provider: a, model: b}\n", "line 2: prices[0].model: has no price; give one of input_per"),
        ("p.yaml", "prices:\n- {provider: a, model: b, per_image: -1}\n", "line 2: prices[0].per_image: '-1' is no price"),
        ("p.csv", "provider,model,sinc\n", "line 1: unknown column 'sinc'; did you mean 'since'?"),
        ("p.csv", "provider,model,per_image\na,,1\n", "line 2: column model is empty; write a value"),
        ("p.csv", "provider,model,per_image,since\na,b,1,2026-3-1\n", "line 2: column since: '2026-3-1' is no day"),
        ("p.csv", "provider,model,per_image,currency\na,b,1,usd\n", "line 2: column currency: 'usd' is no ISO 4217 code"),
        ("p.csv", "provider,model,per_second,per_minute\na,b,1,1\n", "line 2: column per_minute: stands beside per_second"),
        ("p.csv", "provider,model,cached_input_per_million\na,b,1\n", "needs input_per_million"),
        ("p.csv", "provider,model,per_image\ngcp,B,1\nGoogle,b,2\n", "line 3: Google b: stands on line 2 as well"),
        ("p.csv", "provider,model,input_per_million,above_input_tokens\na,b,1,5\n", "the row for smaller calls is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_price_file(tmp_path / name)
    assert f"{tmp_path / name}: " in str(caught.value)
    assert told in str(caught.value)


def test_the_configuration_tells_all_problems_at_once(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("provider,model,per_image\na,,1\nb,c,x\n", encoding="utf-8")
    told = problems(tmp_path, "prices:\n  overrides: p.csv\nwriter_wait_seconds: -1\n")
    head = f"line 2: prices.overrides: {tmp_path}/p.csv: "
    assert [each.removeprefix(head)[:23] for each in told] == [
        "line 2: column model is", "line 3: column per_imag", "line 3: writer_wait_sec",
    ]  # fmt: skip


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in problems(tmp_path, "prices: {overrides: gone.yaml}")[0]


def test_each_row_of_the_projects_table_says_who_says_so_and_when() -> None:
    rows = own.table()
    assert len(rows) > 20
    assert [row.line for row in rows if not (row.source or "").startswith("https://")] == []
    dated = {row.checked for row in rows if row.checked is not None}  # those read on the provider's own page
    assert dated
    assert max(dated) <= datetime.now(UTC).date()
    assert all(rate.price > 0 for row in rows for rate in row.rates.values())


def test_the_docs_have_every_column(project_root: Path) -> None:
    page = (project_root / "docs" / "prices.md").read_text(encoding="utf-8")
    assert [name for name in OPTIONAL if f"`{name}`" not in page] == []
    assert resources.lookup("model_prices").startswith("provider,model,")
