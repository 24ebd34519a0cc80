"""Dated code sets: lists that replaced each other, always asked for a day. Data in the YAML files here."""

from jinzhi.foundation.codes.sets.library import (
    CodeSet,
    Item,
    NoSet,
    forget,
    get,
    latest,
    lint,
    names,
    version,
    versions,
)

__all__ = ["CodeSet", "Item", "NoSet", "forget", "get", "latest", "lint", "names", "version", "versions"]
