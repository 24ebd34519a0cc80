"""Why an act does not happen: every refusal is a sentence for the person who wanted it."""


class Refused(Exception):
    """The act is not possible; the message is for the person, `field` says where to show it."""

    def __init__(self, message: str, field: str = ""):
        super().__init__(message)
        self.message, self.field = message, field


class NoPower(Refused):
    """This post may not do this here."""


class AlreadyDone(Refused):
    """Somebody was faster."""


class NoAgency(Refused):
    """No agency of that level answers for the place of the case."""
