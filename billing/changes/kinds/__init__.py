"""The kinds of change request there are. Adding one is adding one module and its line here."""

from billing.changes.kinds.archive import ArchiveCustomer
from billing.changes.kinds.base import Hint, Kind, ProposalForm
from billing.changes.kinds.create import CreateCustomer
from billing.changes.kinds.realias import ReplaceAliases
from billing.changes.kinds.rename import RenameCustomer

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (CreateCustomer(), RenameCustomer(), ReplaceAliases(), ArchiveCustomer())
}

__all__ = ["KINDS", "Hint", "Kind", "ProposalForm"]
