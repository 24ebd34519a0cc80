"""`jinzhi check`: what documents need."""

from jinzhi.foundation.files import typst


def check() -> list[str]:
    return [f"缺少中文字体 {name}，请安装 fonts-noto-cjk" for name in typst.missing_fonts()]
