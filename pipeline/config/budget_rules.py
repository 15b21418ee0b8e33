"""``cost.budgets``, with what flags and environment say of the global scope, as resolved budgets (SPEC 3.2)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby
from typing import cast

from pipeline import money
from pipeline.config import fields
from pipeline.config.budget_limits import NO_LIMITS, Limits, check_parents, read_limits
from pipeline.config.budget_overrides import EXIT_CODES, Outside
from pipeline.config.budget_windows import MONTHLY, Windowed, read_window
from pipeline.config.budgets import (
    DEFAULT_ALERTS,
    AlertThreshold,
    AlertType,
    Basis,
    BudgetsConfig,
    ScopeBudget,
    ScopeType,
    Unit,
)
from pipeline.config.conditions import Askable, read_condition
from pipeline.config.findings import Findings
from pipeline.config.keys import CONDITION, LEGACY_SCOPE, SECTIONS, Keys
from pipeline.config.mail import OWNER
from pipeline.config.section import Section
from pipeline.config.yaml import Table
from pipeline.focus import canonical_provider
from pipeline.rules import Condition

logger = logging.getLogger(__name__)

#: Used where neither the global budget nor currency.report names one.
DEFAULT_CURRENCY = "USD"
DEFAULT_EXIT_CODE = 1
#: Exit codes that failures of the command line use (SPEC 7).
FAILURE_CODES = range(64, 79)

_PRIORITIES = fields.integer(-(2**31), 2**31 - 1)  # the store's INTEGER
_ROOT_KEYS = Keys((*SECTIONS["cost.budgets"].known, *LEGACY_SCOPE))
_KINDS = ("providers", "tags", "types")


@dataclass(frozen=True)
class Draft:
    """A scope as it is stated; None where it says nothing, or nothing readable.

    Attributes:
        path, line: where messages about the scope as a whole point.
        currency_line: where those about its currency do.
    """

    scope_type: ScopeType
    scope_key: str = ""
    path: str = "cost.budgets.global"
    line: int | None = None
    amount: Decimal | None = None
    currency: str | None = None
    currency_line: int | None = None
    window: Windowed = MONTHLY
    limits: Limits = NO_LIMITS
    basis: Basis = "billed"
    filter: Condition | None = None
    alerts: tuple[AlertThreshold, ...] = DEFAULT_ALERTS
    exit_on_threshold: bool | None = None
    exit_code: int | None = None
    name: str | None = None
    owner: str | None = None
    notify: tuple[str, ...] = ()
    priority: int = 0


@dataclass(frozen=True)
class Words:
    """What a scope may name: columns and tags in its filter, addresses and channels in ``notify``."""

    asked: Askable
    notified: Callable[[str], str]


def read_budgets(
    cost: Section,
    outside: Outside,
    report_currency: str | None,
    asked: Askable,
    findings: Findings,
    notified: Callable[[str], str],
) -> BudgetsConfig | None:
    """Read all budgets; None when neither the file nor flags and environment state any.

    What is wrong is noted in ``findings``; the result then is what could be read.

    Args:
        cost: the section ``cost``.
        asked: what filters may ask of a charge.
        notified: reads whom a budget's ``notify`` names.
        report_currency: ``currency.report``: what the global budget is in when it does not say.
    """
    own, words = findings.part(), Words(asked, notified)
    root = cost.section("budgets", _ROOT_KEYS, own)
    overall = _with_outside(_read_global(root, outside, words), outside, own)
    if overall is None and not root.table.entries:
        return None
    others = [*_read_providers(root, words), *_read_tags(root, words), *_read_types(root, words)]
    _check_global(root, overall, outside)
    default_currency = report_currency or DEFAULT_CURRENCY
    _check_currencies(overall, others, default_currency, outside, own)
    _warn_of_ties(others, own)
    scopes = _resolve(root, overall, others, default_currency)
    drafts = [*([overall] if overall else []), *others]
    check_parents(scopes, {_id(draft): (draft.line, draft.path) for draft in drafts}, own)
    return BudgetsConfig(scopes, own.warnings)


# --- reading ----------------------------------------------------------------------------------


def _read_global(root: Section, outside: Outside, words: Words) -> Draft | None:
    """Return the global scope of the file, from ``global`` or the old flat form; None when it has neither."""
    flat = [key for key in LEGACY_SCOPE if root.has(key)]
    if root.has("global"):
        for key in flat:
            root.problem(key, f"{key} belongs under {root.key_path('global')}")
        section = root.section("global", SECTIONS["cost.budgets.global"])
        if section.line is None:  # not a mapping, noted already
            return Draft("global")
    elif flat:
        logger.info("migrated legacy budget config to global scope")
        entries = {key: root.table.entries[key] for key in flat}
        lines = {key: root.table.key_lines[key] for key in flat}
        table = Table(entries, lines, root.table.line)
        section = Section(table, root.path, SECTIONS["cost.budgets.global"], root.findings)
    else:
        return None
    return _read_scope(section, Draft("global", "", section.path, section.line), words, outside.values.amount is None)


def _read_providers(root: Section, words: Words) -> list[Draft]:
    drafts: dict[str, Draft] = {}
    for key, section in root.section("providers", None).members(SECTIONS["cost.budgets.providers.*"]):
        provider = canonical_provider(key)
        draft = _read_scope(section, Draft("provider", provider, section.path, section.line), words)
        if not provider:
            section.findings.problem(section.line, section.path, "a provider's name is empty")
        elif provider in drafts:
            first = drafts[provider]
            message = f"is the provider {provider}, as {first.path} (line {first.line}) is; keep one"
            section.findings.problem(section.line, section.path, message)
        else:
            drafts[provider] = draft
    return list(drafts.values())


def _read_tags(root: Section, words: Words) -> list[Draft]:
    drafts: dict[str, Draft] = {}
    for section in root.sections("tags", SECTIONS["cost.budgets.tags[]"]):
        selector = section.required("selector", fields.selector, 'one such as "team:ml" or "team:*"')
        if selector is not None:
            section.path = f'{section.path} "{selector}"'  # a place in a list says little to a reader
        priority = section.value("priority", _PRIORITIES, 0)
        draft = Draft("tag", selector or "", section.path, section.line, priority=priority)
        draft = _read_scope(section, draft, words)
        if selector in drafts:
            first = drafts[selector]
            section.findings.problem(section.line, section.path, f"stands twice, first on line {first.line}; keep one")
        elif selector is not None:
            drafts[selector] = draft
    return list(drafts.values())


def _read_types(root: Section, words: Words) -> list[Draft]:
    drafts = []
    for key, section in root.section("types", None).members(SECTIONS["cost.budgets.types.*"]):
        if not key.strip():
            section.findings.problem(section.line, section.path, "a resource type's name is empty")
        drafts.append(_read_scope(section, Draft("type", key, section.path, section.line), words))
    return drafts


def _read_scope(section: Section, draft: Draft, words: Words, amount_needed: bool = True) -> Draft:
    """Fill a draft with what a scope's keys say."""
    if amount_needed:
        amount = section.required("amount", fields.amount, "an amount above 0, or 0 to disable the budget")
    else:
        amount = section.value("amount", fields.amount, None)
    window = read_window(section)
    return replace(
        draft,
        amount=amount,
        currency=section.value("currency", fields.currency_code, None),
        currency_line=section.key_line("currency"),
        window=window,
        basis=cast(Basis, section.value("basis", fields.choice(fields.BASES), "billed")),
        filter=_read_filter(section, words.asked),
        limits=read_limits(section, window.period, has_parent=draft.scope_type != "global"),
        alerts=_read_alerts(section) or DEFAULT_ALERTS,
        exit_on_threshold=section.value("exit_on_threshold", fields.boolean, None),
        exit_code=_read_exit_code(section),
        name=section.value("name", fields.line_of_text, None),
        owner=section.value("owner", fields.line_of_text, None),
        notify=_read_notify(section, words),
    )


