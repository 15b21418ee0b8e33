"""Which budgets receive a charge (SPEC 3.3): global, its provider's, its type's, and one tag budget.

Tag budgets are decided in Python once per distinct tag set, then joined; everything else is grouped by Polars, lazily:
such sums of money raise ``polars.exceptions.ComputeError`` past 20 digits before the point instead of wrapping.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.budgets import filters, windows
from pipeline.budgets.apart import GRAIN, with_usage, within
from pipeline.budgets.model import Allocation
from pipeline.config.budgets import COSTS, ScopeBudget, ScopeType
from pipeline.money import NO_CURRENCY
from pipeline.periods import Window, label

_ORDER: tuple[ScopeType, ...] = ("global", "provider", "tag", "type", "policy", "managed")

#: How a matching tag budget is ranked: its priority negated, then its selector.
_Place = tuple[int, str]


def report_order(scopes: Iterable[ScopeBudget]) -> list[ScopeBudget]:
    """Sort as every report does: global, providers A to Z, tags by priority (high first) then selector, types A to Z;
    policies by priority (high first) and id, managed budgets by id."""
    return sorted(scopes, key=lambda scope: (_ORDER.index(scope.scope_type), -scope.priority, scope.scope_key))


@dataclass(frozen=True)
class TagMatch:
    """What a tag set matches: places of tag budgets, the winner first, and why that one when it was not clear."""

    places: tuple[_Place, ...] = ()
    warning: str | None = None

    @property
    def selectors(self) -> tuple[str, ...]:
        """The selectors, the winner first."""
        return tuple(selector for _, selector in self.places)

    @property
    def winner(self) -> str | None:
        """The selector that receives the charges; None when nothing matches."""
        return self.places[0][1] if self.places else None


@dataclass(frozen=True)
class TagBudgets:
    """The enabled tag budgets, ready to match; a disabled one wins nothing. Matching is case-sensitive."""

    scopes: Sequence[ScopeBudget]
    _by_key: dict[str, dict[str, _Place]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for scope in self.scopes:
            if scope.scope_type == "tag" and scope.enabled:
                key, _, value = scope.scope_key.partition(":")
                self._by_key.setdefault(key, {})[value] = (-scope.priority, scope.scope_key)

    def match(self, tags: str | None) -> TagMatch:
        """Match the canonical JSON of a tag set; None stands for no tags. ``key:*`` needs the key, not a value."""
        return _decided(self._places(json.loads(tags))) if tags else TagMatch()

    def match_all(self, column: pl.Series) -> dict[str, TagMatch]:
        """Match every distinct tag set of a column once; sets that match nothing are left out."""
        if not self._by_key:
            return {}
        distinct = column.drop_nulls().unique().to_list()
        decided: dict[tuple[_Place, ...], TagMatch] = {}
        matches = {}
        # One list of all sets is decoded several times faster than each by itself.
        for text, tags in zip(distinct, json.loads(f"[{','.join(distinct)}]"), strict=True):
            if places := self._places(tags):
                matches[text] = decided.get(places) or decided.setdefault(places, _decided(places))
        return matches

    def _places(self, tags: Mapping[str, str]) -> tuple[_Place, ...]:
        """The priorities (negated) and selectors that match, the winner first."""
        found: set[_Place] = set()
        for key, value in tags.items():
            if by_value := self._by_key.get(key):
                found.update(by_value[name] for name in (value, "*") if name in by_value)
        return tuple(sorted(found))


def allocate(
    daily: pl.DataFrame,
    scopes: Sequence[ScopeBudget],
    matches: Mapping[str, TagMatch],
    spans: Mapping[str, Window] | None = None,
) -> pl.DataFrame:
    """Give every charge in full to each budget that counts it.

    Args:
        daily: rows of ``daily_costs``.
        scopes: all budgets; disabled ones receive nothing, one with dates only what lies in its windows.
        matches: ``TagBudgets.match_all`` of the column x_ReportedTags.
        spans: by budget id from when to when its charges are asked of; others' are left out. None: all of every budget.

    Returns:
        Columns budget_id, x_BillingPeriod, BillingCurrency (NO_CURRENCY for NULL), x_Source, ChargeDay (Date), x_Usage
        (Boolean: ChargeCategory Usage and no Correction), x_Cost (Decimal(38, 18), the cost of its basis, summed). Scopes overlap: the sum of
        all rows is no total.
    """
    enabled = [scope for scope in scopes if scope.enabled]
    facts = _with_winners(with_usage(_flagged(daily, enabled)), enabled, matches, "x_ReportedTags")
    flags = [_flag(scope) for scope in enabled if is_conditional(scope)]
    by_cost = {cost: [s.budget_id for s in enabled if COSTS[s.basis] == cost] for cost in COSTS.values()}
    sums = [pl.col(cost).sum() for cost, its in by_cost.items() if its or cost == "BilledCost"]
    facts = facts.group_by(*GRAIN, "x_Provider", "x_ResourceType", "x_TagBudget", *flags).agg(sums)
    parts = _received_by(facts.lazy(), enabled)
    received = pl.concat(part.group_by("budget_id", *GRAIN).agg(sums) for part in parts)
    own = [pl.when(pl.col("budget_id").is_in(its)).then(pl.col(cost)) for cost, its in by_cost.items() if its]
    cost = pl.coalesce(own) if own else pl.col("BilledCost")
    return within(received, enabled, spans).select("budget_id", *GRAIN, cost.alias("x_Cost")).collect()


def is_conditional(scope: ScopeBudget) -> bool:
    """Whether a budget counts only some of the charges of its scope."""
    return scope.has_dates or scope.filter is not None


def found_ties(daily: pl.DataFrame, scopes: Sequence[ScopeBudget], matches: Mapping[str, TagMatch]) -> tuple[str, ...]:
    """Return each tie that decided something among the charges of ``daily``, once, sorted."""
    enabled = [scope for scope in scopes if scope.enabled]
    combinations = _combinations(_flagged(daily, enabled), enabled, "x_ReportedTags")
    decided = (_among(matches.get(tags or ""), absent) for tags, absent in _excluded(combinations, enabled))
    return tuple(sorted({match.warning for match in decided if match.warning}))


def _received_by(facts: pl.LazyFrame, enabled: Sequence[ScopeBudget]) -> list[pl.LazyFrame]:
    """Give each charge once per budget that receives it, its id as ``budget_id``."""
    plain = [scope.budget_id for scope in enabled if not is_conditional(scope)]
    parts = [facts.with_columns(budget_id=its).filter(pl.col("budget_id").is_in(plain)) for its in _budget_ids()]
    return parts + [
        facts.filter(pl.col(_flag(scope)) & _in_scope(scope)).with_columns(budget_id=pl.lit(scope.budget_id))
        for scope in enabled
        if is_conditional(scope)
    ]


def _in_scope(scope: ScopeBudget) -> pl.Expr:
    """Whether a charge is in a budget's scope; everything is, where its filter alone says what counts."""
    columns = {"provider": "x_Provider", "tag": "x_TagBudget", "type": "x_ResourceType"}
    return pl.col(columns[scope.scope_type]) == scope.scope_key if scope.scope_type in columns else pl.lit(True)


