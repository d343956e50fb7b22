"""Every writing endpoint that Countersign knows, by name."""

from billing.metronome.operations.base import Operation
from billing.metronome.operations.customers_archive import ArchiveCustomer
from billing.metronome.operations.customers_create import CreateCustomer
from billing.metronome.operations.customers_set_ingest_aliases import SetIngestAliases
from billing.metronome.operations.customers_set_name import SetName

OPERATIONS: dict[str, Operation] = {
    known.name: known for known in (CreateCustomer(), SetName(), SetIngestAliases(), ArchiveCustomer())
}


def operation(name: str) -> Operation:
    """The operation of this name. Raises KeyError with a sentence for one that does not exist."""
    try:
        return OPERATIONS[name]
    except KeyError:
        raise KeyError(f"no operation is called {name}") from None
