"""The JSON that `costmill budgets --format json` prints."""

from __future__ import annotations

import json

from pipeline.budgets.model import worst
from tests.budgets.frames import at, budget, charge, resource, resources, result


def test_the_result_has_the_keys_of_the_specification() -> None:
    keys = [
        "global",
        "by_provider",
        "by_tag",
        "by_type",
        "policies",
        "managed",
        "overall_health",
        "critical_scopes",
        "warnings",
    ]
    assert list(result((budget(),)).to_json_dict()) == keys
    assert list(result((), explain=True).to_json_dict()) == [*keys, "allocations"]


def test_money_is_text_and_percentages_have_six_decimals() -> None:
    told = result((budget(amount="300.50", alerts=at("80.5")),), charge("100.10")).to_json_dict()["global"]
    assert (told["effective_limit"], told["current_spend"], told["forecasted_spend"]) == ("300.5", "100.1", "100.1")
    assert (told["percentage"], told["forecast_percentage"]) == ("33.311148", "33.311148")
    assert told["alerts"] == [{"threshold": "80.5", "type": "actual", "state": "OK", "exit": True, "unit": "percent"}]
    assert (told["period_start"], told["period_end"]) == ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")


def test_a_status_has_the_fields_of_the_specification() -> None:
    told = result((budget(),), charge("1")).to_json_dict()["global"]
    assert {
        "scope_type", "scope_key", "budget", "period_start", "period_end", "currency", "effective_limit",
        "current_spend", "percentage", "forecasted_spend", "forecast_percentage", "health", "alerts",
        "matched_resources",
    } <= set(told)  # fmt: skip


def test_a_disabled_budget_is_listed_as_disabled() -> None:
    (told,) = result((budget(), budget("provider:aws", 0)), charge("1")).to_json_dict()["by_provider"]
    assert (told["health"], told["budget"]["enabled"], told["current_spend"]) == ("DISABLED", False, None)


def test_unconverted_money_is_named_by_currency() -> None:
    told = result((budget(),), charge("1.50", BillingCurrency="EUR")).to_json_dict()["global"]
    assert (told["health"], told["unconverted"], told["percentage"]) == ("UNSPECIFIED", {"EUR": "1.5"}, None)


def test_without_budgets_global_is_null_and_lists_are_empty() -> None:
    told = result(()).to_json_dict()
    assert (told["global"], told["by_tag"], told["policies"], told["overall_health"]) == (None, [], [], "UNSPECIFIED")


def test_allocations_speak_the_specifications_names() -> None:
    used = resources(resource("1.50", "i-1", {"team": "ml"}))
    found = result((budget(), budget("tag:team:ml")), charge("1.5", tags={"team": "ml"}), used=used, explain=True)
    assert found.to_json_dict()["allocations"] == [
        {
            "ResourceId": "i-1", "ResourceName": "I-1", "ResourceType": "aws:ec2/instance", "Provider": "aws",
            "Cost": "1.5", "Currency": "USD", "Origin": "billed",
                "AllocatedScopes": ["global", "tag:team:ml"],
                "ScopeCosts": {"global": "1.5", "tag:team:ml": "1.5"},
            "MatchedTags": ["team:ml"], "SelectedTagBudget": "team:ml", "Warnings": [],
        }
    ]  # fmt: skip


def test_the_result_is_json() -> None:
    found = result((budget(), budget("tag:a:*")), charge("1"), explain=True)
    assert json.loads(json.dumps(found.to_json_dict())) == found.to_json_dict()


def test_the_worst_health_leaves_disabled_out() -> None:
    assert worst(["DISABLED"]) == worst([]) == "UNSPECIFIED"
    assert worst(["OK", "DISABLED"]) == "OK"
    assert worst(["OK", "UNSPECIFIED"]) == "UNSPECIFIED"
    assert worst(["UNSPECIFIED", "WARNING", "OK"]) == "WARNING"
