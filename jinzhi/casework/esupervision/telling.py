"""Signals in words: what was found, with the days and numbers a person can check; who has to answer, until when."""

from datetime import date

from jinzhi.casework.clocks import UNITS
from jinzhi.casework.esupervision.models import ScoreSheet, Signal
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.people import roles

REASONS = {
    ("F1", "free"): "本事项没有收费项目，收取了 {amount} 元",
    ("F1", "item"): "收取了标准以外的项目 {item}，{amount} 元",
    ("F1", "standard"): "收费 {amount} 元，标准为 {expected} 元",
    ("F1", "receipt"): "收费 {amount} 元，没有票据号码",
    ("F2", "authority"): "减免收费，没有批准依据",
    ("P4", "reason"): "没有说明不予受理、不予许可的理由",
    ("P4", "remedy"): "不予许可，没有制作告知救济途径的决定书",
    ("P5", "untold"): "自 {since} 起因{ground}暂停计时，没有书面告知申请人",
    ("P5", "longer"): "自 {since} 起因{ground}暂停计时，超过告知的 {told} 个工作日",
    ("P6", "approval"): "延长期限没有负责人批准",
    ("P6", "late"): "期限届满后才批准延长",
    ("P6", "untold"): "延长期限的理由没有告知申请人",
    ("P7", "people"): "现场核查人员只有 {people} 人",
    ("P7", "same"): "“{steps}”由同一人办理",
    ("P7", "chair"): "审查人员主持听证（{steps}）",
    ("P9", "agency"): "由其他机构的人员办理",
    ("P9", "post"): "办理时任职已经终止或者尚未开始",
    ("P9", "delegation"): "办理时委托不在有效期内",
    ("P11", "result"): "准予许可的决定没有公开",
    ("D1", "gap"): "办理记录有缺失",
    ("D1", "altered"): "办理记录被改动",
    ("D1", "order"): "办理记录的时间次序颠倒",
}


def _cn(iso: str | None) -> str:
    if not iso:
        return "—"
    day = date.fromisoformat(iso[:10])
    return f"{day.year}年{day.month}月{day.day}日"


def _yuan(cents) -> str:
    return f"{float(cents or 0) / 100:.2f}"


def finding(signal: Signal) -> str:
    """The fact itself, without its case: 「许可决定期限为 10 个工作日，至 2026年3月2日届满，仍未办结」."""
    basis = signal.basis
    if signal.rule.startswith("T"):
        return _limit(signal)
    if signal.rule == "P1":
        parts = [f"漏办“{basis['missing']}”"] if basis.get("missing") else []
        parts += [f"次序颠倒：{basis['reversed']}"] if basis.get("reversed") else []
        return "，".join(parts)
    if signal.rule == "P2":
        return f"先后 {basis['times']} 次要求补正，第一次没有一次性告知全部内容"
    if signal.rule == "P3":
        return f"不予受理后，同一申请人以同样的申请于 {basis['other']} 获得受理"
    if signal.rule == "P8":
        return "应当听证，作出决定前没有举行听证"
    if signal.rule == "P10":
        return (
            f"办理后才录入系统，最多迟 {basis['lag']} 个工作日"
            if basis.get("lag", 0) > 1
            else "不同日期的办理记录集中录入"
        )
    if signal.rule == "P12":
        return f"“{basis.get('step') or ''}”没有制作应当送达的文书"
    if signal.rule == "C1":
        return f"投诉 {basis.get('complaint', '')} 查证{basis.get('finding', '属实')}"
    words = dict(basis) | {"since": _cn(basis.get("since"))} if basis.get("since") else dict(basis)
    words |= {key: _yuan(basis[key]) for key in ("amount", "expected") if basis.get(key) is not None}
    template = REASONS.get((signal.rule, str(basis.get("reason"))))
    return (
        template.format_map({"item": "", "amount": "", "expected": "", **words})
        if template
        else str(basis.get("text", ""))
    )


def _limit(signal: Signal) -> str:
    basis = signal.basis
    limit = (
        f"{basis['clock']}为 {basis['limit']} {UNITS.get(basis['unit'], '日')}"
        if basis["limit"]
        else basis["clock"]
    )
    due = _cn(basis.get("due"))
    match signal.rule:
        case "T1":
            return f"{limit}，至 {due}届满，{_cn(basis['done'])}办结"
        case "T2" | "T3":
            return f"{limit}，至 {due}届满，尚未办结"
    paused = f"（已扣除 {basis['paused']} 日）" if basis.get("paused") else ""
    return f"{limit}{paused}，至 {due}届满，届满时未办结"


def facts(signal: Signal) -> str:
    """The finding with its case, as a document says it."""
    if signal.case is None:
        return f"{finding(signal)}。"
    where = f"“{signal.step_name}”环节，" if signal.step_name else ""
    what = f"{signal.case.subject_name}的{signal.case.title.split('：')[0]}申请"
    return f"{what}（办件编号 {signal.case.number}），{where}{finding(signal)}。"


def responsible(signal: Signal) -> str:
    """西湖区局 窗口受理员 张三; as much of it as is known."""
    parts = [signal.agency.short_name]
    if signal.post:
        parts.append(signal.post.title)
    elif signal.role:
        parts.append(f"{roles.name(signal.role)}岗位")
    if signal.account:
        parts.append(signal.account.name)
    return " ".join(parts)


def due(signal: Signal, rule: str) -> date:
    """The last day to reply, appeal or correct, counted from the day of the (last) card."""
    start = signal.escalated_on or signal.raised_on
    if rule == "esupervision.appeal_decision":
        start = signal.appealed_on or start
    if rule == "esupervision.correction":
        start = signal.decided_on or start
    limit = rules.value(rule, on=start)
    return calendar.due(start, int(limit.value), limit.unit).date


def period(sheet: ScoreSheet) -> str:
    """2026年10月, 2026年第三季度."""
    year, month = sheet.start.year, sheet.start.month
    match sheet.period:
        case "month":
            return f"{year}年{month}月"
        case "quarter":
            return f"{year}年第{'一二三四'[(month - 1) // 3]}季度"
        case "half":
            return f"{year}年{'上' if month == 1 else '下'}半年"
    return f"{year}年度"
