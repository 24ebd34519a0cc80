from jinzhi.services.licensing.ex_officio import ROLES
from jinzhi.web.navigation import Entry

ENTRIES = [
    Entry("我的办事", "my-home", "building-store", "企业办事", 0, faces=("enterprise",)),
    Entry("依职权办理", "licensing-ex-officio", "gavel", "办件", 6, roles=ROLES),
]
