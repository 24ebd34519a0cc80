"""Division codes 行政区划代码: 6 digits (GB/T 2260), or 9 and 12 digits of the statistical classification."""

from datetime import date

from jinzhi.foundation.codes import regions
from jinzhi.foundation.codes.answer import Answer
from jinzhi.foundation.codes.normal import DIGITS, length, normalize, only

ZONE = "7"  # fifth digit of the statistical codes of development zones


def check(value: str, on: date, asked: bool = False) -> Answer:
    """Whether the division exists on the day `on`; `asked`: the caller named that day himself."""
    answer = normalize("division", value)
    if not length(answer, 6, 9, 12) or not only(answer, DIGITS, "数字"):
        return answer
    code, below = answer.normalized[:6], answer.normalized[6:]
    answer.parts = {"code": code, "province": regions.province(code)}
    if not regions.province(code):
        answer.error("province", f"前两位 {code[:2]} 不是省级代码")
        return answer
    lives = regions.periods(code)
    if lives:
        _existence(answer, lives, on, asked)
    elif code[4] == ZONE:
        answer.warn("zone", f"{code} 是开发区等的统计用代码，不在 GB/T 2260 之列，未核对")
    else:
        answer.error("unknown", f"没有查到区划代码 {code}")
        return answer
    if below.strip("0"):
        answer.warn("below_county", f"只核对到县级（{code}），其下的 {below} 未核对")
    return answer


def _existence(answer: Answer, lives: tuple[regions.Period, ...], on: date, asked: bool) -> None:
    held = next((life for life in lives if life.held_on(on)), None)
    if held:
        answer.parts["name"] = held.name
        return
    ended = [(life, life.last) for life in lives if life.last and life.last <= on]
    if not ended:
        first = lives[0].first
        answer.error("not_yet", f"{lives[0].name} 自 {first} 起设立，{on} 时尚不存在")
        return
    last, gone = ended[-1]
    answer.parts |= {"name": last.name, "successor": last.successor}
    only_year = (gone.month, gone.day) == (1, 1) and not last.successor  # as python-stdnum knows it
    when = f"{gone.year - 1} 年" if only_year else f"{gone:%Y-%m}"
    into = f"，并入 {last.successor} {regions.name(last.successor)}" if last.successor else ""
    then = f"，{on} 时已不存在" if asked else ""
    answer.warn("abolished", f"{last.name}已于 {when} 撤销{into}{then}")
