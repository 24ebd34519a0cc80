"""Codes and numbers as people write them, made comparable, and what speaks against them."""

import re
import unicodedata
import uuid

from jinzhi.foundation import codes

NO_ID = "00000000-0000-0000-0000-000000000000"
_SEPARATORS = re.compile(r"[\s\-‐-―_·]+")


def clean(text: str) -> str:
    """Without what PostgreSQL cannot hold (NUL, halves of surrogate pairs), at most a hundred characters."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode().strip()[:100]


def normal(text: str) -> str:
    """A code or number as it is stored and compared: half width, upper case, nothing between.

    >>> normal("９１33 0106-ma2b")
    '91330106MA2B'
    """
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", clean(str(text or ""))).upper())


def code_parameters(text: str) -> dict:
    code = normal(text)[:60]
    if len(code) == 18:
        return {"code": code, "org": "" if looks_wrong(code) else code[8:17]}
    return {"code": code, "org": code if len(code) == 9 else ""}


def as_uuid(text: object) -> str:
    try:
        return str(uuid.UUID(str(text)))
    except ValueError:
        return NO_ID


def looks_wrong(code: str) -> str:
    """What is wrong with something that has the length of a credit or organisation code; else empty."""
    code = normal(code)
    scheme = {18: "uscc", 9: "organization_code"}.get(len(code))
    return errors(scheme, code) if scheme else ""


def errors(scheme: str, value: str) -> str:
    return "；".join(p.message for p in codes.check(scheme, value).problems if p.level == "error")
