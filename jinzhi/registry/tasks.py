"""Background work of the register, for the worker to find."""

from jinzhi.registry.importing.jobs import import_batch

__all__ = ["import_batch"]
