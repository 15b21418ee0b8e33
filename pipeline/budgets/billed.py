"""What is part of a bill: what tells whether a policy or a managed budget counts what programs recorded."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.budgets.policies import CountedOrigin
from pipeline.rules import Comparison, Condition, Joined, Operand
from pipeline.store import bill_logs
from pipeline.store.warehouse import Warehouse

_PROVIDERS = """
SELECT DISTINCT x_Provider FROM daily_costs WHERE x_Origin = 'billed' AND x_Provider IS NOT NULL ORDER BY 1"""


@dataclass(frozen=True)
class Billed:
    """What is part of a bill.

    Attributes:
        providers: those that have billed charges, A to Z.
        logs: sources of what programs recorded that are part of the bill (``bill: true``): they are recorded, and billed.
        pending: what is recorded and not loaded will be part of it.
    """

    providers: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    pending: bool = False

    def condition(self, counted: CountedOrigin) -> Condition:
        """Return of which origin a charge must be to count."""
        origin = Operand("column", "x_Origin")
        is_billed, is_recorded = Comparison(origin, "equals", ("billed",)), Comparison(origin, "equals", ("recorded",))
        if counted == "billed":
            return is_billed
        if counted == "recorded":
            of_logs = Comparison(Operand("column", "x_Source"), "in", self.logs)
            return Joined("any", (is_recorded, of_logs)) if self.logs else is_recorded
        if not self.providers:
            return Joined("any", (is_billed, is_recorded))
        never_billed = Joined("not", (Comparison(Operand("column", "x_Provider"), "in", self.providers),))
        return Joined("any", (is_billed, Joined("all", (is_recorded, never_billed))))

    def counts(self, counted: CountedOrigin, provider: str) -> bool:
        """Whether the charge of a record that is not loaded yet will be of that origin: what ``condition`` says of it then."""
        return self.pending or counted == "recorded" or (counted == "auto" and provider not in self.providers)


def read(warehouse: Warehouse, *, pending: bool = False) -> Billed:
    """Read what is part of a bill in a warehouse or a copy of it."""
    return Billed(
        tuple(row[0] for row in warehouse.rows(_PROVIDERS)), tuple(bill_logs.names(warehouse)), pending=pending
    )