def _read_notify(section: Section, words: Words) -> tuple[str, ...]:
    found = section.values("notify", words.notified, ())
    if OWNER in found and not section.has("owner"):
        section.problem("notify", f"names the {OWNER}, and the budget has none; write owner: and a name of mail.owners")
    return found


def _read_filter(scope: Section, asked: Askable) -> Condition | None:
    section = scope.section("filter", CONDITION)
    return read_condition(section, asked) if section.line is not None else None


def _read_alerts(scope: Section) -> tuple[AlertThreshold, ...]:
    alerts: dict[tuple[Decimal, str, str], AlertThreshold] = {}
    for section in scope.sections("alerts", SECTIONS["cost.budgets.*.alerts[]"]):
        unit: Unit = "amount" if section.has("amount") else "percent"
        if unit == "percent":
            threshold = section.required("threshold", fields.threshold, "percent such as 80")
        else:
            threshold = section.value("amount", fields.threshold_amount, None)
            if section.has("threshold"):
                section.problem("amount", "stands beside threshold; an alert has percent or an amount, not both")
        kind = section.value("type", fields.choice(fields.ALERT_TYPES), "actual")
        counts = section.value("exit", fields.boolean, True)
        if threshold is None:
            continue
        if (threshold, unit, kind) in alerts:
            name = "threshold" if unit == "percent" else "amount"
            message = f"{name} {money.text(threshold)} ({kind}) stands twice; keep one"
            section.findings.problem(section.line, section.path, message)
        made = AlertThreshold(threshold, cast(AlertType, kind), counts, unit)
        alerts.setdefault((threshold, unit, kind), made)
    return tuple(alerts.values())


