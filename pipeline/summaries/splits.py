"""Shared costs divided among the values of a tag key: parts that sum to the whole, to the last digit.

All arithmetic is on whole numbers of 10^-18, the last digit that the store keeps; what a division leaves over goes to
the largest remainders, one digit each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from pipeline import money
from pipeline.focus import COSTS
from pipeline.rules import Split

NO_TARGET = "no charge that is not shared has a value of the tag {key!r}: there is nobody to share with"
NO_BASIS = "no target has a basis above 0: the sum of {basis} over the charges that count"


@dataclass(frozen=True)
class Shared:
    """Charges that a rule shares: those of one source, resource, service and tag set in one currency."""

    currency: str | None
    rule: int
    source: str
    resource_key: str | None
    service: str | None
    tag_set_id: str | None
    costs: tuple[Decimal, ...]
    charges: int
    overlapping: int


@dataclass(frozen=True)
class Group:
    """Charges that are equal in all that splits ask of them.

    Attributes:
        rule: index of the rule that shares them, None when none does.
        values: of the tag keys, in the order of ``Bill.keys``; None without the key.
        in_basis: for each rule whether it counts them in its basis.
    """

    currency: str | None
    rule: int | None
    values: tuple[str | None, ...]
    in_basis: tuple[bool, ...]
    costs: tuple[Decimal, ...]


@dataclass(frozen=True)
class Part:
    """What one target receives of one ``Shared``."""

    shared: Shared
    target: str
    weight: Decimal
    weights: Decimal
    costs: tuple[Decimal, ...]


@dataclass(frozen=True)
class RuleResult:
    """What one rule did in one currency; ``unsplit`` says why it could not divide, None when it did."""

    currency: str | None
    rule: int
    targets: int
    costs: tuple[Decimal, ...]
    charges: int
    overlapping: int
    unsplit: str | None


@dataclass(frozen=True)
class ValueTotal:
    """One tag value after shared costs: ``own`` and ``received`` are the four costs each."""

    currency: str | None
    key: str
    value: str | None
    own: tuple[Decimal, ...]
    received: tuple[Decimal, ...]


@dataclass
class Divided:
    """The answer: parts, rules and values, each sorted."""

    parts: list[Part] = field(default_factory=list)
    rules: list[RuleResult] = field(default_factory=list)
    values: list[ValueTotal] = field(default_factory=list)


def divide(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide whole units by weights (0 or more, not all 0): the parts sum to ``amount``, each within 1 of its share.

    The largest remainder gets the next unit, at equal remainders the first; a negative amount is divided as its
    opposite. Weight 0 receives nothing.
    """
    whole, sign = sum(weights), -1 if amount < 0 else 1
    shares = [divmod(abs(amount) * weight, whole) for weight in weights]
    left = abs(amount) - sum(share for share, _ in shares)
    first = sorted(range(len(weights)), key=lambda at: (-shares[at][1], at))[:left]
    more = set(first)
    return [sign * (share + (at in more)) for at, (share, _) in enumerate(shares)]


def split_costs(
    splits: Sequence[Split], keys: Sequence[str], shared: Iterable[Shared], groups: Iterable[Group]
) -> Divided:
    """Divide what is shared; what cannot be divided stays where it is, with the reason.

    Args:
        splits: the rules, in their order.
        keys: the tag keys that they divide by: what ``Group.values`` are of.
        shared: of one billing period.
        groups: all its charges, the shared ones too.

    Returns:
        Per currency and key the values' own and received costs sum to the whole bill.
    """
    with localcontext(money.EXACT):
        rows, all_groups, answer = list(shared), list(groups), Divided()
        by_rule: dict[tuple[str | None, int], list[Shared]] = defaultdict(list)
        for row in rows:
            by_rule[row.currency, row.rule].append(row)
        for (currency, rule), own in sorted(by_rule.items(), key=lambda item: (item[0][0] or "", item[0][1])):
            found = [group for group in all_groups if group.currency == currency]
            _apply(answer, splits, keys, currency, rule, own, found)
        answer.values = _values(splits, keys, answer, all_groups)
        return answer


