"""Addresses in one form, by the same kind of steps as names: street words, directions, what is not the place itself.

`key` is the number with the street (Chinese: the street with its number): what two writings of one address share.
"""

from jinzhi.registry import names
from jinzhi.registry.names import Step

_STREET_WORDS = {
    "STREET": "ST", "STR": "ST", "AVENUE": "AVE", "AV": "AVE", "AVENU": "AVE", "BOULEVARD": "BLVD", "BOUL": "BLVD",
    "ROAD": "RD", "DRIVE": "DR", "DRV": "DR", "PLACE": "PL", "COURT": "CT", "LANE": "LN", "PARKWAY": "PKWY",
    "PKY": "PKWY", "HIGHWAY": "HWY", "TERRACE": "TER", "TERR": "TER", "CIRCLE": "CIR", "CIRCUIT": "CCT",
    "CRESCENT": "CRES", "SQUARE": "SQ", "PLAZA": "PLZ", "CENTER": "CTR", "CENTRE": "CTR", "SUITE": "STE",
    "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W", "SAINT": "ST", "MOUNT": "MT", "FLOOR": "FL",
    "MARTIN LUTHER KING JR": "KING", "DR MARTIN LUTHER KING JR": "KING", "MARTIN LUTHER KING": "KING", "MLK": "KING",
    "FIRST": "1ST", "SECOND": "2ND", "THIRD": "3RD", "FOURTH": "4TH", "FIFTH": "5TH", "SIXTH": "6TH",
    "SEVENTH": "7TH", "EIGHTH": "8TH", "NINTH": "9TH", "TENTH": "10TH",
}  # fmt: skip


def _street_steps() -> list[Step]:
    longer_first = sorted(_STREET_WORDS.items(), key=lambda pair: -len(pair[0]))
    targets: dict[str, list[str]] = {}
    for word, target in longer_first:
        targets.setdefault(target, []).append(word)
    return [Step("sub", f" (?:{'|'.join(found)}) ", f" {target} ") for target, found in targets.items()]


LATIN: list[Step] = [
    Step("sub", "['.]"),
    Step("sub", "[^0-9A-Z]+", " "),
    Step("sub", "^ *(.*?) *$", r" \1 "),
    *_street_steps(),
    Step("sub", "^ +| +$"),
]
LATIN_KEY = r"([0-9]+)[A-Z]? (?:[0-9]+ )?(?:(?:N|S|E|W|NE|NW|SE|SW) )?([0-9A-Z]+)"  # number, street
HAN: list[Step] = [
    Step("sub", f"[^0-9A-Z{names.HAN}]", ""),
    Step("sub", "^[^0-9]*(?:自治区|省|市|区|县|旗|镇|乡|街道)", ""),
]
HAN_KEY = "^[^0-9]*[0-9]+"
