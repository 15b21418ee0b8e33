"""What the page's script reads: services and resources as compact JSON, and how this report writes its figures.

Names stand in lists of their own and are referred to by their place, resource ids without what they begin with alike;
amounts are exact decimals as text, empty where they are the billed amount once more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from pipeline import money
from pipeline.reports.figures import Figures, is_code
from pipeline.reports.model import Amounts, CurrencySection, Drill, ReportContext

#: What a script element's text must not say: JSON writes it another way.
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"}
#: Formatted, it shows all that a figure is spelled with: its groups of digits, its decimals, what stands around it.
_SAMPLE = Decimal("1111111111.11")


def services_data(report: ReportContext, figures: Figures) -> Markup:
    """Return all services of each currency, and the spelling of figures: what the page needs as it opens."""
    return _embedded([_services(section, figures) for section in report.sections])


def resources_data(report: ReportContext, figures: Figures) -> Markup:
    """Return all resources of each currency by service: what the page reads once somebody asks for it."""
    return _embedded([_resources(section.drill, figures) for section in report.sections])


def spelling(positive: str, negative: str, digits: int) -> dict[str, Any]:
    """Tell how a figure is written from two written samples, of 1111111111.11 and its negative, with ``digits`` decimals."""
    first, last = re.search(r"\d", positive), re.search(r"\d(?=\D*$)", positive)
    start, end = first.start() if first else 0, last.end() if last else 0
    signed = re.search(r"\d", negative)
    signs = re.findall(r"\D+", positive[start:end])
    runs = [len(run) for run in re.findall(r"\d+", positive[start:end])]
    groups = runs[:-1] if digits else runs
    return {
        "digits": digits,
        "decimal": signs[-1] if digits else "",
        "group": signs[0] if len(groups) > 1 else "",
        "sizes": [groups[-1], groups[-2] if len(groups) > 2 else groups[-1]],
        "positive": [positive[:start], positive[end:]],
        "negative": [negative[: signed.start() if signed else 0], negative[len(negative) - len(_tail(negative)) :]],
    }


def _tail(text: str) -> str:
    return re.split(r"\d", text)[-1]


def _money(currency: str | None, figures: Figures) -> dict[str, Any]:
    """How amounts are written. What stands for a currency may hold digits, where it is none: it is set before them here."""
    has_sign = is_code(currency)
    positive, negative = (figures.money(own, currency if has_sign else None) for own in (_SAMPLE, -_SAMPLE))
    written = spelling(positive, negative, len(re.findall(r"\d", positive)) - 10)
    if currency and not has_sign:
        name = figures.money(_SAMPLE, currency).removesuffix(positive)
        for sign in ("positive", "negative"):
            written[sign][0] = name + written[sign][0]
    return written


def _services(section: CurrencySection, figures: Figures) -> dict[str, Any]:
    drill = section.drill
    categories = _Words()
    rows = [
        [
            categories.place(figures.label(own.category, "(no category)")),
            figures.label(own.name, "(no service)"),
            own.resources,
            _texts(own.costs),
            _texts(own.unattached),
        ]
        for own in drill.services
    ]
    count, percent = Decimal(1111111111), Decimal("1111.1")
    return {
        "money": _money(section.currency, figures),
        "count": spelling(figures.count(count), figures.count(-count), 0),
        "percent": spelling(figures.percent(percent), figures.percent(-percent), 1),
        "total": _texts(drill.total),
        "unattached": _texts(drill.unattached),
        "left": [drill.left_count, _texts(drill.left)],
        "categories": categories.words,
        "services": rows,
        "resources": len(drill.resources.id),
    }


def _resources(drill: Drill, figures: Figures) -> dict[str, Any]:
    names, lines = drill.resources, drill.lines
    prefixes, types, accounts, regions = _Words(), _Words(), _Words(), _Words()
    ids = [figures.label(own) for own in names.id]
    cuts = [max(own.rfind("/"), own.rfind(":")) + 1 for own in ids]
    return {
        "prefixes": prefixes.words,
        "types": types.words,
        "accounts": accounts.words,
        "regions": regions.words,
        "prefix": [prefixes.place(own[:cut]) for own, cut in zip(ids, cuts, strict=True)],
        "id": [own[cut:] for own, cut in zip(ids, cuts, strict=True)],
        "name": [figures.label(own, "") if own else "" for own in names.name],
        "type": types.labels(names.type, figures),
        "account": accounts.labels(names.account, figures),
        "region": regions.labels(names.region, figures),
        "resource": lines.resource,
        "service": lines.service,
        "billed": lines.billed,
        "effective": _unless_same(lines.effective, lines.billed),
        "list": _unless_same(lines.list, lines.billed),
    }


def _texts(own: Amounts) -> list[str]:
    return [money.text(own.billed), money.text(own.effective), money.text(own.list)]


def _unless_same(amounts: Sequence[str], billed: Sequence[str]) -> list[str]:
    return ["" if own == like else own for own, like in zip(amounts, billed, strict=True)]


class _Words:
    """A list of different words, and the place of each."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, word: str) -> int:
        """Return the word's place, which it gets when it is new."""
        if word not in self._places:
            self._places[word] = len(self.words)
            self.words.append(word)
        return self._places[word]

    def labels(self, names: Iterable[str | None], figures: Figures) -> list[int]:
        """Return the places of the names as they are shown, empty where there is none."""
        known: dict[str | None, int] = {}
        for name in names:
            if name not in known:
                known[name] = self.place(figures.label(name, ""))
        return [known[name] for name in names]


def _embedded(value: Any) -> Markup:
    """JSON that no text in it can leave: neither an end tag nor a comment can be written with what is left."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES))