def _apply(
    answer: Divided,
    splits: Sequence[Split],
    keys: Sequence[str],
    currency: str | None,
    rule: int,
    rows: Sequence[Shared],
    groups: Sequence[Group],
) -> None:
    """Divide the charges that one rule shares in one currency."""
    split = splits[rule]
    weights = _weights(split, rule, keys.index(split.key), groups)
    reason = None
    if not weights:
        reason = (NO_BASIS if split.by == "proportional" else NO_TARGET).format(key=split.key, basis=split.basis)
    units = {target: _units(weight) for target, weight in sorted(weights.items())}
    total = sum(weights.values(), money.ZERO)
    for row in rows if weights else ():
        columns = [divide(_units(cost), list(units.values())) for cost in row.costs]
        for at, target in enumerate(units):
            costs = tuple(_amount(column[at]) for column in columns)
            if any(costs):
                answer.parts.append(Part(row, target, weights[target], total, costs))
    answer.rules.append(
        RuleResult(
            currency,
            rule,
            len(weights),
            _added(row.costs for row in rows),
            sum(row.charges for row in rows),
            sum(row.overlapping for row in rows),
            reason,
        )
    )


def _weights(split: Split, rule: int, key: int, groups: Sequence[Group]) -> dict[str, Decimal]:
    """The targets and their weights; none when there is nothing to go by."""
    if split.by == "fixed" or (split.by == "even" and split.to):
        return dict(split.to)
    unshared = [group for group in groups if group.rule is None]
    if split.by == "even":
        return {value: Decimal(1) for group in unshared if (value := group.values[key]) is not None}
    cost = COSTS.index(split.basis)
    basis: dict[str, Decimal] = defaultdict(Decimal)
    for group in unshared:
        value = group.values[key]
        if value is not None and group.in_basis[rule]:
            basis[value] += group.costs[cost]
    wanted = {target for target, _ in split.to}
    return {value: sum_ for value, sum_ in basis.items() if sum_ > 0 and (not wanted or value in wanted)}


def _values(splits: Sequence[Split], keys: Sequence[str], answer: Divided, groups: Sequence[Group]) -> list[ValueTotal]:
    """Each key's values: what they cost without what is shared out, and what they received."""
    divided = {(result.currency, result.rule) for result in answer.rules if result.unsplit is None}
    matched = {(result.currency, splits[result.rule].key) for result in answer.rules}
    own: dict[tuple[str | None, str, str | None], tuple[Decimal, ...]] = {}
    received: dict[tuple[str | None, str, str | None], tuple[Decimal, ...]] = {}
    nothing = (money.ZERO,) * len(COSTS)
    for at, key in enumerate(keys):
        for group in groups:
            is_out = (
                group.rule is not None and splits[group.rule].key == key and (group.currency, group.rule) in divided
            )
            if (group.currency, key) in matched and not is_out:
                name = (group.currency, key, group.values[at])
                own[name] = _added((own.get(name, nothing), group.costs))
    for part in answer.parts:
        name = (part.shared.currency, splits[part.shared.rule].key, part.target)
        received[name] = _added((received.get(name, nothing), part.costs))
    names = sorted({*own, *received}, key=lambda name: (name[0] or "", name[1], name[2] is None, name[2] or ""))
    return [ValueTotal(*name, own.get(name, nothing), received.get(name, nothing)) for name in names]


def tag_keys(splits: Sequence[Split]) -> tuple[str, ...]:
    """The tag keys that rules divide by, each once, in the rules' order."""
    return tuple(dict.fromkeys(split.key for split in splits))


def warnings(result: RuleResult, splits: Sequence[Split], period: str) -> list[str]:
    """What a person should know of a rule: what it could not divide, and whose charges it shares with another rule."""
    split, where = splits[result.rule], f"{period} {result.currency or 'without a currency'}"
    told = []
    if result.unsplit:
        amount = money.text(result.costs[0])
        told.append(f"split {split.name!r} of {where}: {amount} billed stay where they are: {result.unsplit}")
    if result.overlapping:
        told.append(
            f"split {split.name!r} of {where}: {result.overlapping} of its charges match a later rule too; "
            "the first rule that matches has them"
        )
    return told


def _added(costs: Iterable[Sequence[Decimal]]) -> tuple[Decimal, ...]:
    return tuple(sum(column, money.ZERO) for column in zip(*costs, strict=True))


def _units(amount: Decimal) -> int:
    return int(amount.scaleb(money.SCALE))


def _amount(units: int) -> Decimal:
    return Decimal(units).scaleb(-money.SCALE)
