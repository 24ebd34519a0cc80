"""placeholder"""


def refresh(on): ...
