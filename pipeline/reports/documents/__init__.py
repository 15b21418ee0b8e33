"""The reports as documents: what each of them says of a span of time, for every format.

``build`` is the one way in: for pages, files, mails and the site. A document holds all rows; writers cut and round.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import localcontext
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline import money
from pipeline.reports.documents.request import REPORTS, Request

if TYPE_CHECKING:
    from pipeline.reports.model.document import Document
    from pipeline.store.warehouse import Warehouse

__all__ = ["REPORTS", "Request", "build", "place"]


def build(warehouse: Warehouse, request: Request) -> list[Document]:
    """Return what is asked for: one document, of ``teams`` one for each of them.

    Args:
        warehouse: open for reading or writing; its summaries and budget status must be up to date. A tenant's file gives
            the tenant's report.

    Raises:
        UsageError: when it cannot be told, such as for a column that there is none of.
    """
    from pipeline.reports.documents import budgets, commitments, costs, models, month, resources, restatements, teams
    from pipeline.reports.documents.sections import own_parts

    documents = {
        "costs": costs.documents,
        "budgets": budgets.documents,
        "teams": teams.documents,
        "resources": resources.documents,
        "restatements": restatements.documents,
        "commitments": commitments.documents,
        "models": models.documents,
    }
    with localcontext(money.EXACT):
        if request.report == "costs" and request.span.edition == "monthly" and not request.group_by:
            made = month.documents(warehouse, request)
        else:
            made = documents[request.report](warehouse, request)
        own = own_parts(warehouse, request.sections, request.report, request.span)
        return [replace(each, parts=(*each.parts, *own)) for each in made] if own else made


def place(document: Document) -> PurePosixPath:
    """Return the folder of a document's files below that of all reports, such as ``2026-03/budgets``.

    A billing period's costs are in the period's own folder, beside its page.
    """
    from pipeline.store.tenants import file_name

    parts = [document.period]
    if document.report != "costs" or document.by:
        kind, _, key = (document.by or "").partition(":")
        plain = f"{kind}-{key}" if kind == "tag" and file_name(key) == key else document.by
        parts.append("-by-".join([document.report, *([file_name(plain)] if plain else [])]))
    if document.subject is not None:
        parts.append(file_name(document.subject))
    return PurePosixPath(*parts)
