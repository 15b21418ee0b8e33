"""Exit codes of the command line (sysexits). A budget breach has its own configured code, 0 to 255, by default 1."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell, cron or Airflow sees."""

    OK = 0
    """Fine."""
    BREACH = 1
    """A budget is breached, the default of `exit_code`; or `budgets check` refuses a call."""
    USAGE = 64
    """The command line is wrong."""
    EXPORTS = 65
    """An export was refused or waits in quarantine; what could be loaded was."""
    STALE = 66
    """The data is older than the configured freshness."""
    UNDELIVERED = 69
    """A report could not be delivered."""
    DEFECT = 70
    """A defect of ours."""
    BUSY = 75
    """The warehouse is in use and did not come free in time: try again."""
    CONFIGURATION = 78
    """The configuration is wrong, or a rate is missing."""
    INTERRUPTED = 130
    """Interrupted from the keyboard."""
