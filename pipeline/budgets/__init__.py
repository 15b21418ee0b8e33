"""Budgets of the file: what each one counts (scopes), what that comes to (evaluate), what it raises (alerts).

``ledger`` keeps the table of budgets in line with the file, ``model`` holds the values that the others hand on.
"""

from __future__ import annotations
