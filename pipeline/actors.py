"""Who asks: every operation on budgets, usage and alerts names its actor and checks what the actor may do (SPEC 3.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from pipeline.errors import NotPermittedError, UsageError, near

ActorType = Literal["user", "service", "agent", "system", "job", "sync"]

#: Actors of these types see every tenant; they still need the words.
CROSSING: tuple[ActorType, ...] = ("system", "job", "sync")
#: Stands for all words.
ALL = "*"


class Permission(StrEnum):
    """What an operation asks for. Each word includes the ones before it."""

    READ = "budget:read"
    WRITE = "budget:write"
    ADMIN = "budget:admin"


@dataclass(frozen=True)
class Actor:
    """Who asks, for which tenant, with which words.

    Attributes:
        id: what is written down as the one who did it.
        tenant: whose budgets, usage and alerts the actor sees; None: those that belong to no tenant. An actor of a
            type in ``CROSSING`` sees all.
        permissions: words of ``Permission`` and ``*``. Others mean nothing here and are kept as they are.

    Raises:
        UsageError: when the id is blank or the type unknown.
    """

    id: str
    type: ActorType = "user"
    tenant: str | None = None
    permissions: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise UsageError("an actor needs an id: who is written down as the one who did it")
        if self.type not in get_args(ActorType):
            raise UsageError(f"{self.type!r} is no type of an actor{near(self.type, get_args(ActorType))}")
        object.__setattr__(self, "permissions", _words(self.permissions))

    @property
    def crosses_tenants(self) -> bool:
        """Whether the actor sees every tenant."""
        return self.type in CROSSING

    def may(self, permission: Permission) -> bool:
        """Whether the actor has a word, by itself or within a stronger one."""
        words = list(Permission)
        stronger = words[words.index(permission) :]
        return ALL in self.permissions or any(word in self.permissions for word in stronger)

    def sees(self, tenant: str | None) -> bool:
        """Whether what belongs to ``tenant`` (None: to nobody) is the actor's to see."""
        return self.crosses_tenants or tenant == self.tenant

    @property
    def own_tenant(self) -> str | None:
        """The tenant that the actor is kept to; None: it is the operator's, or sees every tenant."""
        return None if self.crosses_tenants else self.tenant

    def require_sight(self, tenant: str | None, doing: str) -> None:
        """Do nothing when what belongs to ``tenant`` is the actor's to see.

        Raises:
            NotPermittedError: when it is not.
        """
        if not self.sees(tenant):
            raise NotPermittedError(
                f"{self.id} may not {doing} the tenant {tenant}: it is of {self.tenant or 'no tenant'}; ask as an actor of "
                "that tenant (actor.tenant, COSTMILL_TENANT) or of a type that sees all, such as job"
            )

    def require_operator(self, doing: str) -> None:
        """Do nothing when the actor is kept to no tenant.

        Raises:
            NotPermittedError: when it is: what is of all tenants is the operator's.
        """
        if self.own_tenant is not None:
            raise NotPermittedError(
                f"{self.id} may not {doing}: that is the operator's, and {self.id} is of the tenant {self.own_tenant}"
            )

    def require(self, permission: Permission, doing: str) -> None:
        """Do nothing when the actor has the word.

        Args:
            doing: the operation, for the message, such as ``acknowledge an alert``.

        Raises:
            NotPermittedError: when the actor has not.
        """
        if not self.may(permission):
            held = ", ".join(sorted(self.permissions)) or "none"
            raise NotPermittedError(f"{self.id} may not {doing}: it needs {permission} and has {held}")


def _words(permissions: Iterable[str]) -> frozenset[str]:
    """A single text is one word, never its letters."""
    return frozenset([permissions] if isinstance(permissions, str) else permissions)
