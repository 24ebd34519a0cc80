"""The first key is there before the first licence."""

from jinzhi.registry.licences import keys

ORDER = 60


def bootstrap() -> str:
    made = keys.ensure()
    return f"证照签发密钥 {made.pk}" if made else "证照签发密钥已有"
