"""The global budget from outside the file: COSTMILL_BUDGET_* variables, and flags of the command line before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TypeVar

from pipeline.config.fields import amount, boolean, currency_code, integer
from pipeline.config.findings import Findings
from pipeline.errors import UsageError

T = TypeVar("T")

EXIT_CODES = integer(0, 255)

_VARIABLES = {
    "exit_on_threshold": "COSTMILL_BUDGET_EXIT_ON_THRESHOLD",
    "exit_code": "COSTMILL_BUDGET_EXIT_CODE",
    "amount": "COSTMILL_BUDGET_AMOUNT",
    "currency": "COSTMILL_BUDGET_CURRENCY",
}
_FLAGS = {
    "exit_on_threshold": "--exit-on-threshold",
    "exit_code": "--exit-code",
    "amount": "--budget-amount",
    "currency": "--budget-currency",
}


@dataclass(frozen=True)
class BudgetOverrides:
    """What flags say of the global budget; None where they say nothing.

    Raises:
        UsageError: for a value that the file could not hold either: exit code beyond 0 to 255, an amount that is
            negative or no number, a currency that is no ISO 4217 code.
    """

    exit_on_threshold: bool | None = None
    exit_code: int | None = None
    amount: Decimal | None = None
    currency: str | None = None

    def __post_init__(self) -> None:
        _check(_FLAGS["exit_code"], EXIT_CODES, self.exit_code)
        _check(_FLAGS["amount"], amount, self.amount)
        _check(_FLAGS["currency"], currency_code, self.currency)


@dataclass(frozen=True)
class Outside:
    """Flags and variables merged, flags first; ``said_by`` names the flag or variable of each value that is set."""

    values: BudgetOverrides
    said_by: Mapping[str, str]


def outside(environ: Mapping[str, str], flags: BudgetOverrides | None, findings: Findings) -> Outside:
    """Read the four variables and lay the flags over them. An empty variable is not set; a wrong one is noted."""
    variables = BudgetOverrides(
        exit_on_threshold=_variable("exit_on_threshold", _switch, environ, findings),
        exit_code=_variable("exit_code", EXIT_CODES, environ, findings),
        amount=_variable("amount", amount, environ, findings),
        currency=_variable("currency", currency_code, environ, findings),
    )
    flags = flags or BudgetOverrides()
    values, said_by = {}, {}
    for name in (field.name for field in fields(BudgetOverrides)):
        flag, variable = getattr(flags, name), getattr(variables, name)
        values[name] = variable if flag is None else flag
        if values[name] is not None:
            said_by[name] = _VARIABLES[name] if flag is None else _FLAGS[name]
    return Outside(BudgetOverrides(**values), said_by)


def _variable(name: str, parse: Callable[[str], T], environ: Mapping[str, str], findings: Findings) -> T | None:
    text = environ.get(_VARIABLES[name], "").strip()
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        findings.problem(None, _VARIABLES[name], str(error))
        return None


def _switch(value: str) -> bool:
    """Read true, false, 1 or 0, as variables are often set."""
    return boolean({"1": "true", "0": "false"}.get(value, value))


def _check(flag: str, parse: Callable[[str], object], value: object) -> None:
    if value is None:
        return
    try:
        parse(str(value))
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None
