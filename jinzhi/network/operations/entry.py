"""Django forms of the pages: ledger lines, faults, changes, incidents, duty, qualifications, plans."""

from datetime import timedelta
from functools import cache
from typing import Any

from django import forms
from django.utils import timezone

from jinzhi.foundation import calendar
from jinzhi.foundation import forms as definitions
from jinzhi.foundation.people.models import Account, Agency
from jinzhi.network.operations import nodes
from jinzhi.network.operations.ledgers import BASE, LEDGERS, PREFIXES
from jinzhi.network.operations.models import Assignment, Duty, InspectionPlan, Qualification
from jinzhi.web.forms import PlainWords

MOMENT = "%Y-%m-%dT%H:%M"


class Day(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%Y-%m-%d")


class Moment(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self, attrs=None):
        super().__init__(attrs, format=MOMENT)


def wide(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "wide": True})


def agencies(post, *, own_only: bool = False) -> list[tuple[str, str]]:
    """Bureaus within the range of the post, its own first."""
    own = post.agency
    if own_only:
        return [(own.key, own.name)]
    from jinzhi.foundation.places.scope import jurisdiction

    found = Agency.objects.filter(place__range=jurisdiction(own.place), valid_to=None).order_by("place")
    return [(own.key, own.name), *((a.key, a.name) for a in found if a.key != own.key)]


def staff(agency_keys: list[str]) -> list[tuple[int, str]]:
    """People who do the work of the network in these bureaus today."""
    today = calendar.today()
    found = Account.objects.filter(
        posts__agency__key__in=agency_keys, posts__powers__role__in=("operator", "operations_manager"), is_active=True,
        posts__valid_from__lte=today,
    ).exclude(posts__valid_to__lt=today)  # fmt: skip
    rows = found.distinct().order_by("name").values_list("pk", "name", "posts__agency__short_name")
    return list({pk: (pk, f"{name}（{agency}）") for pk, name, agency in rows}.values())


class Plain(PlainWords, forms.Form):
    pass


@cache
def ledger_form(key: str) -> type[forms.ModelForm]:
    """The form of a ledger, from its model; the bureau is a choice within the post's range."""
    ledger = LEDGERS[key]
    names = [n for n in BASE if n != "owned_by"] + list(ledger.fields)
    widgets: dict[str, Any] = {"note": forms.Textarea(attrs={"rows": 2, "wide": True})}
    for name in ledger.fields:
        if name.endswith(("_on", "_until")):
            widgets[name] = Day()
    meta = type("Meta", (), {"model": ledger.model, "fields": names, "widgets": widgets})
    body = {"Meta": meta, "owned_by": forms.ChoiceField(label="归属机构"), "field_order": list(BASE)}
    return type(f"{ledger.model.__name__}Form", (PlainWords, forms.ModelForm), body)


def next_number(key: str, agency: str) -> str:
    """A free number to begin with: SB-330100-0007."""
    stem = f"{PREFIXES[key]}-{agency}-"
    held = LEDGERS[key].model.objects.filter(number__startswith=stem).values_list("number", flat=True)  # type: ignore[attr-defined]
    numbers = [int(n.removeprefix(stem)) for n in held if n.removeprefix(stem).isdecimal()]
    return f"{stem}{max(numbers, default=0) + 1:04d}"


class YamlForm(Plain):
    """The questions of a form definition as a page asks them; `data` gives back its nested answers."""

    key = ""

    def __init__(self, *args, post, **kwargs):
        super().__init__(*args, **kwargs)
        from jinzhi.foundation.places.scope import jurisdiction

        self.definition = definitions.get(self.key, 1)
        choices = list(nodes.within(*jurisdiction(post.agency.place)).items())
        for section in self.definition.sections:
            for field in section.fields:
                if field.key == "origin":  # known by the network alone
                    continue
                self.fields[f"{section.key}.{field.key}"] = self._field(field, choices)
        self.speak_plainly()

    @staticmethod
    def _field(field, choices) -> forms.Field:
        plain: dict[str, Any] = {"label": field.label, "required": field.required, "help_text": field.help}
        if field.key == "node":
            return forms.ChoiceField(choices=choices, **plain)
        if field.key in ("began", "found", "starts", "ends", "told"):
            return forms.DateTimeField(
                widget=Moment(), input_formats=[MOMENT, "%Y-%m-%d %H:%M"],
                error_messages={"invalid": f"{field.label}应为日期和时间。"}, **plain,
            )  # fmt: skip
        if field.type == "choice":
            return forms.ChoiceField(choices=[("", "请选择"), *field.choices], **plain)
        if field.type == "long_text":
            return forms.CharField(widget=wide(), max_length=2000, **plain)
        return forms.CharField(max_length=field.max_length or 200, **plain)

    def data_of(self) -> dict:
        found: dict[str, dict] = {}
        for name, value in self.cleaned_data.items():
            section, key = name.split(".")
            if hasattr(value, "strftime"):
                value = timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
            found.setdefault(section, {})[key] = value or ""
        return found


