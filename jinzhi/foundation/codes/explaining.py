"""Each scheme explained: how a code is built, how its check character is worked out, step by step for a typed code.

Suggestions are what a person may compare with the paper; nothing is ever repaired.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from jinzhi.foundation.codes import citizen_id, food_licence, gtin, organization_code, schemes, uscc
from jinzhi.foundation.codes.answer import Answer

MOST_CANDIDATES = 24


@dataclass(frozen=True)
class Segment:
    """A part of the code: places `first`–`last` (from 1) and what they say."""

    first: int
    last: int
    title: str

    @property
    def places(self) -> str:
        return f"第 {self.first} 位" if self.first == self.last else f"第 {self.first}–{self.last} 位"


@dataclass(frozen=True)
class Guide:
    """What the page of a scheme says. `example` is right; `rule` tells the arithmetic in words."""

    about: str
    segments: tuple[Segment, ...]
    rule: str
    example: str
    traps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Term:
    place: int
    character: str
    value: int
    weight: int
    product: int


@dataclass
class Steps:
    """One check character worked out: a table of terms (or of states) and the sentences after it."""

    title: str
    terms: list[Term] = field(default_factory=list)
    states: list[tuple[str, int, int]] = field(default_factory=list)  # (digit, sum, P)
    lines: list[str] = field(default_factory=list)
    expected: str = ""
    given: str = ""

    @property
    def right(self) -> bool:
        return self.expected == self.given


@dataclass(frozen=True)
class Candidate:
    """A right code one slip away from what was typed."""

    code: str
    slip: str


def _segments(*parts: tuple[int, int, str]) -> tuple[Segment, ...]:
    return tuple(Segment(*part) for part in parts)


GUIDES: dict[str, Guide] = {
    "organization_code": Guide(
        "1997 年至 2015 年 9 月的组织机构代码；之后成为统一社会信用代码的第 9–17 位。代码终身不变，注销后也不再赋予他人。",
        _segments((1, 8, "本体代码：数字或大写字母"), (9, 9, "校验码：数字或 X")),
        "每位的值（0–9 为 0–9，A–Z 为 10–35）乘以权数 3 7 9 10 5 8 4 2，相加后除以 11 取余数；"
        "校验码为 11 减余数，10 写作 X，11 写作 0。",
        "00001434-9",
        ("印刷时在校验码前加短横，输入时可有可无。", "模 11 分不清某些字母，如 0、B、M、X 互换时校验码不变。"),
    ),
    "uscc": Guide(
        "2015 年 10 月 1 日起企业和其他组织的唯一代码，内含组织机构代码。",
        _segments(
            (1, 1, "登记管理部门"), (2, 2, "机构类别"), (3, 8, "登记机关行政区划"), (9, 17, "主体标识码（组织机构代码）"),
            (18, 18, "校验码"),
        ),
        "字符集为 0–9 和大写字母，不用 I、O、S、V、Z，依次取值 0–30；每位的值乘以 3 的（位次减一）次方除以 31 的余数，"
        "相加后除以 31 取余数；校验码的值为 31 减余数（31 取 0）。第 9–17 位还要单独通过组织机构代码的校验。",
        "91350100M000100Y43",
        (
            "字母 I、O、S、Z 不会出现，多半是 1、0、5、2 抄错。",
            "登记机关区划撤并后代码不变，撤销的区划码属正常。",
            "早期个体工商户的内层校验码可能不符，只作提示。",
        ),
    ),
    "citizen_id": Guide(
        "公民身份号码。15 位号码自 2013 年 1 月 1 日起停用，只在此前的记录中有效。",
        _segments((1, 6, "首次登记地区划"), (7, 14, "出生日期"), (15, 17, "顺序码，末位奇数为男、偶数为女"), (18, 18, "校验码")),
        "前 17 位分别乘以权数 7 9 10 5 8 4 2 1 6 3 7 9 10 5 8 4 2，相加后除以 11 取余数；"
        "余数 0–10 依次对应校验码 1 0 X 9 8 7 6 5 4 3 2。",
        "11010519491231002X",
        ("区划码是首次登记时的，查不到只作提示。", "小写 x 按 X 核对。"),
    ),
    "gtin": Guide(
        "商品条码：EAN-13、EAN-8、UPC-A 和箱码 ITF-14。",
        _segments((1, 3, "前缀（690–699 为中国）"), (4, 12, "厂商和商品"), (13, 13, "校验码（EAN-13）")),
        "从校验码左边一位起，自右向左依次乘以 3、1、3、1……，相加；校验码为 10 减和的个位（10 取 0）。",
        "6901234567892",
        ("前缀 020–029、040–049、200–299 是店内码；977–979 是书刊。",),
    ),
    "food_licence": Guide(
        "食品生产许可证编号，2015 年 10 月起为 SC 加 14 位数字。",
        _segments(
            (1, 2, "SC"), (3, 5, "食品类别"), (6, 7, "省"), (8, 9, "市"), (10, 11, "县"), (12, 15, "顺序码"),
            (16, 16, "校验码"),
        ),
        "ISO 7064 MOD 11,10：P 从 10 开始；每位数字与 P 相加取个位（0 作 10），乘以 2 除以 11 取余数得新的 P；"
        "最后校验码为 11 减 P 的个位。",
        "SC11333019700024",
        ("相邻两位对调约有四十分之一查不出来，还应当查登记。",),
    ),
    "food_licence_qs": Guide(
        "2003–2015 年的食品生产许可证编号。",
        _segments((1, 2, "QS"), (3, 6, "受理机关区划"), (7, 10, "产品类别"), (11, 14, "顺序号")),
        "没有校验码，只核对位数、区划和产品类别。", "QS330101010001",
    ),
    "special_equipment_licence": Guide(
        "特种设备生产和充装许可证编号。",
        _segments((1, 2, "TS"), (3, 3, "类别"), (4, 4, "设备种类"), (5, 6, "发证机关"), (7, 9, "顺序号"), (10, 13, "到期年份")),
        "没有校验码，只核对结构。", "TS2233001-2030",
    ),
    "measuring_instrument_licence": Guide(
        "制造计量器具许可证编号，2017 年底取消。",
        _segments((1, 2, "省份简称和“制”"), (3, 4, "市"), (5, 6, "县"), (7, 10, "顺序号"), (11, 11, "号")),
        "没有校验码，只核对结构。", "浙制01060001号",
    ),
    "type_approval": Guide(
        "计量器具型式批准证书编号。",
        _segments((1, 4, "年份"), (5, 5, "计量器具类别"), (6, 8, "顺序号，从 101 起"), (9, 10, "省份")),
        "没有校验码，只核对结构。", "2020F123-33",
    ),
    "division": Guide(
        "行政区划代码（GB/T 2260）；9 位和 12 位为统计用区划代码。",
        _segments((1, 2, "省"), (3, 4, "市"), (5, 6, "县"), (7, 9, "乡镇"), (10, 12, "村")),
        "没有校验码，按日期查区划沿革：当日是否存在，撤销的并入何处。", "330106",
    ),
}  # fmt: skip


def steps(answer: Answer) -> list[Steps]:
    """How the check characters of a code of the right form are worked out; nothing for other forms."""
    code = answer.normalized
    work = _WORK.get(answer.scheme)
    try:
        return list(work(code)) if work else []
    except (ValueError, IndexError):  # a character outside the alphabet, another length
        return []


def _weighted(title: str, code: str, alphabet: str, weights: tuple[int, ...], first: int = 1) -> Steps:
    terms = [
        Term(first + n, c, alphabet.index(c), w, alphabet.index(c) * w)
        for n, (c, w) in enumerate(zip(code, weights, strict=True))
    ]
    return Steps(title, terms)


def _conclude(found: Steps, modulus: int, given: str, expected: str, rule: str) -> Steps:
    total = sum(term.product for term in found.terms)
    found.lines = [
        f"合计 {total}，除以 {modulus} 余 {total % modulus}",
        rule.format(rest=total % modulus, expected=expected),
    ]
    found.expected, found.given = expected, given
    return found


def _organization(code: str, first: int = 1, title: str = "组织机构代码的校验码") -> Iterator[Steps]:
    if len(code) != 9:
        return
    found = _weighted(title, code[:8], organization_code.ALPHABET, organization_code.WEIGHTS, first)
    expected = organization_code.check_character(code[:8])
    yield _conclude(found, 11, code[8], expected, "11 减 {rest}，校验码应为 {expected}")


def _uscc(code: str) -> Iterator[Steps]:
    if len(code) != 18:
        return
    yield from _organization(code[8:17], 9, "第 9–17 位（组织机构代码）的校验码")
    found = _weighted("第 18 位校验码", code[:17], uscc.ALPHABET, uscc.WEIGHTS)
    expected = uscc.check_character(code[:17])
    value = uscc.ALPHABET.index(expected)
    yield _conclude(
        found, 31, code[17], expected, f"31 减 {{rest}}（31 取 0）得 {value}，对应的字符是 {{expected}}"
    )


def _citizen(code: str) -> Iterator[Steps]:
    if len(code) != 18:
        return
    found = _weighted("第 18 位校验码", code[:17], "0123456789", citizen_id.WEIGHTS)
    expected = citizen_id.check_character(code[:17])
    yield _conclude(found, 11, code[17], expected, "余数 {rest} 对应的校验码是 {expected}")


def _gtin(code: str) -> Iterator[Steps]:
    if len(code) not in gtin.NAMES:
        return
    weights = tuple(3 if (len(code) - 1 - n) % 2 else 1 for n in range(len(code) - 1))
    found = _weighted(f"第 {len(code)} 位校验码（{gtin.NAMES[len(code)]}）", code[:-1], "0123456789", weights)
    yield _conclude(
        found, 10, code[-1], gtin.check_digit(code[:-1]), "10 减 {rest}（10 取 0），校验码应为 {expected}"
    )


def _licence(code: str) -> Iterator[Steps]:
    if len(code) != 16 or not code.startswith("SC"):
        return
    found, p = Steps("第 16 位校验码"), 10
    for digit in code[2:15]:
        total = (p + int(digit)) % 10 or 10
        p = total * 2 % 11
        found.states.append((digit, total, p))
    found.expected, found.given = food_licence.food_licence_check_digit(code[2:15]), code[15]
    found.lines = [f"最后的 P 为 {p}，11 减 {p} 取个位，校验码应为 {found.expected}"]
    yield found


_WORK = {
    "organization_code": _organization,
    "uscc": _uscc,
    "citizen_id": _citizen,
    "gtin": _gtin,
    "food_licence": _licence,
}
_ALPHABETS = {
    "organization_code": organization_code.ALPHABET,
    "uscc": uscc.ALPHABET,
    "citizen_id": "0123456789X",
    "gtin": "0123456789",
    "food_licence": "0123456789",
}
_ALIKE = {"I": "1", "O": "0", "S": "5", "Z": "2", "B": "8", "Q": "0", "D": "0", "L": "1", "V": "UY", "G": "6"}


def candidates(answer: Answer, on: date) -> list[Candidate]:
    """Right codes one character or one exchange of neighbours away, those of characters that look alike first.

    Only suggestions: the paper decides.
    """
    code, alphabet = answer.normalized, _ALPHABETS.get(answer.scheme, "")
    if answer.valid or not alphabet or not 8 <= len(code) <= 18:
        return []
    found: dict[str, Candidate] = {}
    alike = [slip for slip in _slips(code, alphabet) if slip[2]]
    others = [slip for slip in _slips(code, alphabet) if not slip[2]]
    for other, words, _ in [*alike, *others]:
        if other not in found and _right(answer.scheme, other, on):
            found[other] = Candidate(other, words)
            if len(found) == MOST_CANDIDATES:
                break
    return list(found.values())


def _right(scheme: str, code: str, on: date) -> bool:
    return schemes.check(scheme, code, on).valid


def _slips(code: str, alphabet: str) -> Iterator[tuple[str, str, bool]]:
    """(another code, the slip in words, whether it is a usual one)."""
    for n in range(len(code) - 1):
        if code[n] != code[n + 1]:
            other = code[:n] + code[n + 1] + code[n] + code[n + 2 :]
            yield other, f"第 {n + 1}、{n + 2} 位对调", True
    for n, c in enumerate(code):
        for other in alphabet:
            if other != c:
                usual = other in _ALIKE.get(c, "") or c in _ALIKE.get(other, "")
                yield code[:n] + other + code[n + 1 :], f"第 {n + 1} 位 {c} 写作 {other}", usual