def _with_winners(
    facts: pl.DataFrame, enabled: Sequence[ScopeBudget], matches: Mapping[str, TagMatch], tags: str
) -> pl.DataFrame:
    """Add ``x_TagBudget``: decided once per tag set and flags of tag budgets."""
    found = _combinations(facts, enabled, tags)
    winners = [_among(matches.get(own or ""), absent).winner for own, absent in _excluded(found, enabled)]
    decided = found.with_columns(pl.Series("x_TagBudget", winners, dtype=pl.String))
    return facts.join(decided, on=found.columns, how="left", nulls_equal=True)


def _flagged(facts: pl.DataFrame, enabled: Sequence[ScopeBudget]) -> pl.DataFrame:
    """Add, for each conditional budget, whether it counts the charge."""
    facts = filters.with_tags(facts, enabled)
    return facts.with_columns(**{_flag(scope): _counts(scope) for scope in enabled if is_conditional(scope)})


def _combinations(facts: pl.DataFrame, enabled: Sequence[ScopeBudget], tags: str) -> pl.DataFrame:
    flags = [_flag(scope) for scope in enabled if scope.scope_type == "tag" and is_conditional(scope)]
    return facts.select(tags, *flags).unique()


def _excluded(
    combinations: pl.DataFrame, enabled: Sequence[ScopeBudget]
) -> Iterator[tuple[str | None, frozenset[str]]]:
    """Give each combination's tags with the selectors that do not count it."""
    selectors = {_flag(scope): scope.scope_key for scope in enabled}
    for tags, *flags in combinations.iter_rows():
        pairs = zip(combinations.columns[1:], flags, strict=True)
        yield tags, frozenset(selectors[name] for name, counts in pairs if not counts)