class FaultForm(YamlForm):
    key = "network_fault"


class ChangeForm(YamlForm):
    key = "network_change"


class IncidentForm(YamlForm):
    key = "security_incident"


class DutyForm(Plain):
    account = forms.TypedChoiceField(label="值班人", coerce=int)
    kind = forms.ChoiceField(label="班次", choices=Duty.Kind.choices)
    starts = forms.DateTimeField(label="开始", widget=Moment(), input_formats=[MOMENT])
    ends = forms.DateTimeField(label="结束", widget=Moment(), input_formats=[MOMENT])
    phone = forms.CharField(label="值班电话", max_length=40)
    repeat = forms.IntegerField(
        label="连排天数", min_value=1, max_value=31, initial=1, help_text="同一时段连续排几天。"
    )

    def __init__(self, *args, post, **kwargs):
        super().__init__(*args, **kwargs)
        assert isinstance(self.fields["account"], forms.TypedChoiceField)
        self.fields["account"].choices = [("", "请选择"), *staff([post.agency.key])]

    def turns(self):
        first, last = self.cleaned_data["starts"], self.cleaned_data["ends"]
        return [
            (first + timedelta(days=n), last + timedelta(days=n)) for n in range(self.cleaned_data["repeat"])
        ]


class CertificateForm(Plain):
    account = forms.TypedChoiceField(label="人员", coerce=int)
    kind = forms.ChoiceField(label="种类", choices=Qualification.Kind.choices)
    number = forms.CharField(label="证书编号", max_length=40)
    score = forms.DecimalField(label="考试成绩", min_value=0, max_value=100, max_digits=4, decimal_places=1)
    issued_on = forms.DateField(label="发证日期", widget=Day())
    course = forms.CharField(label="培训班", max_length=80, required=False)
    hours = forms.IntegerField(label="学时", min_value=0, max_value=2000, required=False)

    def __init__(self, *args, post, **kwargs):
        super().__init__(*args, **kwargs)
        assert isinstance(self.fields["account"], forms.TypedChoiceField)
        self.fields["account"].choices = [("", "请选择"), *staff([k for k, _ in agencies(post)])]


class AssignmentForm(Plain):
    account = forms.TypedChoiceField(label="人员", coerce=int)
    position = forms.ChoiceField(label="岗位", choices=Assignment.Position.choices)
    since = forms.DateField(label="上岗日期", widget=Day())
    phone = forms.CharField(label="值班电话", max_length=40)

    def __init__(self, *args, post, **kwargs):
        super().__init__(*args, **kwargs)
        assert isinstance(self.fields["account"], forms.TypedChoiceField)
        self.fields["account"].choices = [("", "请选择"), *staff([post.agency.key])]


class PlanForm(Plain):
    title = forms.CharField(label="名称", max_length=80)
    cycle = forms.ChoiceField(label="周期", choices=InspectionPlan.Cycle.choices)
    since = forms.DateField(label="开始执行", widget=Day())
    items = forms.CharField(label="检查项目（一行一项）", widget=wide(8), max_length=4000)

    def clean_items(self) -> list[str]:
        lines = [line.strip()[:120] for line in self.cleaned_data["items"].splitlines() if line.strip()]
        if not 1 <= len(lines) <= 60:
            raise forms.ValidationError("请填写 1 至 60 项。")
        return lines
