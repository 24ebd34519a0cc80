"""The refusal of a file, in words for the person who chose it."""


class Refused(ValueError):
    """Says what is wrong with the file and what to do; nothing of it was kept."""

    def __init__(self, message: str):
        self.message = message
        super().__init__(message)
