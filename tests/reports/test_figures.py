"""How a value reads, and that a hostile one only reads."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.reports.figures import Figures, clean, markdown
from pipeline.reports.model import Reason
from tests.reports.reading import as_html, tags, words
from tests.reports.warehouse import HOSTILE
from tests.soak import more

US = Figures.of("en_US")


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [
        ("1234567.895", "USD", "$1,234,567.90"),
        ("-12.5", "USD", "−$12.50"),
        ("0", "EUR", "€0.00"),
        ("0.004", "USD", "< $0.01"),
        ("0.005", "USD", "$0.01"),
        ("-0.0049", "USD", "> −$0.01"),
        ("1234.5", "JPY", "¥1,235"),
        ("0.4", "JPY", "< ¥1"),
        ("12.345", None, "12.35"),
        ("12.345", "<b>", "<b> 12.35"),
        ("123456789012345678.905", "USD", "$123,456,789,012,345,678.91"),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(value: str, currency: str | None, shown: str) -> None:
    assert US.money(Decimal(value), currency) == shown


def test_an_amount_follows_the_locale() -> None:
    assert Figures.of("de_DE").money(Decimal("-1234.5"), "EUR") == "−1.234,50\N{NO-BREAK SPACE}€"


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "de_CH", "fr_FR", "en_IN", "ja_JP", "ar_EG", "es_ES", "sv_SE"])
@given(units=st.integers(-(10**22), 10**22), currency=st.sampled_from(["USD", "JPY", "KWD", "INR", "XYZ"]))
@settings(max_examples=more(20, 500))
def test_a_learnt_spelling_writes_what_babel_writes(locale: str, units: int, currency: str) -> None:
    figures = Figures.of(locale)
    digits = get_currency_precision(currency)
    value = Decimal(units).scaleb(-digits)
    assert figures.money(value, currency) == format_currency(value, currency, locale=locale).replace("-", "−")
    pattern = figures.locale.percent_formats[None].pattern.replace("##0", "##0.0")
    share = Decimal(units % 99_999).scaleb(-1)
    assert figures.percent(share) == format_percent(share / 100, pattern, locale=locale).replace("-", "−")
    assert figures.count(units) == format_decimal(units, "#,##0", locale=locale).replace("-", "−")


def test_nothing_reads_as_a_dash() -> None:
    assert [US.money(None, "USD"), US.percent(None), US.change(None), US.date(None), US.moment(None)] == ["–"] * 5


@pytest.mark.parametrize(("value", "shown"), [("3", "+$3.00"), ("-3", "−$3.00"), ("0", "$0.00"), ("0.001", "< $0.01")])
def test_a_change_of_money_has_a_sign(value: str, shown: str) -> None:
    assert US.signed(Decimal(value), "USD") == shown


@pytest.mark.parametrize(
    ("value", "shown"), [("12.45", "12.4%"), ("-0.04", "0.0%"), ("-4.25", "−4.2%"), ("123456.7", "123,457%")]
)
def test_a_percentage_has_one_decimal_and_no_negative_zero(value: str, shown: str) -> None:
    assert US.percent(Decimal(value)) == shown


def test_a_budget_not_used_up_never_reads_100_percent() -> None:
    assert US.floor_percent(Decimal("99.999999")) == "99.9%"


@pytest.mark.parametrize(
    ("value", "shown"), [("2000", "$2K"), ("2500", "$2.5K"), ("0", "$0"), ("1000000", "$1M"), ("0.5", "$0.5")]
)
def test_an_axis_label_is_short(value: str, shown: str) -> None:
    assert US.round_money(Decimal(value), "USD") == shown


def test_the_reasons_of_a_change_read_as_words_and_leave_out_what_rounds_away() -> None:
    pairs = (("usage", "-3"), ("price", "0.004"), ("credit", "-20.5"), ("new", "812"))
    reasons = [Reason(name, Decimal(change)) for name, change in pairs]
    assert US.reasons(reasons, "USD") == "+$812.00 new, −$20.50 credits, −$3.00 usage"


def test_days_and_times_read_as_words() -> None:
    moment = datetime(2026, 3, 21, 6, 5)
    assert US.date(date(2026, 3, 21)) == "Mar 21, 2026"
    assert US.moment(moment) == "Mar 21, 2026, 06:05 UTC"
    assert US.month("2026-03") == "March 2026"


def test_exact_amounts_keep_every_decimal() -> None:
    assert US.exact(Decimal("-26464.558561280000000001")) == "−26464.558561280000000001"


def test_a_missing_name_says_so() -> None:
    assert US.label(None) == US.label(" ") == "(not named)"


def test_a_long_name_is_cut() -> None:
    assert clean("N" * 10_000) == "N" * 199 + "…"


@pytest.mark.parametrize("steering", ["\u202e", "\u2066", "\u200f", "\x1b", "\x00", "\x85", "\u2028", "\ufeff"])
def test_what_steers_the_display_is_made_visible(steering: str) -> None:
    assert clean(f"a{steering}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_a_name_stays_on_one_line() -> None:
    assert clean("a\r\n\tb\nc") == "a b c"


@pytest.mark.parametrize(
    "value", [*HOSTILE, "1. one", "- x", "+ x", "# x", "---", "===", "> x", "![i](x)", "~~s~~", "a\\|b"]
)
@pytest.mark.parametrize("line", ["{}", "- {}", "| {} | x |\n| - | - |\n| {} | x |", "**{}**"])
def test_a_name_marks_nothing_up_in_markdown(value: str, line: str) -> None:
    name = clean(value)
    html = as_html(line.replace("{}", markdown(name)))
    assert tags(html) <= {"p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "strong"}
    assert name in words(html)


def test_a_pipe_makes_no_further_cell() -> None:
    html = as_html(f"| a | b |\n| - | - |\n| {markdown('x|y')} | z |")
    assert html.count("<td>") == 2


@pytest.mark.parametrize("link", ["https://evil.example", "HTTP://x.y", "www.evil.example", "mailto:a@b.c"])
def test_an_address_is_no_link_in_markdown(link: str) -> None:
    assert link not in markdown(link)


def test_a_dollar_sign_is_escaped_in_names_and_kept_in_amounts() -> None:
    assert markdown("$a$") == r"\$a\$"
    assert markdown(US.money(Decimal(1), "USD")) == "$1.00"