def _read_exit_code(section: Section) -> int | None:
    code = section.value("exit_code", EXIT_CODES, None)
    _warn_of_failure_code(code, section.key_line("exit_code"), section.key_path("exit_code"), section.findings)
    return code


def _with_outside(overall: Draft | None, outside: Outside, findings: Findings) -> Draft | None:
    """Lay flags and environment over the global scope; with an amount they make one where the file has none."""
    values = outside.values
    _warn_of_failure_code(values.exit_code, None, outside.said_by.get("exit_code", ""), findings)
    if overall is None and values.amount is None:
        for said_by in outside.said_by.values():
            findings.warning(None, said_by, "sets the global budget, and there is none; give it an amount")
        return None
    stated = {name: getattr(values, name) for name in outside.said_by}
    return replace(overall or Draft("global"), **stated)


# --- rules across scopes ----------------------------------------------------------------------


def _check_global(root: Section, overall: Draft | None, outside: Outside) -> None:
    if overall is not None and overall.amount != 0:
        return
    cause = "" if overall is None else f" ({outside.said_by.get('amount', overall.path + '.amount')} is 0)"
    for kind in _KINDS:
        if root.has(kind) and not root.is_empty(kind):
            message = f"needs an enabled global budget; give {root.path}.global an amount above 0{cause}"
            root.problem(kind, message)


def _check_currencies(
    overall: Draft | None, others: Iterable[Draft], default_currency: str, outside: Outside, findings: Findings
) -> None:
    if overall is None:
        return
    said_by = f" of {outside.said_by['currency']}" if "currency" in outside.said_by else ""
    for draft in others:
        if draft.currency is None or draft.currency == (overall.currency or default_currency):
            continue
        if overall.currency is not None:
            message = f"currency {draft.currency} does not match the global {overall.currency}{said_by}"
            findings.problem(draft.currency_line, draft.path, f"{message}; write {overall.currency} or leave it out")
        else:
            message = f"currency {draft.currency}, while the global budget names none and is read as {default_currency}"
            findings.warning(draft.currency_line, draft.path, message)


def _warn_of_ties(drafts: Sequence[Draft], findings: Findings) -> None:
    tags = sorted((d for d in drafts if d.scope_type == "tag" and d.amount), key=_report_order)
    for priority, group in groupby(tags, key=lambda draft: draft.priority):
        tied = list(group)
        if len(tied) > 1:
            names = ", ".join(f'"{draft.scope_key}"' for draft in tied)
            message = f"{names} share priority {priority}; where several match a charge, the first of them gets it"
            findings.warning(max(d.line or 0 for d in tied) or None, "cost.budgets.tags", message)


def _warn_of_failure_code(code: int | None, line: int | None, path: str, findings: Findings) -> None:
    if code in FAILURE_CODES:
        message = (
            f"{code} lies in 64 to 78, which failures use: a breach would look like one; write 0 to 63 or 79 to 255"
        )
        findings.warning(line, path, message)


def _id(draft: Draft) -> str:
    return f"{draft.scope_type}:{draft.scope_key}" if draft.scope_key else draft.scope_type


# --- resolving --------------------------------------------------------------------------------


def _resolve(
    root: Section, overall: Draft | None, others: Sequence[Draft], default_currency: str
) -> tuple[ScopeBudget, ...]:
    """Return the scopes in report order, with what they inherit."""
    currency = (overall.currency if overall else None) or default_currency
    exit_on_threshold = root.value("exit_on_threshold", fields.boolean, False)
    root_code = _read_exit_code(root)
    exit_code = DEFAULT_EXIT_CODE if root_code is None else root_code
    drafts = [*([overall] if overall else []), *others]
    return tuple(
        ScopeBudget(
            scope_type=draft.scope_type,
            scope_key=draft.scope_key,
            amount=draft.amount,
            currency=draft.currency or currency,
            period=draft.window.period,
            period_by=draft.window.period_by,
            starts=draft.window.starts,
            ends=draft.window.ends,
            planned=draft.limits.planned,
            rollover=draft.limits.rollover,
            parent=draft.limits.parent,
            basis=draft.basis,
            filter=draft.filter,
            alerts=draft.alerts,
            exit_on_threshold=exit_on_threshold if draft.exit_on_threshold is None else draft.exit_on_threshold,
            exit_code=exit_code if draft.exit_code is None else draft.exit_code,
            name=draft.name,
            owner=draft.owner,
            notify=draft.notify,
            priority=draft.priority,
        )
        for draft in sorted(drafts, key=_report_order)
        if draft.amount is not None
    )


def _report_order(draft: Draft) -> tuple[int, int, str]:
    """Global, providers A to Z, tags by priority (high first) then selector, types A to Z."""
    return ("global", "provider", "tag", "type").index(draft.scope_type), -draft.priority, draft.scope_key
