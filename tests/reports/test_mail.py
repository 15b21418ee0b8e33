"""A document as a mail: short enough, safe, and with the same figures in each of its parts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest

from pipeline.config.mail import Mailbox
from pipeline.deliver.compose import Attachment, compose
from pipeline.reports import palette, raster
from pipeline.reports.mail import LONGEST, Letter, letter
from pipeline.reports.model.document import Column, Document, Part, Row, Table
from tests.reports import documents, reading

CID = re.compile(r'src="cid:([^"]+)"')
FIGURE = re.compile(r"[+−]?[$€¥]\d[\d,]*(?:\.\d+)?|\d[\d.,]*%")
#: What a mail may be made of; mail programs drop the rest, or show it.
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td", "th", "p", "h1", "h2", "h3"),
    *("br", "span", "strong", "img", "a"),
}  # fmt: skip
BUDGETS = (
    Column("name", "Budget"),
    Column("spend", "Spend", "money"),
    Column("effective_limit", "Limit", "money"),
    Column("percentage", "Of limit", "used"),
    Column("health", "Health", "status"),
)


def message(made: Letter, *attachments: Attachment) -> EmailMessage:
    """A letter as a mail program reads it."""
    content = compose(
        made,
        sender=Mailbox("costs@example.com", 'Costs "Ltd", ☃'),
        to="ann@example.com",
        reply_to=Mailbox("finops@example.com"),
        message_id="<1@example.com>",
        made_at=datetime(2026, 3, 22, 6, 15),
        attachments=attachments,
    )
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.isascii()
    parser: BytesParser[EmailMessage] = BytesParser(policy=policy.default)
    return parser.parsebytes(content)


def company() -> Document:
    """A company with 500 services, 40 budgets and 30 alerts."""
    services: tuple[Row, ...] = tuple(
        (
            f"Service {number} of a provider with a long name",
            Decimal(number) * 1000,
            Decimal(number),
            None,
            Decimal("0.2"),
        )
        for number in range(500, 0, -1)
    )
    budgets: tuple[Row, ...] = tuple(
        (f"Budget {number} of a department", Decimal(number), Decimal(100), Decimal(number), "OK")
        for number in range(40)
    )
    parts = (
        Part(
            "services", "Services", tables=(Table("services", "", documents.COSTS, services, "USD", None, "services"),)
        ),
        Part("budgets", "Budgets", tables=(Table("budgets", "", BUDGETS, budgets, "USD", None, "budgets"),)),
        Part("alerts", "Alerts", tables=(Table("alerts", "", BUDGETS, budgets[:30], "USD", None, "alerts"),)),
    )
    return documents.small(parts=parts)


def test_text_and_html_have_the_figures_of_the_document() -> None:
    made = letter(documents.small())
    html, text = reading.words(made.html) + " ".join(re.findall('alt="([^"]*)"', made.html)), made.text
    assert set(FIGURE.findall(html)) == set(FIGURE.findall(text))
    assert {"$39.91", "$30.34", "−$1.10", "€12.50"} <= set(FIGURE.findall(text))
    for words in ("2 other services", "Rounding", "Total", "Data is stale", "No account has an owner", "◆ Warning"):
        assert words in html
        assert words in text


def test_a_company_of_500_services_40_budgets_and_30_alerts_fits_and_says_what_was_left_out() -> None:
    made = letter(company())
    assert len(made.html.encode()) < LONGEST
    html = " ".join(reading.words(made.html).split())
    for others, total in (("services", "$125,250,000.00"), ("budgets", None), ("alerts", None)):
        assert re.search(rf"(\d+) other {others}", html), others
        assert total is None or total in html
    for number, others in ((485, "services"), (25, "budgets"), (15, "alerts")):
        assert f"{number} other {others}" in made.text
    left_out = int(re.findall(r"(\d+) other services", html)[0])
    assert f"${sum(range(1, left_out + 1)) * 1000:,}.00" in html


def test_a_mail_that_has_too_many_tables_names_those_left_out() -> None:
    tables = tuple(
        Table(f"table-{number}", f"Table {number}", documents.COSTS, ((f"Service {number}", *[Decimal(1)] * 4),), "USD")
        for number in range(120)
    )
    made = letter(documents.small(parts=(Part("all", "All", tables=tables),)))
    assert len(made.html.encode()) < LONGEST
    assert re.search(r"Left out for length: \d+ tables \(Table \d+, ", made.html)
    assert all(f"Service {number} " in made.text for number in range(120))
    assert "Left out for length" not in made.text


def test_what_matters_keeps_its_rows_longest_and_short_tables_are_whole_or_left_out() -> None:
    def table(name: str, rows: int) -> Table:
        column = Column("name", f"{name} & <name>")
        made: tuple[Row, ...] = tuple(
            (f"{name} {number} " + "of a long name " * 4, *[Decimal(number)] * 4) for number in range(rows)
        )
        return Table(name, name, (column, *documents.COSTS[1:]), made, "USD", None, name)

    others = [table(f"other-{number}", 20) for number in range(20)]
    tables = (table("deliveries", 20), *others, table("sources", 4), table("services", 20))
    made = letter(documents.small(parts=(Part("all", "All", tables=tables),)))
    assert len(made.html.encode()) < LONGEST
    left = {name: int(number) for number, name in re.findall(r"(\d+) other ([\w-]+)<", made.html)}
    assert left["services"] == 5
    assert left["deliveries"] > left["other-0"] >= 5
    assert all(f"sources {number} " in made.html for number in range(4))
    assert len(re.findall(r"^5 other ", made.text, re.MULTILINE)) == len(tables) - 1


def test_an_identifier_is_cut_in_its_middle_and_a_sentence_at_its_end() -> None:
    name, words = f"arn:aws:rds:us-east-1:527719034468:cluster:{'x' * 60}-ledger", "Nobody reads on " * 8
    rows: tuple[Row, ...] = tuple((own, *[Decimal(1)] * 4) for own in (name, words))
    tables = (Table("services", "", documents.COSTS, rows, "USD"),)
    made = letter(documents.small(parts=(Part("services", "Services", tables=tables),)))
    for text in (made.html, made.text):
        assert re.search(r"arn:aws:\S*…x+-ledger\b", text)
        assert re.search(r"Nobody reads [\w ]+…", text)


def test_a_legend_says_what_the_colours_of_a_picture_mean() -> None:
    drawn = replace(documents.bars(), key=(("usage", "Usage"), ("limit", "<b>Budget</b>")))
    made = letter(documents.small(parts=(Part("days", "Days", pictures=(drawn,)),)))
    assert re.search(r'class="usage" style="color:#0b6b75">■</span>(?:&nbsp;|.)Usage<', made.html)
    assert re.search(r'class="limit"[^>]*>━━</span>(?:&nbsp;|.)&lt;b&gt;Budget', made.html)


def test_hostile_values_are_text_in_every_part_and_header() -> None:
    made = letter(documents.rich(), link="https://costs.example.com/a?b=1&c=<d>", notes=documents.EVIL)
    found = message(made, Attachment("costs.csv", b"a,b\r\n"))
    html = str(found.get_body(("html",)).get_content())  # type: ignore[union-attr]
    assert len(html.encode()) < LONGEST
    assert reading.tags(html) <= TAGS
    assert not {name for name in reading.attributes(html) if name.startswith("on")}
    assert set(re.findall(r'href="([^"]*)"', html)) == {"https://costs.example.com/a?b=1&amp;c=<d>"}
    assert "https://evil" not in html[html.index("</title>") :] + made.text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069]", html + made.text)
    assert sorted(found.keys()) == sorted(
        ["From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
         "MIME-Version", "Content-Type"]
    )  # fmt: skip
    assert len(str(found["Subject"])) <= 180
    assert found["From"].addresses[0].display_name == 'Costs "Ltd", ☃'


def test_pictures_are_png_that_the_html_shows_with_words_for_who_sees_none() -> None:
    made = letter(documents.small())
    found = message(made, Attachment("costs.xlsx", b"PK"), Attachment("costs.pdf", b"%PDF"))
    page = found.get_body(("related", "html"))
    assert page is not None
    html, *images = page.iter_parts()
    ids = [str(each["Content-ID"]).strip("<>") for each in images]
    text = str(html.get_content())
    assert CID.findall(text) == ids == [image.cid for image in made.images]
    assert [each.get_content()[:4] for each in images] == [b"\x89PNG"]
    assert 'alt="By service. Compute: $30.25; Storage: −$1.50."' in text
    assert "<svg" not in text
    assert [part.get_filename() for part in found.iter_attachments()] == ["costs.xlsx", "costs.pdf"]


def test_a_picture_has_the_light_colours_and_a_font_that_comes_along() -> None:
    svg = documents.bars().svg
    assert "var(" in svg
    assert "var(" not in palette.in_light(svg)
    text = re.sub(r"<text[^>]*>[^<]*</text>", "", svg)
    assert raster.png(svg) != raster.png(text)
    assert raster.png(svg) == raster.png(svg)


@pytest.mark.parametrize(("is_stale", "subject"), [(False, "$39.91 and"), (True, "[stale data] $39.91 and")])
def test_the_subject_is_the_headline_and_says_that_data_is_stale(is_stale: bool, subject: str) -> None:
    assert letter(documents.small(), is_stale=is_stale).subject.startswith(subject)


def test_a_mail_program_in_the_dark_has_colours_of_its_own() -> None:
    assert "@media (prefers-color-scheme: dark)" in letter(documents.small()).html


def test_a_style_of_ones_own_stands_before_ours(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "mail.css").write_text("h1 { color: #bada55; }")
    assert '<h1 style="color:#bada55">' in letter(documents.small(), templates=tmp_path).html


@pytest.mark.parametrize("length", [60, 69, 70, 75, 78, 120, 170])
@pytest.mark.parametrize("letters", ["a", "−", "word "])
def test_a_subject_of_any_length_arrives_as_it_is(letters: str, length: int) -> None:
    subject = (letters * length)[:length].strip()
    made = Letter(subject, "<p>x</p>", "x", ())
    assert str(message(made)["Subject"]) == subject


def test_a_subject_of_several_lines_is_one() -> None:
    made = letter(documents.small(headline="a\r\nBcc: x@example.com\n\nb"))
    assert str(message(made)["Subject"]) == "a Bcc: x@example.com b"