def _among(match: TagMatch | None, excluded: frozenset[str]) -> TagMatch:
    """Decide anew among the budgets that count a charge."""
    if match is None or not excluded.intersection(match.selectors):
        return match or TagMatch()
    return _decided(tuple(place for place in match.places if place[1] not in excluded))


def _counts(scope: ScopeBudget) -> pl.Expr:
    """Whether a budget counts a charge by its filter and its dates."""
    passes = pl.lit(True) if scope.filter is None else filters.expression(scope.filter)
    if not scope.has_dates:
        return passes
    start, end = windows.counted_span(scope)
    if scope.period_by == "billing":
        labels = pl.col("x_BillingPeriod")
        return passes & (labels >= label(start)) & (labels < label(end))
    return passes & (pl.col("ChargeDay") >= start.date()) & (pl.col("ChargeDay") < end.date())


def _flag(scope: ScopeBudget) -> str:
    return f"counts {scope.budget_id}"


def matched_resources(
    resources: pl.DataFrame, scopes: Sequence[ScopeBudget], matches: Mapping[str, TagMatch]
) -> dict[str, int]:
    """Count the distinct resources of each enabled budget of ``counting_resources``; those without charges are left out.

    A resource is a provider and a ResourceId: another name, account, source or tag set makes no new one.

    Args:
        resources: ``resource_costs`` with x_Provider, ResourceId, x_ResourceType and Tags.
        matches: ``TagBudgets.match_all`` of the column Tags.
    """
    counting = counting_resources(scopes)
    enabled = [scope for scope in scopes if scope.enabled and scope.budget_id in counting]
    facts = _flagged(resources.filter(pl.col("ResourceId").is_not_null()), enabled)
    facts = _with_winners(facts, enabled, matches, "Tags")
    counts = pl.concat(
        part.select("budget_id", "x_Provider", "ResourceId").unique().group_by("budget_id").agg(pl.len())
        for part in _received_by(facts.lazy(), enabled)
    ).collect()
    return dict(counts.iter_rows())


def counting_resources(scopes: Sequence[ScopeBudget]) -> frozenset[str]:
    """Return the ids of the budgets whose resources those by billing period tell: they know no days, and nothing of what
    filters ask."""
    rivals = [other for other in scopes if other.enabled and other.scope_type == "tag"]
    known = all(other.filter is None and (other.period_by == "billing" or not other.has_dates) for other in rivals)
    return frozenset(
        scope.budget_id
        for scope in scopes
        if scope.filter is None and scope.period_by == "billing" and (scope.scope_type != "tag" or known)
    )


