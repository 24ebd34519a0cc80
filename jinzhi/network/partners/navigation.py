"""Menu entries of partners and the words of what is logged about them."""

from django.core.cache import cache

from jinzhi.network.catalogue.navigation import GROUP
from jinzhi.network.partners import partnering
from jinzhi.network.partners.models import Partner
from jinzhi.web.navigation import Entry


def _limited(request) -> int:
    """Partners that were cut down because they do not acknowledge; asked once in half a minute."""
    return (
        cache.get_or_set("partners:limited", Partner.objects.filter(state=Partner.State.LIMITED).count, 30)
        or 0
    )


ENTRIES = [
    Entry(
        "交换伙伴", "partners-index", "building-community", group=GROUP, order=50, roles=partnering.READERS, count=_limited
    ),
    Entry("交换批次", "partners-batches", "packages", group=GROUP, order=60, roles=partnering.READERS),
    Entry(
        "长三角互认", "partners-delta", "arrows-exchange", group=GROUP, order=70,
        roles=("supervisor", "approver", "examiner", "inspector", "window_clerk", "administrator"),
    ),
]  # fmt: skip

AUDIT_KINDS = {
    "partner.created": "登记交换伙伴",
    "partner.changed": "修改交换伙伴",
    "partner.key_added": "登记伙伴公钥",
    "partner.key_revoked": "停用伙伴公钥",
    "partner.switched_on": "启用交换伙伴",
    "partner.switched_off": "停用交换伙伴",
}
