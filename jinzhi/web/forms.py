"""Forms speak plainly: an empty field is told by its name, not as "this field"."""

from django import forms


def choose_from(form: forms.BaseForm, name: str, queryset, label=None) -> None:
    """Offer these rows in the field `name`; `label(row)` says how each reads."""
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = queryset
    if label:
        field.label_from_instance = label  # type: ignore[method-assign]


class PlainWords:
    """Mix into a Form before `forms.Form`: 请填写姓名, 请选择机构."""

    fields: dict[str, forms.Field]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.speak_plainly()

    def speak_plainly(self) -> None:
        """Again where fields were added after the form was made."""
        for field in self.fields.values():
            chosen = isinstance(field.widget, forms.Select | forms.RadioSelect | forms.DateInput)
            label = field.label or ""
            field.error_messages["required"] = f"请{'选择' if chosen else '填写'}{label}。"
            field.error_messages["invalid_choice"] = f"{label}不在可选的范围内，请重新选择。"
