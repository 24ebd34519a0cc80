"""`jinzhi people`: first administrators, somebody locked out, the list."""

import json

import pytest
from allauth.mfa.models import Authenticator
from typer.testing import CliRunner

from jinzhi.foundation.history.models import AuditEntry
from jinzhi.foundation.people.commands import app
from jinzhi.foundation.people.models import Account

from .cast import WEST_LAKE, person

pytestmark = pytest.mark.django_db
FIRST = ["open", "Root.Admin", "--name", "王志远", "--agency", "330000", "--title", "系统管理员"]


def run(*words):
    return CliRunner().invoke(app, list(words))


def test_the_first_administrator_is_opened_with_a_password_to_change():
    answer = json.loads(run(*FIRST, "--role", "administrator", "--json").stdout)
    account = Account.objects.get(username="root.admin")
    assert account.check_password(answer["password"]) and account.must_change_password
    assert [p.role for p in account.posts.get().powers.all()] == ["administrator"]
    entry = AuditEntry.objects.latest("id")
    assert (entry.kind, entry.actor) == ("people.account.opened", "命令行")
    assert answer["password"] not in str(entry.data)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--role", "root"], "没有这样的角色"),
        (["--role", "administrator", "--role", "auditor"], "不同的人员"),
        (["--role", "administrator", "--role", "approver"], "不办理业务"),
    ],
)
def test_the_rules_of_the_desk_hold_here_too(words, why):
    answer = run(*FIRST, *words)
    assert answer.exit_code == 2 and why in answer.output
    assert not Account.objects.filter(username="root.admin").exists()


def test_an_unknown_agency_is_told():
    assert "没有代号为 999999 的机构" in run(*FIRST[:5], "999999", *FIRST[6:], "--role", "auditor").output


def test_somebody_locked_out_gets_in_again():
    post = person("li", WEST_LAKE, "administrator")
    Authenticator.objects.create(user=post.account, type="totp", data={})
    answer = json.loads(run("reset", "LI", "--json").stdout)
    assert Account.objects.get(username="li").check_password(answer["password"])
    assert not Authenticator.objects.exists()
    assert run("reset", "nobody").exit_code == 2


def test_the_list_never_shows_a_hash():
    person("li", WEST_LAKE, "examiner")
    out = run("list", "--agency", WEST_LAKE, "--json").stdout
    assert [row["roles"] for row in json.loads(out) if row["username"] == "li"] == [["examiner"]]
    assert "$" not in out
