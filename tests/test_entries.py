"""Entries and their categories."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from decimal import Decimal

import pytest

from pipeline.entries import CATEGORY_OF_SERVICE, CostCategory, CostEntry

#: FOCUS 1.2, ServiceCategory: allowed values.
FOCUS_SERVICE_CATEGORIES = {
    "AI and Machine Learning",
    "Analytics",
    "Business Applications",
    "Compute",
    "Databases",
    "Developer Tools",
    "Identity",
    "Integration",
    "Internet of Things",
    "Management and Governance",
    "Media",
    "Migration",
    "Mobile",
    "Multicloud",
    "Networking",
    "Other",
    "Security",
    "Storage",
    "Web",
}


def test_the_categories_cover_those_of_focus() -> None:
    assert {category.service_category for category in CostCategory} == FOCUS_SERVICE_CATEGORIES
    assert set(CATEGORY_OF_SERVICE) == FOCUS_SERVICE_CATEGORIES


@pytest.mark.parametrize("service", sorted(FOCUS_SERVICE_CATEGORIES))
def test_a_service_category_goes_there_and_back(service: str) -> None:
    assert CostCategory.of_service_category(service).service_category == service


@pytest.mark.parametrize(
    ("service", "category"),
    [("AI and Machine Learning", "ai_ml"), ("Integration", "integration"), ("Quantum", "other"), (None, "other")],
)
def test_a_shared_service_category_is_the_general_one(service: str | None, category: str) -> None:
    assert CostCategory.of_service_category(service) == category


def test_every_entry_has_an_id_of_its_own() -> None:
    assert len({CostEntry(Decimal(1), CostCategory.WEB).id for _ in range(1000)}) == 1000


def test_an_entry_is_now_in_utc_unless_told() -> None:
    assert CostEntry(Decimal(1), CostCategory.WEB).timestamp.tzinfo is None
    assert CostEntry(Decimal(1), CostCategory.WEB, timestamp=datetime(2026, 3, 1)).timestamp == datetime(2026, 3, 1)


def test_an_entry_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CostEntry(Decimal(1), CostCategory.WEB).amount = Decimal(2)  # type: ignore[misc]
