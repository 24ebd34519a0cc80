"""Puts the code sets that the product ships beside those that operators load."""

from jinzhi.foundation.codes import publishing

ORDER = 15


def bootstrap() -> str:
    """Safe to repeat."""
    return f"代码集版本 {publishing.publish_shipped()} 个"
