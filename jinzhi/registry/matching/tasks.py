"""Where the worker finds this room's background work."""

from jinzhi.registry.matching.working import work

__all__ = ["work"]
