"""What changed between two versions of a procedure: steps, limits with their numbers, form, articles."""

from dataclasses import dataclass
from datetime import date

from jinzhi.casework import reading
from jinzhi.casework.models import ProcedureVersion
from jinzhi.casework.procedures import Procedure
from jinzhi.foundation import forms

ADDED, REMOVED, CHANGED, SAME = "added", "removed", "changed", "same"
TYPES = {
    "text": "文字", "long_text": "长文字", "integer": "整数", "decimal": "小数", "boolean": "是或否", "date": "日期",
    "choice": "单选", "multi_choice": "多选", "code_set": "代码表", "code": "代码", "place": "地区", "phone": "电话",
}  # fmt: skip
WORDS = {ADDED: "新增", REMOVED: "删除", CHANGED: "改动", SAME: "未变"}


@dataclass(frozen=True)
class Line:
    """One thing said differently; `old` or `new` is empty where it was not said."""

    label: str
    old: str
    new: str


@dataclass(frozen=True)
class Part:
    """A step, a limit or a question of the form: added, removed, changed (and how) or the same."""

    name: str
    state: str
    lines: tuple[Line, ...] = ()

    @property
    def word(self) -> str:
        return WORDS[self.state]


@dataclass(frozen=True)
class Comparison:
    old: ProcedureVersion
    new: ProcedureVersion
    old_day: date
    new_day: date
    head: tuple[Line, ...]
    steps: tuple[Part, ...]
    limits: tuple[Part, ...]
    fields: tuple[Part, ...]

    @property
    def same(self) -> bool:
        every = (*self.steps, *self.limits, *self.fields)
        return not self.head and all(p.state == SAME for p in every)


def compare(old: ProcedureVersion, new: ProcedureVersion) -> Comparison:
    """Both versions with the limits of their own days; a step renamed in `takes_over` is the same step."""
    a, b = old.procedure, new.procedure
    old_day, new_day = reading.day_of(old), reading.day_of(new)
    mapping = b.mapping_from(a.version) or {}
    return Comparison(
        old,
        new,
        old_day,
        new_day,
        head=_lines(_head(a), _head(b)),
        steps=_parts(
            {mapping.get(k, k): (s.name, reading.facts(a, s, old_day)) for k, s in a.steps.items()},
            {k: (s.name, reading.facts(b, s, new_day)) for k, s in b.steps.items()},
        ),
        limits=_parts(_limits(a, old_day), _limits(b, new_day)),
        fields=_parts(_fields(a), _fields(b)),
    )


def _lines(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> tuple[Line, ...]:
    before, after = dict(old), dict(new)
    labels = [*before, *(label for label in after if label not in before)]
    return tuple(
        Line(label, before.get(label, ""), after.get(label, ""))
        for label in labels
        if before.get(label, "") != after.get(label, "")
    )


Described = dict[str, tuple[str, list[tuple[str, str]]]]  # key -> name, what is said of it


def _parts(old: Described, new: Described) -> tuple[Part, ...]:
    """Parts in the order of the new version, each removed one after the part it followed."""
    order = list(new)
    for position, key in enumerate(old):
        if key not in new:
            before = [k for k in list(old)[:position] if k in order]
            order.insert(order.index(before[-1]) + 1 if before else 0, key)
    return tuple(_part(old.get(key), new.get(key)) for key in order)


def _part(old, new) -> Part:
    if old is None:
        return Part(new[0], ADDED, _lines([], new[1]))
    if new is None:
        return Part(old[0], REMOVED, _lines(old[1], []))
    lines = _lines([("名称", old[0]), *old[1]], [("名称", new[0]), *new[1]])
    return Part(new[0], CHANGED if lines else SAME, lines)


def _head(p: Procedure) -> list[tuple[str, str]]:
    form = forms.get(p.form, p.form_version)
    return [
        ("名称", p.name),
        ("事项", p.matter),
        ("依据", p.law),
        ("规则集", p.rule_set),
        ("施行", p.valid_from.isoformat()),
        ("失效", p.valid_to.isoformat() if p.valid_to else ""),
        ("申请表", f"《{form.title}》第 {form.version} 版"),
        ("从哪里开始", p.steps[p.start].name),
        ("可以撤回申请", "是" if p.withdrawable else "否"),
        ("依职权启动", "是" if p.ex_officio else "否"),
        ("停止受理", p.closed),
        *((f"期限届满：{d.label}", f"{p.clocks[d.clock].title}；{d.law}") for d in p.deadlines),
    ]


def _limits(p: Procedure, on: date) -> Described:
    return {
        row.key: (
            row.title,
            [
                ("长度", row.length),
                ("承诺", row.promised),
                ("可延长", row.extension),
                ("义务人", row.owner),
                ("依据", row.value.basis if row.value else ""),
                ("起算", row.starts),
                ("停止", row.stops),
            ],
        )
        for row in reading.limits(p, on)
    }


def _fields(p: Procedure) -> Described:
    form = forms.get(p.form, p.form_version)
    return {
        f"{section.key}.{f.key}": (
            f"{section.title} · {f.label}",
            [
                ("必填", "是" if f.required else "否"),
                ("类型", "附件" if section.kind == "attachments" else TYPES.get(f.type, f.type)),
                ("条件", "、".join(f"{path}={value}" for path, value in f.show_if.items())),
                ("选项", "、".join(label for _, label in f.choices)),
                ("单位", f.unit),
            ],
        )
        for section in form.sections
        for f in section.fields
    }
