"""The seal over an organ's signature: the real one from the organ's folder, else a generated one that says it is none.

var/keys/organs/<agency key>/seal.svg | seal.png     the image of the organ's seal
var/keys/organs/<agency key>/signature.p12           its certificate (see signing.py)
"""

import base64
import math
from pathlib import Path
from xml.sax.saxutils import escape

from django.conf import settings

RED = "#c8161d"
_FONT = "font-family='Noto Serif CJK SC, Source Han Serif SC' font-weight='700'"


def organ_folder(agency_key: str) -> Path:
    """Where an organ's seal and certificate lie; a key is letters and figures only."""
    return Path(settings.KEYS) / "organs" / (agency_key if agency_key.isalnum() else "-")


def given(agency_key: str) -> Path | None:
    """The image an operator has put there."""
    folder = organ_folder(agency_key)
    return next((p for name in ("seal.svg", "seal.png") if (p := folder / name).is_file()), None)


def image(agency_key: str, agency: str) -> str:
    """The seal as SVG."""
    path = given(agency_key) if agency_key else None
    if path is None:
        return generated(agency)
    if path.suffix == ".svg":
        return path.read_text(encoding="utf-8")
    data = base64.b64encode(path.read_bytes()).decode()
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 420 420' width='420' height='420'>"
        f"<image href='data:image/png;base64,{data}' width='420' height='420'/></svg>"
    )


def generated(agency: str) -> str:
    """Round, with the organ's name on the arc and a star, marked as a demonstration."""
    name = agency.strip()[:40]
    size = min(52.0, 1150 / max(len(name), 1))
    radius = 196 - size
    step = min(2 * math.asin(min(1.0, size * 1.12 / (2 * radius))), math.radians(290) / max(len(name), 1))
    letters = []
    for n, letter in enumerate(name):
        angle = (n - (len(name) - 1) / 2) * step
        x, y = 210 + radius * math.sin(angle), 210 - radius * math.cos(angle)
        letters.append(
            f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size:.1f}' text-anchor='middle' {_FONT}"
            f" transform='rotate({math.degrees(angle):.2f} {x:.1f} {y:.1f})'>{escape(letter)}</text>"
        )
    points = " ".join(
        f"{210 + r * math.sin(math.pi * n / 5):.1f},{205 - r * math.cos(math.pi * n / 5):.1f}"
        for n in range(10)
        for r in [58 if n % 2 == 0 else 22.2]
    )
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 420 420' width='420' height='420'>"
        f"<g fill='{RED}' fill-opacity='0.8'><circle cx='210' cy='210' r='202' fill='none' stroke='{RED}'"
        f" stroke-opacity='0.8' stroke-width='10'/><polygon points='{points}'/>{''.join(letters)}"
        f"<text x='210' y='318' font-size='44' text-anchor='middle' {_FONT}>演示印章</text>"
        f"<text x='210' y='356' font-size='28' text-anchor='middle' {_FONT}>不具法律效力</text></g></svg>"
    )
