"""Attachments by content, and documents the system makes.

`files.store(upload, …)` keeps an upload or raises `files.Refused` with a sentence for the person.
Loaded on first use, because models cannot be imported while the apps are being set up.
"""

from jinzhi.foundation.files.refusal import Refused

__all__ = ["Refused", "store", "store_bytes"]


def __getattr__(name: str):
    if name in ("store", "store_bytes"):
        from jinzhi.foundation.files import storing

        return getattr(storing, name)
    raise AttributeError(name)
