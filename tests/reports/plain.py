"""Files that are no text, as text that people can review: what a reader sees of them, and nothing of how they are packed.

What differs from one machine to the next is left out: the pictures' bytes, and where lines and pages end on paper.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping
from decimal import Decimal
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pypdf
from openpyxl.utils import get_column_letter


def _lines(lines: Iterator[str]) -> str:
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _said(value: object) -> str:
    """A value, so that a text is told from a number, and nothing from an empty text."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def page(path: Path) -> str:
    """A file that is text already, without a page's pictures, style and script: other tests look at them."""
    return re.sub(
        r"(?s)(?<=<style>).*?(?=</style>)|<svg.*?</svg>|(?<=<script>).*?(?=</script>)|'sha256-[^']*'",
        "",
        path.read_bytes().decode(),
    )


# --- A workbook -------------------------------------------------------------------------------


def workbook(path: Path) -> str:
    """A workbook: its sheets as they open and print, and each cell with its value, number format and style."""
    book = openpyxl.load_workbook(path)
    about = book.properties
    head = (f"{name}: {getattr(about, name)}" for name in ("title", "subject", "creator", "description", "created"))
    return _lines(iter([*head, *(line for sheet in book for line in _sheet(sheet))]))


def _sheet(sheet: Any) -> Iterator[str]:
    yield from ("", f"== {sheet.title}{'' if sheet.sheet_state == 'visible' else f' ({sheet.sheet_state})'}")
    yield f"frozen: {sheet.freeze_panes}; filter: {sheet.auto_filter.ref}; repeated: {sheet.print_title_rows}"
    page, foot = sheet.page_setup, sheet.oddFooter
    fits = (
        f"{page.fitToWidth or 1} wide, {page.fitToHeight} high" if sheet.sheet_properties.pageSetUpPr.fitToPage else ""
    )
    yield f"paper: {page.orientation}, {fits}; foot: {foot.left.text} | {foot.right.text}"
    yield f"widths: {', '.join(_widths(sheet))}"
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value is not None or _style(cell):
                link = f" -> {cell.hyperlink.location or cell.hyperlink.target}" if cell.hyperlink else ""
                said = "blank" if cell.value is None else f"{cell.data_type} {_said(cell.value)}"
                yield f"{cell.coordinate:<5}{said}{link}{_style(cell)}"


def _widths(sheet: Any) -> Iterator[str]:
    for own in sorted(sheet.column_dimensions.values(), key=lambda own: own.min):
        name = own.index if own.min == own.max else f"{get_column_letter(own.min)}-{get_column_letter(own.max)}"
        yield f"{name} {own.width:.1f}"


def _style(cell: Any) -> str:
    font, border, place = cell.font, cell.border, cell.alignment
    said = {
        cell.number_format: cell.number_format != "General",
        "bold": font.bold,
        f"{font.size:g} pt": font.size != 11,
        f"#{str(font.color.rgb)[2:] if font.color else ''}": font.color and font.color.type == "rgb",
        "line above": border.top and border.top.style,
        "line below": border.bottom and border.bottom.style,
        f"{place.horizontal}": place.horizontal,
        "wrapped": place.wrap_text,
    }
    found = [words for words, is_so in said.items() if is_so]
    return f"  [{', '.join(found)}]" if found else ""


# --- Parquet ----------------------------------------------------------------------------------


def parquet(path: Path) -> str:
    """A Parquet file: what is said of it, its columns with their types, and its rows."""
    return _lines(_parquet(pq.ParquetFile(path)))


def _parquet(file: Any) -> Iterator[str]:
    schema = file.schema_arrow
    yield f"compression: {file.metadata.row_group(0).column(0).compression}"
    yield from _metadata(schema.metadata)
    for column in schema:
        yield from ("", f"{column.name}: {column.type}{'' if column.nullable else ' NOT NULL'}")
        yield from (f"  {line}" for line in _metadata(column.metadata))
    for number, row in enumerate(file.read().to_pylist(), start=1):
        yield from ("", f"-- row {number}")
        yield from (f"{name}: {_said(value)}" for name, value in row.items())


def _metadata(found: Mapping[bytes, bytes]) -> Iterator[str]:
    return (
        f"{name.decode()} = {value.decode()}" for name, value in sorted(found.items()) if name != b"PARQUET:field_id"
    )


# --- PDF --------------------------------------------------------------------------------------

_HEADINGS = {"/H1": "# ", "/H2": "## ", "/H3": "### "}


def paper(path: Path) -> str:
    """A PDF as it is read aloud: by its tags, a line for each heading, paragraph, picture and row of a table.

    Where lines and pages end depends on the fonts of a machine, so neither is told, nor how many pages there are.
    """
    return _lines(_paper(pypdf.PdfReader(path)))


def _paper(reader: Any) -> Iterator[str]:
    root = reader.trailer["/Root"]
    yield from (f"{name[1:].lower()}: {value}" for name, value in reader.metadata.items() if name != "/Producer")
    yield f"language: {root['/Lang']}; accessible: PDF/UA-{_part(root['/Metadata'].get_data())}"
    yield f"paper: {', '.join(sorted({'×'.join(str(round(own)) for own in page.mediabox[2:]) for page in reader.pages}))}"
    yield f"foot: {', '.join(sorted(_feet(reader.pages)))}"
    yield f"attachments: {', '.join(reader.attachments) or 'none'}"
    yield from ("", "-- outline", *_outline(reader.outline), "", "-- text")
    texts = {page.indirect_reference.idnum: _marked(page) for page in reader.pages}
    yield from _blocks(root["/StructTreeRoot"], texts, {})


