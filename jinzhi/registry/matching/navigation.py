"""Menu entry of the comparison of registers."""

from jinzhi.web.navigation import Entry

ENTRIES = [
    Entry(
        "登记数据比对",
        "matching-comparisons",
        "arrows-exchange",
        group="档案",
        order=35,
        roles=("administrator", "certificate_clerk"),
    ),
]
