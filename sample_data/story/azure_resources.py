"""Lumen's Azure resources: the returns portal and a few shared services, with their meters and list prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

SHARED, PRODUCT = "8c0e7b52-1a8e-4d0b-9b44-7a6f0f1f5a01", "e2b7d0c4-66f3-4b7a-8f2d-91c0aa5c7d02"
SUBSCRIPTIONS = {SHARED: "Lumen Shared Services", PRODUCT: "Lumen Returns Portal"}
REGIONS = {"westeurope": "West Europe", "eastus2": "East US 2"}


@dataclass(frozen=True)
class Service:
    """A FOCUS service and the Azure resource type that it is billed under."""

    name: str
    category: str
    subcategory: str
    resource_type: str  # as Azure Resource Manager spells it, in lower case
    display: str


VM = Service("Virtual Machines", "Compute", "Virtual Machines", "microsoft.compute/virtualmachines", "Virtual machine")
DISK = Service("Virtual Machines", "Compute", "Virtual Machines", "microsoft.compute/disks", "Disk")
AKS = Service(
    "Azure Kubernetes Service", "Compute", "Containers", "microsoft.containerservice/managedclusters",
    "Kubernetes service",
)  # fmt: skip
BLOB = Service(
    "Storage Accounts", "Storage", "Storage Platforms", "microsoft.storage/storageaccounts", "Storage account"
)
SQL = Service(
    "Azure SQL Database", "Databases", "Relational Databases", "microsoft.sql/servers/databases", "SQL database"
)
AI = Service(
    "Azure AI Services", "AI and Machine Learning", "AI Platforms", "microsoft.cognitiveservices/accounts",
    "Azure AI Foundry",
)  # fmt: skip
LOGS = Service(
    "Azure Monitor", "Management and Governance", "Observability", "microsoft.operationalinsights/workspaces",
    "Log Analytics workspace",
)  # fmt: skip
PLAN = Service("Azure App Service", "Web", "Application Platforms", "microsoft.web/serverfarms", "App Service plan")
VAULT = Service("Key Vault", "Security", "Secret Management", "microsoft.keyvault/vaults", "Key vault")
ADDRESS = Service(
    "Virtual Network", "Networking", "Network Infrastructure", "microsoft.network/publicipaddresses",
    "Public IP address",
)  # fmt: skip
REDIS = Service("Azure Cache for Redis", "Databases", "Caching", "microsoft.cache/redis", "Redis cache")
BUS = Service("Service Bus", "Integration", "Messaging", "microsoft.servicebus/namespaces", "Service Bus namespace")
COSMOS = Service(
    "Cosmos DB", "Databases", "NoSQL Databases", "microsoft.documentdb/databaseaccounts", "Cosmos DB account"
)
REGISTRY = Service(
    "Azure Container Registry", "Compute", "Containers", "microsoft.containerregistry/registries",
    "Container registry",
)  # fmt: skip
ORDER = Service(
    "Azure Reservations", "Management and Governance", "Cost Management", "microsoft.capacity/reservationorders",
    "Reservation order",
)  # fmt: skip
NO_SERVICE = Service("Azure Marketplace", "Other", "Other (Other)", "", "")


@dataclass(frozen=True)
class Meter:
    """One meter of one Azure resource. `price` is what a unit lists for; a discount of 0.05 takes 5 % off."""

    resource: str
    group: str
    subscription: str
    service: Service
    sku: str
    unit: str
    price: Decimal
    per_day: Decimal
    tags: Mapping[str, str] = field(default_factory=dict)
    region: str = "westeurope"
    reserved: Decimal | None = None  # the effective unit price under the reservation

    @property
    def elastic(self) -> bool:
        return self.unit != "Hours"


def meter(
    resource: str, subscription: str, service: Service, sku: str, price: tuple[str, str, str],
    tags: tuple[str, ...] = (), reserved: str = "", region: str = "westeurope",
) -> Meter:  # fmt: skip
    """`price` is (unit, list price, quantity on an ordinary day); `tags` are team, env and app."""
    unit, rate, per_day = price
    group = {SHARED: "rg-shared", PRODUCT: "rg-returns-prod"}[subscription]
    own = dict(zip(("team", "env", "app"), tags, strict=False))
    kept = Decimal(reserved) if reserved else None
    return Meter(resource, group, subscription, service, sku, unit, Decimal(rate), Decimal(per_day), own, region, kept)


RETURNS = ("returns", "prod", "returns-portal")
PLATFORM = ("platform", "prod")
METERS = (
    meter("vm-returns-1", PRODUCT, VM, "D8s v5", ("Hours", "0.46", "24"), RETURNS),
    meter("vm-returns-2", PRODUCT, VM, "D16s v5", ("Hours", "0.92", "24"), RETURNS),
    meter("vm-returns-db", PRODUCT, VM, "E8s v5", ("Hours", "0.608", "24"), RETURNS, reserved="0.3951"),
    meter("vm-jump", SHARED, VM, "B4ms", ("Hours", "0.192", "24"), PLATFORM),
    meter("vm-legacy-print", SHARED, VM, "D4s v5", ("Hours", "0.23", "24")),
    meter("disk-returns-db", PRODUCT, DISK, "P30 LRS Disk", ("Units/Month", "148.68", "0.0323"), RETURNS),
    meter("disk-legacy-print", SHARED, DISK, "S20 LRS Disk", ("Units/Month", "21.76", "0.0323")),
    meter("aks-returns", PRODUCT, AKS, "Standard Uptime SLA", ("Hours", "0.10", "24"), RETURNS),
    meter("streturnslabels", PRODUCT, BLOB, "Hot LRS Data Stored", ("GB/Month", "0.0196", "412"), RETURNS),
    meter("streturnslabels", PRODUCT, BLOB, "Hot LRS Write Operations", ("10K", "0.054", "19.5"), RETURNS),
    meter("sql-returns/orders", PRODUCT, SQL, "vCore General Purpose", ("Hours", "0.2533", "168"), RETURNS),
    meter("sql-returns/reports", PRODUCT, SQL, "vCore Serverless", ("vCore Hours", "0.1445", "41"), RETURNS),
    meter("oai-returns", PRODUCT, AI, "gpt 4.1 Inp glbl Tokens", ("1K", "0.002", "3900"),
          ("ml", "prod", "returns-classifier"), region="eastus2"),
    meter("oai-returns", PRODUCT, AI, "gpt 4.1 Outp glbl Tokens", ("1K", "0.008", "1450"),
          ("ml", "prod", "returns-classifier"), region="eastus2"),
    meter("log-returns", PRODUCT, LOGS, "Analytics Logs Data Ingestion", ("GB", "2.99", "2.4"), PLATFORM),
    meter("plan-returns-web", PRODUCT, PLAN, "P1 v3 App", ("Hours", "0.169", "48"), RETURNS),
    meter("kv-returns", PRODUCT, VAULT, "Operations", ("10K", "0.03", "0.7312"), RETURNS),
    meter("pip-returns", PRODUCT, ADDRESS, "Standard IPv4 Static Public IP", ("Hours", "0.005", "72")),
    meter("redis-returns", PRODUCT, REDIS, "C3 Cache Instance", ("Hours", "0.36", "24"), RETURNS),
    meter("sb-returns", PRODUCT, BUS, "Standard Messaging Operations", ("1M", "0.80", "0.41"), RETURNS),
    meter("cosmos-returns", PRODUCT, COSMOS, "100 RU/s", ("Hours", "0.008", "960"), RETURNS),
    meter("crlumen", SHARED, REGISTRY, "Premium Registry Unit", ("Units/Day", "1.6666", "1"), PLATFORM),
)  # fmt: skip
