"""What files are and whether they would load: really staged, mapped and proven, in a warehouse that is thrown away."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.config import SourceSettings
from pipeline.engines.conformance import Conformance, Finding
from pipeline.errors import CostmillError, ExportError
from pipeline.load import focus_validator, roles
from pipeline.load.focus_validator import Opinion
from pipeline.load.loader import Loader
from pipeline.load.outcome import Outcome, fingerprint
from pipeline.load.rehearsed import rehearsed
from pipeline.sources import packed, places
from pipeline.sources.delivery import Delivery, Mode
from pipeline.store.warehouse import Warehouse

#: Rejected rows that are shown of a delivery; all are counted.
REJECTS_SHOWN = 20
_REJECTS = f"Below are the rows, at most {REJECTS_SHOWN}"


@dataclass(frozen=True)
class Total:
    """One money law of one billing period and currency, as the ledger has it; ``expression``: what of the file is summed."""

    period: str
    currency: str | None
    column: str
    expression: str
    file_total: Decimal
    charges_total: Decimal
    rejected_total: Decimal
    rounding: str


@dataclass(frozen=True)
class Rejected:
    """A row that cannot become a charge, and why."""

    file: str
    record: int | None
    line: int | None
    column: str | None
    value: str | None
    reason: str


@dataclass
class Checked:
    """What one delivery is, and what would become of it.

    Attributes:
        files: path, container (None where the file cannot be opened).
        format, version, title: None where the format is not known.
        manifest: the manifest that names the files; None where the rows decided.
        outcomes: one per billing period.
        focus_version: the version that the findings are about; None where nothing could be read.
        as_mapped: the findings are about the charges, not about the file.
        opinion: what focus-validator says of it, where it was asked for.
        source: the configured source whose settings count; None for the defaults.
    """

    name: str
    files: list[tuple[str, str | None]]
    format: str | None = None
    version: str | None = None
    title: str | None = None
    manifest: str | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    focus_version: str | None = None
    as_mapped: bool = False
    findings: list[Finding] = field(default_factory=list)
    opinion: Opinion | None = None

    @property
    def breaks_focus(self) -> bool:
        """Whether a rule of FOCUS is broken, by our own word or by focus-validator's."""
        return bool(self.findings or (self.opinion and self.opinion.failed))

    source: SourceSettings | None = None

    @property
    def would_load(self) -> bool:
        """Whether a run would end without anything of it waiting for somebody."""
        return bool(self.outcomes) and not any(outcome.waits for outcome in self.outcomes)


def validate(
    patterns: Sequence[str],
    source: SourceSettings | None = None,
    *,
    mode: Mode = "auto",
    focus_version: str | None = None,
    validator: str | None = None,
) -> list[Checked]:
    """Say of each delivery among the files what it is, and whether it would load into an empty warehouse.

    Nothing but a temporary folder is written. ``source`` gives the settings, else they are the defaults.
    ``focus_version`` is the version of FOCUS to hold the bills against, instead of the one that a file's header tells.
    ``validator`` is where the program focus-validator is, to be asked too.
    """
    with tempfile.TemporaryDirectory(prefix="costmill-validate-") as folder:
        chosen = source or SourceSettings("validate", patterns[0])
        with (
            Warehouse.open(Path(folder) / "costs.duckdb") as warehouse,
            Loader(warehouse, run_id="validate") as loader,
        ):
            found = _Validation(warehouse, loader, chosen, focus_version, validator).run(patterns, mode)
    for checked in found:
        checked.source = source
    return found


def by_source(
    patterns: Sequence[str], sources: Sequence[SourceSettings]
) -> list[tuple[SourceSettings | None, list[str]]]:
    """Set each path beside the first source that all of its files are of; paths of one source are told together."""
    found: dict[str | None, tuple[SourceSettings | None, list[str]]] = {}
    for pattern in patterns:
        source = next((each for each in sources if places.lies_in(pattern, each.path)), None)
        found.setdefault(source.name if source else None, (source, []))[1].append(pattern)
    return list(found.values())


