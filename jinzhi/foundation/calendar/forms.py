"""The form of a holiday notice."""

from django import forms

from jinzhi.foundation.calendar.building import LAST
from jinzhi.foundation.calendar.parser import LONGEST_TEXT
from jinzhi.foundation.calendar.plausibility import EARLIEST_YEAR


class NoticeForm(forms.Form):
    """`digest`, `number`, `issued_on` and `replace` belong to the second step, after the preview."""

    year = forms.IntegerField(
        label="通知安排的年份",
        min_value=EARLIEST_YEAR,
        max_value=LAST.year,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages={"invalid": "请填写四位年份，如 2027", "required": "请填写年份"},
    )
    text = forms.CharField(
        label="通知正文",
        max_length=LONGEST_TEXT,
        strip=False,
        help_text="从政府网站复制国务院办公厅通知的全文，连同标题、文号和落款。",
        widget=forms.Textarea(attrs={"rows": 14, "wide": True}),
        error_messages={"required": "请粘贴通知正文", "max_length": "文字过长，请只粘贴通知正文"},
    )
    digest = forms.CharField(required=False, widget=forms.HiddenInput)
    number = forms.CharField(label="文号", max_length=40, required=False)
    issued_on = forms.DateField(
        label="发文日期",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": "请写作 2026-11-04"},
    )
    replace = forms.BooleanField(label="替换已生效的通知", required=False)

    def clean_text(self) -> str:
        """One kind of line ends, so that the text previewed and the text confirmed are the same."""
        return self.cleaned_data["text"].replace("\r\n", "\n")