def explain(
    resources: pl.DataFrame, scopes: Sequence[ScopeBudget], matches: Mapping[str, TagMatch]
) -> tuple[Allocation, ...]:
    """Say for each resource which budgets received its cost, by provider, type, resource and currency.

    Args:
        resources: ``resource_costs`` with x_Provider, ResourceId, ResourceName, x_ResourceType and Tags.
        matches: ``TagBudgets.match_all`` of the column Tags.
    """
    distinct = sorted(set(matches.values()), key=lambda match: match.selectors)
    number = {match: position for position, match in enumerate(distinct)}
    numbered = pl.DataFrame(
        {"Tags": list(matches), "x_Match": [number[match] for match in matches.values()]},
        schema={"Tags": pl.String, "x_Match": pl.Int64},
    )
    keys = ["x_Provider", "x_ResourceType", "ResourceId", "BillingCurrency", "x_Match"]
    rows = (
        resources.lazy()
        .join(numbered.lazy(), on="Tags", how="left")
        .with_columns(pl.col("BillingCurrency").fill_null(NO_CURRENCY))
        .group_by(keys)
        .agg(pl.col("ResourceName").max(), pl.col("BilledCost").sum())
        .sort(keys, nulls_last=True)
        .collect()
    )
    enabled = {scope.budget_id for scope in scopes if scope.enabled}
    none = TagMatch()
    return tuple(
        Allocation(
            resource_id=row["ResourceId"],
            resource_name=row["ResourceName"],
            resource_type=row["x_ResourceType"],
            provider=row["x_Provider"],
            cost=row["BilledCost"],
            currency=row["BillingCurrency"],
            allocated_scopes=_received(row["x_Provider"], match.winner, row["x_ResourceType"], enabled),
            matched_tags=match.selectors,
            selected_tag_budget=match.winner,
            warnings=(match.warning,) if match.warning else (),
        )
        for row in rows.iter_rows(named=True)
        for match in (none if row["x_Match"] is None else distinct[row["x_Match"]],)
    )


def read_allocations(scopes: Sequence[ScopeBudget], received: Iterable[Mapping[str, Any]]) -> tuple[Allocation, ...]:
    """Return what ``charges.received`` found as allocations; ``scopes`` in report order."""
    rank = {scope.scope_key: (-scope.priority, scope.scope_key) for scope in scopes if scope.scope_type == "tag"}
    others = {scope.budget_id: COSTS[scope.basis] for scope in scopes if scope.basis != "billed"}
    found = []
    for row in received:
        match = _decided(tuple(rank[selector] for selector in row["matches"]))
        found.append(
            Allocation(
                resource_id=row["ResourceId"],
                resource_name=row["ResourceName"],
                resource_type=row["x_ResourceType"],
                provider=row["x_Provider"],
                cost=row["BilledCost"],
                currency=row["BillingCurrency"],
                allocated_scopes=tuple(row["received"]),
                matched_tags=match.selectors,
                selected_tag_budget=match.winner,
                warnings=(match.warning,) if match.warning else (),
                other_costs=tuple((name, row[others[name]]) for name in row["received"] if name in others),
                origin=row["x_Origin"],
            )
        )
    return tuple(found)


def _received(provider: str | None, selector: str | None, type_: str | None, enabled: set[str]) -> tuple[str, ...]:
    ids = ("global", f"provider:{provider}", f"tag:{selector}", f"type:{type_}")
    known = (True, provider is not None, selector is not None, type_ is not None)
    return tuple(name for name, there in zip(ids, known, strict=True) if there and name in enabled)


def _budget_ids() -> tuple[pl.Expr, ...]:
    """The budgets that a row may go to, in the order of ``_ORDER``; NULL where it has no such property."""
    return (
        pl.lit("global"),
        pl.lit("provider:") + pl.col("x_Provider"),
        pl.lit("tag:") + pl.col("x_TagBudget"),
        pl.lit("type:") + pl.col("x_ResourceType"),
    )


def _winners(matches: Mapping[str, TagMatch], column: str) -> pl.DataFrame:
    return pl.DataFrame(
        {column: list(matches), "x_TagBudget": [match.winner for match in matches.values()]},
        schema={column: pl.String, "x_TagBudget": pl.String},
    )


def _decided(places: tuple[_Place, ...]) -> TagMatch:
    if not places:
        return TagMatch()
    tied = [selector for priority, selector in places if priority == places[0][0]]
    warning = _tie(tied, -places[0][0]) if len(tied) > 1 else None
    return TagMatch(places, warning)


def _tie(selectors: Sequence[str], priority: int) -> str:
    names = ", ".join(repr(selector) for selector in selectors[:-1]) + f" and {selectors[-1]!r}"
    return f"tag budgets {names} match the same charges with priority {priority}; {selectors[0]!r} receives them"
