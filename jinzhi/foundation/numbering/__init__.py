"""Official numbers without gaps: a number is taken in the caller's transaction and returns with its rollback.

Imports no models, so that it may be imported anywhere.
"""

from jinzhi.foundation.numbering.series import NumberingError, last, next_number, skip_to, take, void

__all__ = ["NumberingError", "last", "next_number", "skip_to", "take", "void"]
