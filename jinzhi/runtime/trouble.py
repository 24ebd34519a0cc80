"""A failure that the operator can mend: what is wrong and what to do about it."""


class Trouble(Exception):
    """Shown as two lines, without a traceback."""

    def __init__(self, what: str, remedy: str = ""):
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n  → {self.remedy}" if self.remedy else self.what
