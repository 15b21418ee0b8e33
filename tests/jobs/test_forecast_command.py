"""`costmill forecast`: totals and budgets, with what they rest on."""

from __future__ import annotations

import json
from pathlib import Path

from tests.jobs.conftest import Say
from tests.jobs.nights import Charge, budgets, write_bill, write_config


def test_the_forecast_says_what_it_rests_on(tmp_path: Path, say: Say) -> None:
    cost = budgets(400, providers={"azure": {"amount": 50, "period": "rolling_7d"}})
    config = write_config(tmp_path, cost=cost, forecast={"late_data_days": 2})
    write_bill(tmp_path / "exports" / "march.csv", [Charge(), Charge(currency="EUR", cost="1", days=21)])
    say("run", "--config", config)
    told = json.loads(say("forecast", "--config", config, "--format", "json").stdout)
    shown = [(row["scope"], row["currency"], row["spend"], row["forecast"], row["note"]) for row in told]
    missing = "no rate to USD for EUR"
    assert shown == [
        ("total", "EUR", "21", "31", None),
        ("total", "USD", "210", "310", None),
        ("global", "USD", None, None, missing),
        ("provider:azure", "USD", None, None, missing),
    ]
    assert {name: told[1][name] for name in ("method", "elapsed_days", "days", "last_complete_day", "late_data_days")} == {
        "method": "linear", "elapsed_days": 20, "days": 31, "last_complete_day": "2026-03-20", "late_data_days": 2,
    }  # fmt: skip
