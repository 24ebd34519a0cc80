"""Enters the declared datasets into the catalogue."""

from jinzhi.network.catalogue import registering

ORDER = 60


def bootstrap() -> str:
    new, changed = registering.register()
    return f"共享数据目录新增 {new} 项、更新 {changed} 项"
