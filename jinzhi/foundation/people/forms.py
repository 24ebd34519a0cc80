"""The form of a delegation."""

from django import forms

from . import delegation
from .models import Post


class ColleagueField(forms.ModelChoiceField):
    def label_from_instance(self, obj):
        return f"{obj.account.name} · {obj.title}"


class DelegationForm(forms.Form):
    to_post = ColleagueField(queryset=Post.objects.none(), label="委托给", empty_label="请选择本机构的同事")
    starts = forms.DateField(label="开始日期", widget=forms.DateInput(attrs={"type": "date"}))
    ends = forms.DateField(label="结束日期（含当天）", widget=forms.DateInput(attrs={"type": "date"}))
    procedures = forms.MultipleChoiceField(
        label="事项（不选为全部）", required=False, widget=forms.CheckboxSelectMultiple
    )
    reason = forms.CharField(label="事由", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args, post, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["to_post"].error_messages["required"] = "请选择受托的同事。"
        self.fields["starts"].error_messages["required"] = "请选择开始日期。"
        self.fields["ends"].error_messages["required"] = "请选择结束日期。"
        self.fields["reason"].error_messages["required"] = "请写明委托事由。"
        colleague = self.fields["to_post"]
        assert isinstance(colleague, ColleagueField)
        colleague.queryset = delegation.candidates(post)
        matters = self.fields["procedures"]
        assert isinstance(matters, forms.MultipleChoiceField)
        matters.choices = delegation.matters(post)