def _part(metadata: bytes) -> str:
    found = re.search(rb"pdfuaid:part\W+(\d)", metadata)
    return found[1].decode() if found else "none"


def _feet(pages: Any) -> set[str]:
    """What stands at the foot of pages; a single one where all say the same."""
    last = f"/ {len(pages)}"
    return {
        re.sub(rf"\b{number} {last}$", "PAGE / PAGES", page.extract_text().strip().splitlines()[-1])
        for number, page in enumerate(pages, start=1)
    }


def _outline(entries: Any, depth: int = 0) -> Iterator[str]:
    for own in entries:
        if isinstance(own, list):
            yield from _outline(own, depth + 1)
        else:
            yield f"{'  ' * depth}{own.title}"


def _marked(page: Any) -> dict[int, str]:
    """The texts of a page by the number that its tags call them."""
    found: dict[int, str] = {}
    open_: list[int | None] = []

    def follow(operator: bytes, operands: Any, *_: Any) -> None:
        if operator in (b"BDC", b"BMC"):
            about = operands[1] if len(operands) > 1 else None
            open_.append(about.get("/MCID") if isinstance(about, dict) else None)
        elif operator == b"EMC":
            open_.pop()

    def read(text: str, *_: Any) -> None:
        number = next((own for own in reversed(open_) if own is not None), None)
        if number is not None:
            found[number] = found.get(number, "") + text

    page.extract_text(visitor_operand_before=follow, visitor_text=read)
    return found


def _blocks(node: Any, texts: dict[int, dict[int, str]], page: dict[int, str]) -> Iterator[str]:
    tag, page = node.get("/S"), _page(node, texts, page)
    if tag == "/Figure":
        yield f"[picture: {node.get('/Alt')}]"
    elif tag == "/TR":
        yield f"| {' | '.join(_text(cell, texts, page) for cell in _kids(node))} |"
    elif tag in _HEADINGS or tag in ("/P", "/Caption"):
        yield from ([""] if tag in _HEADINGS else [])
        yield f"{_HEADINGS.get(tag, '')}{_text(node, texts, page)}"
    else:
        for own in _kids(node):
            if not isinstance(own, int):
                yield from _blocks(own, texts, page)


def _text(node: Any, texts: dict[int, dict[int, str]], page: dict[int, str]) -> str:
    if isinstance(node, int):
        return page[node]
    page = _page(node, texts, page)
    return " ".join(" ".join(_text(own, texts, page) for own in _kids(node)).split())


def _page(node: Any, texts: dict[int, dict[int, str]], page: dict[int, str]) -> dict[int, str]:
    return texts[node.raw_get("/Pg").idnum] if "/Pg" in node else page


def _kids(node: Any) -> list[Any]:
    own = node.get("/K", [])
    return [each.get_object() for each in (own if isinstance(own, list) else [own])]


# --- Mails ------------------------------------------------------------------------------------

_STYLED = re.compile(r'<(\w+)((?: [\w:-]+="[^"]*")*?) style="([^"]*)"((?: [\w:-]+="[^"]*")*)')
_CLASS = re.compile(r' class="([^"]*)"')


def mail(path: Path) -> str:
    """A message: its headers, and its parts as a mail program finds them.

    The style that stands on each element of the HTML is told once for each kind of element, below it.
    """
    parser: BytesParser[EmailMessage] = BytesParser(policy=policy.default)
    message = parser.parsebytes(path.read_bytes())
    headers = (f"{name}: {value}" for name, value in message.items() if name != "Content-Type")
    return _lines(iter([*headers, *_parts(message, 1)]))


def _parts(message: Any, depth: int) -> Iterator[str]:
    kind, name, cid = message.get_content_type(), message.get_filename(), message["Content-ID"]
    said = [kind, *([name, message.get_content_disposition()] if name else []), *([cid] if cid else [])]
    content: Any = None if message.is_multipart() else message.get_content()
    if kind == "image/png":
        said.append("{}×{}".format(*struct.unpack(">II", content[16:24])))
    yield from ("", f"{'--' * depth} {', '.join(said)}")
    if message.is_multipart():
        for own in message.iter_parts():
            yield from _parts(own, depth + 1)
    elif kind == "text/html":
        yield from _html(content)
    elif kind == "text/plain":
        yield from content.splitlines()


def _html(page: str) -> Iterator[str]:
    styles: set[str] = set()

    def bare(found: re.Match[str]) -> str:
        tag, before, style, after = found.groups()
        kind = _CLASS.search(f"{before}{after}")
        styles.add(f"{tag}{f'.{kind[1]}' if kind else ''} {{ {style} }}")
        return f"<{tag}{before}{after}"

    page = re.sub(r"(?s)(?<=<style>).*?(?=</style>)", "", page)
    yield from _STYLED.sub(bare, page).splitlines()
    yield from ("", *sorted(styles))
