"""What people type: a complaint, what becomes of one, points of a score entered by hand."""

from django import forms

from jinzhi.casework.esupervision import complaints, rulebook
from jinzhi.casework.esupervision.models import Complaint
from jinzhi.casework.esupervision.scoring import DISCIPLINE
from jinzhi.foundation.people.models import Agency
from jinzhi.web.forms import PlainWords


def _dress(form: forms.BaseForm) -> None:
    for field in form.fields.values():
        select = isinstance(field.widget, forms.Select)
        field.widget.attrs.setdefault("class", "form-select" if select else "form-control")


class ComplaintForm(PlainWords, forms.Form):
    """From anybody. Name and phone may be left out: then it is anonymous and gets no answer."""

    subject = forms.ChoiceField(label="反映的问题", choices=[("", "请选择"), *complaints.SUBJECTS.items()])
    agency = forms.ModelChoiceField(
        Agency.objects.none(),
        label="被投诉的机构",
        required=False,
        empty_label="请选择（填了办件编号可以不选）",
    )
    case = forms.CharField(
        label="办件编号", required=False, max_length=40, help_text="知道的话请填写，便于核查"
    )
    text = forms.CharField(
        label="具体情况", max_length=4000, widget=forms.Textarea(attrs={"rows": 7, "wide": True}),
        help_text="什么时间、在哪个窗口或者网上、办什么事、发生了什么",
    )  # fmt: skip
    name = forms.CharField(
        label="您的姓名", required=False, max_length=40, help_text="不填为匿名投诉：照样核查，但无法答复您"
    )
    phone = forms.CharField(label="联系电话", required=False, max_length=40)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        agency = self.fields["agency"]
        assert isinstance(agency, forms.ModelChoiceField)
        agency.queryset = Agency.objects.filter(valid_to=None)
        _dress(self)

    def clean(self) -> dict:
        data = super().clean() or {}
        if not data.get("agency") and not data.get("case"):
            self.add_error("agency", "请选择被投诉的机构，或者填写办件编号")
        if 0 < len(data.get("text", "")) < 10:
            self.add_error("text", "请把具体情况写清楚，至少十个字")
        return data


class AdjustmentForm(PlainWords, forms.Form):
    """Points that no signal tells: openness, later supervision, integrity, discipline."""

    agency = forms.ModelChoiceField(Agency.objects.none(), label="机构", empty_label="请选择")
    item = forms.ChoiceField(
        label="项目",
        choices=[
            ("", "请选择"),
            ("评分项目", list(rulebook.SECTIONS.items())),
            ("纪律处分（计入年度总分）", [(f"discipline:{k}", v) for k, v in DISCIPLINE.items()]),
        ],
    )  # fmt: skip
    day = forms.DateField(label="发生日期", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    points = forms.DecimalField(
        label="扣分", max_digits=5, decimal_places=1, min_value=-20, max_value=50, required=False,
        help_text="负数为加分；纪律处分按规定分值，不用填",
    )  # fmt: skip
    reason = forms.CharField(
        label="事实和依据", max_length=300, widget=forms.Textarea(attrs={"rows": 3, "wide": True})
    )

    def __init__(self, *args, agencies=(), **kwargs):
        super().__init__(*args, **kwargs)
        agency = self.fields["agency"]
        assert isinstance(agency, forms.ModelChoiceField)
        agency.queryset = Agency.objects.filter(pk__in=[a.pk for a in agencies])
        _dress(self)

    def clean(self) -> dict:
        data = super().clean() or {}
        if not str(data.get("item", "")).startswith("discipline:") and not data.get("points"):
            self.add_error("points", "请填写扣分（或者以负数填写加分）")
        return data


FINDINGS = Complaint.Finding.choices
