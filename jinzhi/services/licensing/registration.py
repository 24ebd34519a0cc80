"""An enterprise's account: opened with its checked code, tied to its entry in the register."""

from django import forms as django_forms
from django.contrib.auth import login, password_validation
from django.core.exceptions import ValidationError
from django.db import transaction
from django.shortcuts import redirect, render

from jinzhi.foundation.calendar import today
from jinzhi.foundation.forms.definition import Field
from jinzhi.foundation.forms.fields import build
from jinzhi.foundation.history import append
from jinzhi.foundation.people.models import Account
from jinzhi.foundation.places import scope
from jinzhi.foundation.places.services import place_of
from jinzhi.registry.models import Enterprise

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class RegistrationForm(django_forms.Form):
    """What opens an account. An enterprise already registered must be named as the register names it."""

    username = django_forms.RegexField(
        r"^[A-Za-z0-9_.-]{4,30}$", label="用户名", help_text="4–30 位字母、数字、点、短横或下划线",
        error_messages={"invalid": "用户名须为 4–30 位字母、数字、点、短横或下划线"},
    )  # fmt: skip
    password = django_forms.CharField(
        label="密码",
        widget=django_forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="至少 10 位，不能全为数字",
    )
    password2 = django_forms.CharField(
        label="再输一次密码", widget=django_forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    person = django_forms.CharField(label="经办人姓名", max_length=40)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        on = today()
        self.fields["uscc"] = build(
            Field("uscc", "统一社会信用代码", "code", scheme="uscc", help="18 位，见营业执照"), on
        )
        self.fields["name"] = build(Field("name", "企业名称", help="与营业执照一致"), on)
        self.fields["legal_representative"] = build(Field("legal_representative", "法定代表人（负责人）"), on)
        self.fields["county"] = build(Field("county", "所在县（市、区）", "place"), on)
        self.fields["address"] = build(Field("address", "住所"), on)
        self.fields["phone"] = build(Field("phone", "手机", "phone"), on)
        self.order_fields(
            [
                "uscc",
                "name",
                "legal_representative",
                "county",
                "address",
                "person",
                "phone",
                "username",
                "password",
                "password2",
            ]
        )
        for field in self.fields.values():
            select = isinstance(field.widget, django_forms.Select)
            field.widget.attrs["class"] = "form-select" if select else "form-control"

    def clean_username(self):
        username = self.cleaned_data["username"]
        if Account.objects.filter(username__iexact=username).exists():
            raise ValidationError("这个用户名已有人使用")
        return username

    def clean(self) -> dict:
        data = super().clean() or {}
        if data.get("password") and data.get("password2") and data["password"] != data["password2"]:
            self.add_error("password2", "两次输入的密码不一致")
        if data.get("password"):
            try:
                password_validation.validate_password(
                    data["password"], Account(username=data.get("username", ""))
                )
            except ValidationError as problem:
                self.add_error("password", problem)
        if data.get("uscc"):
            self._check_enterprise(data)
        return data

    def _check_enterprise(self, data: dict) -> None:
        with scope.acting(scope.SYSTEM):
            known = self.known = Enterprise.objects.filter(uscc=data["uscc"]).first()
            taken = known is not None and Account.objects.filter(enterprise_id=known.pk).exists()
        if taken:
            self.add_error("uscc", "该企业已开通账号；如需增加经办人，请由已有账号联系窗口办理")
        elif known is not None and not self._same(known, data):
            self.add_error("name", "企业名称或者法定代表人与登记信息不一致，请按营业执照填写")

    @staticmethod
    def _same(known: Enterprise, data: dict) -> bool:
        same_name = known.name == data.get("name", "")
        return same_name and known.legal_representative in ("", data.get("legal_representative", ""))


@transaction.atomic
def open_account(data: dict, known: Enterprise | None) -> Account:
    """The account, and the enterprise's register entry where there was none."""
    with scope.acting(scope.SYSTEM):
        enterprise = known or Enterprise.objects.create(
            place=place_of(data["county"]), name=data["name"], uscc=data["uscc"],
            legal_representative=data["legal_representative"], address=data["address"],
            source="企业自行登记", source_on=today(),
        )  # fmt: skip
        account = Account.objects.create_user(
            data["username"], data["password"], name=data["person"], kind=Account.Kind.ENTERPRISE,
            phone=data["phone"], enterprise_id=enterprise.pk,
        )  # fmt: skip
        append(
            f"account:{account.pk}", "account.registered", actor=account, subject=enterprise.name,
            data={"uscc": enterprise.uscc}, place=enterprise.place,
        )  # fmt: skip
    return account


def register(request):
    if request.user.is_authenticated:
        return redirect("/home/")
    form = RegistrationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account = open_account(form.cleaned_data, form.known)
        login(request, account, backend=BACKEND)
        return redirect(
            request.GET.get("next") if request.GET.get("next", "").startswith("/apply/") else "my-home"
        )
    return render(request, "licensing/register.html", {"form": form})
