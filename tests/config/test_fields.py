"""What the text of a value means to its field."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import money
from pipeline.config import fields
from pipeline.sources.formats import FORMATS


@given(st.decimals(min_value=0, max_value=10**19, places=18, allow_nan=False, allow_infinity=False))
def test_an_amount_is_kept_to_the_last_digit(value: Decimal) -> None:
    assert fields.amount(str(value)) == value
    assert fields.amount(money.text(value)) == value


@pytest.mark.parametrize(
    ("text", "value"), [("0.1", "0.1"), ("1e3", "1000"), ("2.5E-3", "0.0025"), (".5", "0.5"), ("0e99", "0")]
)
def test_an_amount_may_be_written_in_these_ways(text: str, value: str) -> None:
    assert fields.amount(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "1_000",
        "1,000",
        "0x10",
        "0o7",
        ".nan",
        ".inf",
        "-.inf",
        "NaN",
        "Infinity",
        "$5",
        "5 USD",
        "",
        " ",
        "--1",
        "1e",
        "٣",
        "true",
    ],
)
def test_what_is_no_number_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="is no number; write digits"):
        fields.amount(text)


@pytest.mark.parametrize(
    "text", ["-1", "-0.000000000000000001", "1e20", "1e999", "1e9999", "1e-19", "1e-9999", "0.1234567890123456789"]
)
def test_an_amount_that_money_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"negative|more than|out of range"):
        fields.amount(text)


@pytest.mark.parametrize(
    ("text", "value"), [("0", "0"), ("1%", "0.01"), ("0.01", "0.01"), ("100%", "1"), ("12.5 %", "0.125"), ("1", "1")]
)
def test_a_share_is_a_fraction_or_percent(text: str, value: str) -> None:
    assert fields.share(text) == Decimal(value)


@pytest.mark.parametrize("text", ["10", "101%", "-1%", "%", "1%%", "ten"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        fields.share(text)


@pytest.mark.parametrize("text", ["0", "1000", "99.999999", "1e2"])
def test_a_threshold_is_percent_up_to_a_thousand(text: str) -> None:
    assert fields.threshold(text) == Decimal(text)


@pytest.mark.parametrize("text", ["-1", "1000.1", "80%", "0.0000001", "nan"])
def test_another_threshold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"out of range|percent sign|digits"):
        fields.threshold(text)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("TRUE", True), ("False", False)])
def test_a_switch_is_true_or_false(text: str, value: bool) -> None:
    assert fields.boolean(text) is value


@pytest.mark.parametrize("text", ["yes", "no", "on", "off", "1", "0", "y", ""])
def test_a_switch_is_no_other_word(text: str) -> None:
    with pytest.raises(ValueError, match="is neither true nor false"):
        fields.boolean(text)


@given(st.integers())
def test_a_whole_number_is_taken_within_its_bounds_only(value: int) -> None:
    parse = fields.integer(0, 255)
    if 0 <= value <= 255:
        assert parse(str(value)) == value
    else:
        with pytest.raises(ValueError, match="is no whole number from 0 to 255"):
            parse(str(value))


@pytest.mark.parametrize("text", ["1.0", "1e1", "1_0", "0x1", "", "٣", "9" * 5000])
def test_another_way_to_write_a_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no whole number"):
        fields.integer(0, 255)(text)


@pytest.mark.parametrize(("text", "mode"), [("0444", 0o444), ("444", 0o444), ("0o440", 0o440), ("0400", 0o400)])
def test_a_mode_is_octal(text: str, mode: int) -> None:
    assert fields.file_mode(text) == mode


@pytest.mark.parametrize("text", ["0644", "0666", "0044", "0000", "0555", "0448", "4440", "rw-r--r--", "-444"])
def test_a_mode_that_is_not_read_only_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="0444"):
        fields.file_mode(text)


def test_a_currency_in_small_letters_is_told_the_capitals() -> None:
    with pytest.raises(ValueError, match="'eur' is no ISO 4217 code; write EUR"):
        fields.currency_code("eur")


@pytest.mark.parametrize("text", ["EURO", "US", "XXX", "XTS", "$", "", "US1"])
def test_what_is_no_currency_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no ISO 4217 code; write one such as USD or EUR"):
        fields.currency_code(text)


@pytest.mark.parametrize("text", ["team:*", "team:ml", "a-b_c:D-1_2", "no:on"])
def test_a_selector_is_a_key_and_a_value_or_a_star(text: str) -> None:
    assert fields.selector(text) == text


@pytest.mark.parametrize(
    "text", ["team", "team:", ":ml", "team:*x", "team:a:b", "team: ml", "team:ml\n", "tëam:x", "*:x", ""]
)
def test_another_selector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no selector"):
        fields.selector(text)


@pytest.mark.parametrize("text", ["2GB", "1.5GiB", "512mb", "4 TB"])
def test_memory_is_written_as_duckdb_writes_it(text: str) -> None:
    assert fields.memory(text) == text


@pytest.mark.parametrize("text", ["2", "2G", "GB", "-1GB", "80%", "2GB; DROP TABLE x", "lots"])
def test_another_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no amount of memory"):
        fields.memory(text)


@pytest.mark.parametrize(("text", "name"), [("en_US", "en_US"), ("de-DE", "de_DE"), ("fr", "fr")])
def test_a_locale_is_one_that_babel_knows(text: str, name: str) -> None:
    assert fields.locale_name(text) == name


@pytest.mark.parametrize("text", ["xx_YY", "english", "", "C", "../../etc/passwd"])
def test_another_locale_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no known locale"):
        fields.locale_name(text)


@pytest.mark.parametrize(
    "text", ["22.03.2026", "2026-02-30", "tomorrow", "", "0001-01-01T00:00:00+14:00", "10000-01-01"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no date"):
        fields.moment(text)


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\x00b", "a\x7f"])
def test_text_is_one_line_that_is_not_blank(text: str) -> None:
    with pytest.raises(ValueError, match=r"is empty|control character"):
        fields.line_of_text(text)


def test_the_formats_are_those_of_the_sources() -> None:
    assert set(fields.EXPORT_FORMATS) == {"auto", *(known.name for known in FORMATS)}
    assert set(fields.RECORDED_FORMATS) == {known.name for known in FORMATS if known.origin == "recorded"}


def test_the_name_of_recorded_entries_is_no_source_name() -> None:
    with pytest.raises(ValueError, match="entries that Python records"):
        fields.source_name("recorded")
