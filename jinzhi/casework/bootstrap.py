"""Run at every start: publish the procedures that are new."""

from jinzhi.casework.publishing import publish_all

ORDER = 60


def bootstrap() -> None:
    publish_all()