class _Validation:
    def __init__(
        self,
        warehouse: Warehouse,
        loader: Loader,
        source: SourceSettings,
        focus_version: str | None,
        validator: str | None,
    ) -> None:
        self.warehouse = warehouse
        self.loader = loader
        self.source = source
        self.focus_version = focus_version
        self.validator = validator

    def run(self, patterns: Sequence[str], mode: Mode) -> list[Checked]:
        outcomes = list(self.loader.load(self.source, patterns, mode))
        outcomes = [rehearsed(each, by="a load", rejects=_REJECTS) for each in outcomes]
        try:
            plan = self.loader.plan(patterns, mode)
        except CostmillError:  # told by the outcome
            return [Checked(outcome.name, [], outcomes=[outcome]) for outcome in outcomes]
        refused = [Delivery((file,), None, file.modified_at, problem=str(error)) for file, error in plan.refused]
        return [self._checked(each, outcomes) for each in (*refused, *plan.deliveries)]

    def _checked(self, delivery: Delivery, outcomes: Sequence[Outcome]) -> Checked:
        checked = Checked(delivery.name, [(str(file.path), _container(file.path)) for file in delivery.files])
        checked.manifest = str(delivery.manifest) if delivery.manifest else None
        checked.outcomes = [each for each in outcomes if each.name == delivery.name]
        self._read_ledger(checked, fingerprint(delivery, self.source))
        if delivery.problem is None:
            self._look_closely(checked, delivery)
        return checked

    def _read_ledger(self, checked: Checked, mark: str) -> None:
        totals = self.warehouse.rows(
            """
            SELECT l.x_BillingPeriod, c.BillingCurrency, c.column_name, c.source_expression, c.file_total, c.charges_total,
                c.rejected_total, c.rounding
            FROM load_controls AS c INNER JOIN loads AS l ON l.load_id = c.load_id
            WHERE l.fingerprint = ? ORDER BY ALL""",
            [mark],
        )
        checked.totals = [Total(*row) for row in totals]
        rejected = self.warehouse.rows(
            """
            SELECT r.path, r.record, r.line, r.column_name, r.value, r.reason
            FROM rejected_rows AS r INNER JOIN loads AS l ON l.load_id = r.load_id
            WHERE l.fingerprint = ? ORDER BY ALL LIMIT ?""",
            [mark, REJECTS_SHOWN],
        )
        checked.rejected = [Rejected(*row) for row in rejected]

    def _look_closely(self, checked: Checked, delivery: Delivery) -> None:
        """Tell the format, and hold the rows against FOCUS; what cannot be read has said so in its outcome."""
        reader, mapper = self.loader.tools()
        try:
            header = reader.look(delivery.files[0]).header
            checked.format, checked.version, checked.title = header.format.name, header.version, header.format.title
            staged = reader.stage(delivery.files, self.source.keep_columns, closely=header.format.name == "focus")
            checked.dropped = list(staged.dropped)
            checked.kept = sorted({name for file in staged.files for name in file.header.kept.values()})
            roles.settle(reader, mapper, staged, delivery)
            mapper.prepare(staged)
            mapper.show_rows(staged)
        except ExportError:
            return
        asked = Conformance(self.warehouse, staged, self.focus_version)
        checked.focus_version, checked.as_mapped = asked.version, not asked.is_as_written
        checked.findings = asked.findings()
        if self.validator is not None:
            paths = () if checked.as_mapped else tuple(file.path for file in delivery.files)
            checked.opinion = focus_validator.ask(self.validator, paths, asked.version)


def _container(path: Path) -> str | None:
    try:
        return packed.container(path)
    except ExportError:
        return None


def settings_of(source: SourceSettings) -> dict[str, Any]:
    """Return the settings of a source that have a part in whether a first delivery loads, and as what."""
    return {
        "format": source.format,
        "max_rejected": source.max_rejected,
        "keep_columns": list(source.keep_columns),
        "origin": source.origin,
    }


def example(checked: Checked, finding: Finding) -> str | None:
    """Return a finding's first row as a person finds it: file where there are several, line, values."""
    where = []
    if finding.file is not None and len(checked.files) > 1:
        where.append(Path(checked.files[finding.file][0]).name)
    if finding.line is not None:
        where.append(f"line {finding.line}")
    return ": ".join(part for part in (" ".join(where), finding.example) if part) or None


def as_json(checked: Checked) -> dict[str, Any]:
    """Return what is told of a delivery as JSON can hold it; money stays Decimal."""
    return {
        "name": checked.name,
        "files": [{"path": path, "container": container} for path, container in checked.files],
        "manifest": checked.manifest,
        "source": None if checked.source is None else {"name": checked.source.name} | settings_of(checked.source),
        "format": checked.format,
        "version": checked.version,
        "title": checked.title,
        "would_load": checked.would_load,
        "periods": [
            {
                "period": each.x_BillingPeriod,
                "status": each.status,
                "reason": each.reason,
                "rows_read": each.rows_read,
                "rows_rejected": each.rows_rejected,
                "charges": each.charges,
            }
            for each in checked.outcomes
        ],
        "totals": [vars(each) for each in checked.totals],
        "rejected": [vars(each) for each in checked.rejected],
        "dropped_columns": checked.dropped,
        "kept_columns": checked.kept,
        "focus_version": checked.focus_version,
        "focus_checked": None if checked.focus_version is None else "as mapped" if checked.as_mapped else "as written",
        "findings": [
            {"column": each.column, "rule": each.rule, "rows": each.rows, "example": example(checked, each)}
            for each in checked.findings
        ],
        "focus_validator": asdict(checked.opinion) if checked.opinion else None,
    }
