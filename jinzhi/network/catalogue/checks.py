"""The catalogue's own check, part of `jinzhi check`."""

from jinzhi.foundation.exchange import declared
from jinzhi.network.catalogue import metadata


def check() -> list[str]:
    """Declarations that GB/T 21063 or the national guide would refuse."""
    return metadata.faults(list(declared.all().values()))
