"""Values of the Python interface: a recorded cost, its category, and a summary of many."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pipeline.periods import utc_now


class CostCategory(StrEnum):
    """What a cost is for. Each stands for one FOCUS ServiceCategory (``service_category``)."""

    LLM_INFERENCE = "llm_inference"
    EMBEDDING = "embedding"
    AUDIO = "audio"
    VISION = "vision"
    AI_ML = "ai_ml"
    COMPUTE = "compute"
    STORAGE = "storage"
    NETWORK = "network"
    DATABASE = "database"
    ANALYTICS = "analytics"
    API_CALL = "api_call"
    INTEGRATION = "integration"
    SECURITY = "security"
    IDENTITY = "identity"
    MANAGEMENT = "management"
    DEVELOPER_TOOLS = "developer_tools"
    BUSINESS = "business"
    IOT = "iot"
    MEDIA = "media"
    MIGRATION = "migration"
    MOBILE = "mobile"
    MULTICLOUD = "multicloud"
    WEB = "web"
    OTHER = "other"

    @property
    def service_category(self) -> str:
        """The FOCUS ServiceCategory."""
        return _SERVICE_CATEGORIES[self]

    @classmethod
    def of_service_category(cls, name: str | None) -> CostCategory:
        """Return the category of a FOCUS ServiceCategory; an unknown one is ``other``."""
        return CATEGORY_OF_SERVICE.get(name or "", cls.OTHER)


_AI = "AI and Machine Learning"

_SERVICE_CATEGORIES = {
    CostCategory.LLM_INFERENCE: _AI,
    CostCategory.EMBEDDING: _AI,
    CostCategory.AUDIO: _AI,
    CostCategory.VISION: _AI,
    CostCategory.AI_ML: _AI,
    CostCategory.COMPUTE: "Compute",
    CostCategory.STORAGE: "Storage",
    CostCategory.NETWORK: "Networking",
    CostCategory.DATABASE: "Databases",
    CostCategory.ANALYTICS: "Analytics",
    CostCategory.API_CALL: "Integration",
    CostCategory.INTEGRATION: "Integration",
    CostCategory.SECURITY: "Security",
    CostCategory.IDENTITY: "Identity",
    CostCategory.MANAGEMENT: "Management and Governance",
    CostCategory.DEVELOPER_TOOLS: "Developer Tools",
    CostCategory.BUSINESS: "Business Applications",
    CostCategory.IOT: "Internet of Things",
    CostCategory.MEDIA: "Media",
    CostCategory.MIGRATION: "Migration",
    CostCategory.MOBILE: "Mobile",
    CostCategory.MULTICLOUD: "Multicloud",
    CostCategory.WEB: "Web",
    CostCategory.OTHER: "Other",
}

#: FOCUS ServiceCategory -> category, one to one: the general one where several share a ServiceCategory.
CATEGORY_OF_SERVICE = {
    service: category
    for category, service in _SERVICE_CATEGORIES.items()
    if category
    not in (
        CostCategory.LLM_INFERENCE,
        CostCategory.EMBEDDING,
        CostCategory.AUDIO,
        CostCategory.VISION,
        CostCategory.API_CALL,
    )
}


@dataclass(frozen=True)
class CostEntry:
    """One cost.

    Attributes:
        amount: in ``currency``; negative for a credit.
        timestamp: naive UTC.
        resource_id: '' when there is none.
        id: unique across processes and restarts.
    """

    amount: Decimal
    category: CostCategory
    description: str = ""
    resource_id: str = ""
    timestamp: datetime = field(default_factory=utc_now)
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    currency: str = "USD"
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class CostSummary:
    """Costs of a half-open window in one currency; every sum is exact.

    Attributes:
        by_tag: key -> value -> sum.
    """

    total: Decimal
    entry_count: int
    period_start: datetime | None
    period_end: datetime | None
    by_category: Mapping[CostCategory, Decimal]
    by_resource: Mapping[str, Decimal]
    by_tag: Mapping[str, Mapping[str, Decimal]]
    currency: str | None = None
