"""How a run fails, for the channels that ask for ``failures``: what stands until somebody mends it, and what broke off."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline import errors, periods
from pipeline.config import Settings
from pipeline.config.fields import USAGE_LOG
from pipeline.deliver.channel import Trouble
from pipeline.errors import ConfigurationError, CostmillError, UsageError
from pipeline.night.loaded import Staleness
from pipeline.periods import utc_now
from pipeline.store import coverage
from pipeline.store.coverage import Covered
from pipeline.store.warehouse import Warehouse

if TYPE_CHECKING:
    from pipeline.deliver.notify import NotifyChannel

logger = logging.getLogger(__name__)

#: Exit codes of a run that ended by itself, the first that applies wins (SPEC 7); a budget breach comes last.
CONFIGURATION, EXPORTS, UNDELIVERED, STALE = 78, 65, 69, 66
#: The newest delivery of a source and billing period that waits, which is the one that coverage tells.
_NEWEST = """
SELECT load_id FROM loads WHERE x_Source = ? AND x_BillingPeriod IS NOT DISTINCT FROM ? AND status = ?
ORDER BY coalesce(delivered_at, modified_at) DESC, load_id LIMIT 1"""
#: What a run could not tell, or may have told.
_NOT_TOLD = """
SELECT notification_id, channel, recipient, error FROM notifications
WHERE run_id = ? AND status IN ('failed', 'unknown') AND kind <> 'failure' ORDER BY ALL"""


def channels(settings: Settings) -> list[NotifyChannel]:
    """Return the channels that are told how runs fail."""
    chosen = [own for own in settings.notify if "failures" in own.on]
    if not chosen:
        return []
    from pipeline.deliver.notify import NotifyChannel

    return [NotifyChannel(own) for own in chosen]


# --- What stands ------------------------------------------------------------------------------


def waiting(warehouse: Warehouse, settings: Settings, as_of: datetime) -> list[Covered]:
    """Return the deliveries of configured sources, and of the usage log, that wait for somebody."""
    names = [source.name for source in settings.sources]
    matrix = coverage.coverage(warehouse, names, as_of=as_of, grace_days=settings.freshness.max_age_days)
    return [own for own in matrix if own.state in coverage.WAITING and own.source in (*names, USAGE_LOG)]


def waiting_line(own: Covered) -> str:
    """Say which delivery waits, and why."""
    return f"{own.state}: {' '.join(part for part in (own.source, own.period) if part)}: {own.reason}"


def standing(
    warehouse: Warehouse, settings: Settings, as_of: datetime, staleness: Staleness, *, lacks_rates: bool
) -> tuple[Trouble, ...]:
    """Return what a run ends badly for until somebody mends it: deliveries that wait, old data, a rate that is missing."""
    found = []
    for own in waiting(warehouse, settings, as_of):
        load_id = warehouse.value(_NEWEST, [own.source, own.period, own.state])
        found.append(Trouble(EXPORTS, f"{EXPORTS}/{own.source}/{load_id}", waiting_line(own)))
    for (name, day, _), line in zip(staleness.stale, staleness.lines, strict=True):
        found.append(Trouble(STALE, f"{STALE}/{name}/{day}", f"stale: {line}"))
    if lacks_rates:
        subject = f"{CONFIGURATION}/rates/{periods.label(as_of)}"
        found.append(Trouble(CONFIGURATION, subject, "a budget waits for a rate: write it into currency.rates"))
    return tuple(found)


def undelivered(warehouse: Warehouse, run_id: str) -> tuple[Trouble, ...]:
    """Return what this run could not tell, or may have told: each once to each channel, but not to the one it was for."""
    return tuple(
        Trouble(UNDELIVERED, f"{UNDELIVERED}/{id_}", f"not delivered: to {recipient}: {error}", channel)
        for id_, channel, recipient, error in warehouse.rows(_NOT_TOLD, [run_id])
    )


# --- What broke off ---------------------------------------------------------------------------


@contextmanager
def told(settings: Settings, *, tells: bool) -> Iterator[None]:
    """Tell the channels that ask for failures when what is done here breaks off; the error goes on as it is."""
    try:
        yield
    except Exception as error:
        code, lines = words(error)
        if tells and code != UsageError.exit_code and not errors.is_interrupt(error):
            tell_break(settings, code, lines)
        raise


def words(error: BaseException) -> tuple[int, list[str]]:
    """Return the exit code of an error, and what people are told of it: of a defect only what it is called."""
    if isinstance(error, ConfigurationError):
        return error.exit_code, str(error).splitlines()
    if isinstance(error, CostmillError):
        return error.exit_code, [str(error)]
    if line := errors.path_problem(error):
        return CONFIGURATION, [line]
    return CostmillError.exit_code, [f"a defect of ours: {type(error).__name__}"]


def tell_break(settings: Settings, exit_code: int, lines: Sequence[str]) -> None:
    """Tell the channels that ask for failures that a run broke off; what cannot be told is logged, and stops nothing.

    The ledger takes no part, since the warehouse may be why: whoever calls this does so once a run.
    """
    now = utc_now()
    subject = f"{exit_code}/{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    for channel in channels(settings):
        try:
            channel.tell_break(subject, exit_code, lines, now)
        except CostmillError as error:
            logger.warning("not delivered: the failure of this run to %s: %s", channel.name, error)
        except Exception as error:  # what broke the run off is what matters; the error may have the address in it
            logger.warning("not delivered: the failure of this run to %s: %s", channel.name, type(error).__name__)
