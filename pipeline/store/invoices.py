"""Hold the bills against the invoices that accounting expects: billed by InvoiceId beside the expected amounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pipeline import money
from pipeline.config import ExpectedInvoice
from pipeline.store.warehouse import Warehouse

State = Literal["agrees", "rounding", "differs", "not seen", "not expected", "no invoice", "billed"]

COLUMNS = ("period", "issuer", "InvoiceId", "currency", "billed", "expected", "difference", "charges", "state")
#: What accounting has to look at.
DIFFERENCES: tuple[State, ...] = ("differs", "not seen", "not expected")

_BILLED = """
SELECT x_BillingPeriod, InvoiceIssuerName, x_Provider, InvoiceId, BillingCurrency, sum(BilledCost),
    CAST(sum(x_ChargeCount) AS BIGINT), CAST(sum(x_InvoicedCount) AS BIGINT)
FROM invoice_costs WHERE x_Origin = 'billed' GROUP BY ALL ORDER BY ALL"""
_EXPECTED = """
SELECT InvoiceId, amount, BillingCurrency, x_BillingPeriod, InvoiceIssuerName FROM expected_invoices
ORDER BY InvoiceIssuerName IS NULL, x_BillingPeriod IS NULL, InvoiceId, BillingCurrency, x_BillingPeriod"""


@dataclass(frozen=True)
class Billed:
    """The charges of one invoice (InvoiceId None: of none) in one billing period and currency, by issuer and provider."""

    period: str
    issuer: str | None
    provider: str | None
    InvoiceId: str | None
    currency: str | None
    billed: Decimal
    charges: int
    invoiced: int

    def is_of(self, expected: ExpectedInvoice) -> bool:
        """Whether these charges belong to an expected invoice: issuers are compared without regard to case."""
        names = {(self.issuer or "").lower(), (self.provider or "").lower()}
        return (
            (self.InvoiceId, self.currency) == (expected.InvoiceId, expected.currency)
            and expected.period in (None, self.period)
            and (expected.issuer is None or expected.issuer.lower() in names)
        )


@dataclass(frozen=True)
class Invoice:
    """One invoice, billed beside expected, in one currency.

    Attributes:
        period: the billing periods of its charges, or the expected one; None when neither is known.
        billed, expected: None where there is none.
        state: agrees, rounding (they differ by less than the currency's smallest unit), differs, not seen (expected and not billed), not expected (billed, and not in the list),
            billed (there is no list), no invoice (charges that name none).
    """

    period: str | None
    issuer: str | None
    InvoiceId: str | None
    currency: str | None
    billed: Decimal | None
    expected: Decimal | None
    charges: int
    state: State

    @property
    def difference(self) -> Decimal | None:
        """Billed less expected, exact; None where one of them is not there."""
        if self.billed is None or self.expected is None:
            return None
        return money.total((self.billed, self.expected.copy_negate()))

    @property
    def row(self) -> tuple[object, ...]:
        """The values of ``COLUMNS``."""
        return tuple(getattr(self, name) for name in COLUMNS)


def compare(warehouse: Warehouse, period: str | None = None) -> tuple[Invoice, ...]:
    """Return every invoice, expected ones and billed ones, and the charges without one, by period and id.

    A billed charge counts for one expected invoice: for the one that names issuer and period before one that does not.
    With a ``period``, those that it has charges of or that are expected for it.
    """
    free = [Billed(*row) for row in warehouse.rows(_BILLED)]
    expected = [ExpectedInvoice(*row) for row in warehouse.rows(_EXPECTED)]
    found: list[Invoice] = []
    for invoice in expected:
        own = [each for each in free if each.is_of(invoice)]
        free = [each for each in free if each not in own]
        if period is None or period == invoice.period or any(each.period == period for each in own):
            found.append(_held_against(invoice, own))
    found += [
        _unexpected(each, has_list=bool(expected))
        for each in free
        if period in (None, each.period) and (each.InvoiceId is not None or each.invoiced)
    ]
    return tuple(
        sorted(found, key=lambda own: (own.period or "", own.InvoiceId or "~", own.issuer or "", own.currency or ""))
    )


def has_list(warehouse: Warehouse) -> bool:
    """Whether accounting has given a list of invoices."""
    return bool(warehouse.value("SELECT 1 FROM expected_invoices LIMIT 1"))


def _held_against(invoice: ExpectedInvoice, own: Sequence[Billed]) -> Invoice:
    billed = money.total(each.billed for each in own) if own else None
    state: State = "not seen" if billed is None else _verdict(billed, invoice)
    labels = sorted({each.period for each in own})
    issuers = sorted({each.issuer or each.provider or "" for each in own})
    return Invoice(
        period=", ".join(labels) or invoice.period,
        issuer=", ".join(issuers) or invoice.issuer,
        InvoiceId=invoice.InvoiceId,
        currency=invoice.currency,
        billed=billed,
        expected=invoice.amount,
        charges=sum(each.charges for each in own),
        state=state,
    )


def _verdict(billed: Decimal, invoice: ExpectedInvoice) -> State:
    """Bills carry more decimals than invoices, which are written in cents: less than a cent is no difference."""
    from babel.numbers import get_currency_precision  # here: Babel reads its data when it is imported

    cent = Decimal(1).scaleb(-get_currency_precision(invoice.currency))
    off = money.total((billed, invoice.amount.copy_negate())).copy_abs()
    return "agrees" if not off else "rounding" if off < cent else "differs"


def _unexpected(each: Billed, *, has_list: bool) -> Invoice:
    state: State = "no invoice" if each.InvoiceId is None else "not expected" if has_list else "billed"
    issuer = each.issuer or each.provider
    return Invoice(each.period, issuer, each.InvoiceId, each.currency, each.billed, None, each.charges, state)
