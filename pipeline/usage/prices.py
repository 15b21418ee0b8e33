"""Prices for records that come without a cost: the registry of the configuration, made when the first one needs it."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.config import PriceSettings
from pipeline.errors import PriceError

if TYPE_CHECKING:
    from pipeline.pricing.registry import PricingRegistry
    from pipeline.usage.record import UsageRecord


class RegisteredPrices:
    """A ``Pricer`` over ``PricingRegistry``. Threads may share it."""

    def __init__(self, settings: PriceSettings) -> None:
        self._settings = settings
        self._registry: PricingRegistry | None = None
        self._lock = threading.Lock()

    def cost(self, usage: UsageRecord) -> tuple[Decimal, str]:
        """Return what a call comes to at the price of its time, and in which currency.

        Raises:
            PriceError: for quantities that are none, and for ones that the model has no price for.
            UnknownModelError: for a model that no list has.
        """
        if not usage.model:
            raise PriceError("cost is missing, and without a model there is no price; give one of the two")
        used: dict[str, Any] = {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_input_tokens": usage.cached_input_tokens,
            "images": usage.images,
            "seconds": usage.seconds,
        }
        with self._lock:
            found = self._prices.cost(usage.model, usage.provider, variant=usage.variant, at=usage.time, **used)
        return found.amount, found.currency

    @property
    def _prices(self) -> PricingRegistry:
        if self._registry is None:
            from pipeline.pricing.registry import PricingRegistry

            self._registry = PricingRegistry.configured(self._settings)
        return self._registry
