"""What is wrong in a command is said in a sentence, before anything is sent."""

import pytest
from typer.testing import CliRunner

from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.places import scope
from jinzhi.network.commands import exchange

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "gestern"], "日期应为"),
        (["--since", "2026-13-01"], "日期应为"),
        (["--place", "33"], "六位数字"),
        (["--place", "３３０１００"], None),
        (["--channel", "nowhere"], "没有通道 nowhere"),
    ],
)
def test_a_replay_of_nonsense_is_refused(options, said):
    with scope.acting(scope.SYSTEM):
        nodes.enable("330000", True)
        answer = CliRunner().invoke(exchange, ["replay", "registry.enterprise", *options])
    if said is None:  # full-width digits are digits
        assert answer.exit_code == 0
    else:
        assert answer.exit_code == 1 and said in answer.output


def test_a_replay_of_an_unknown_dataset_is_refused():
    with scope.acting(scope.SYSTEM):
        nodes.enable("330000", True)
        answer = CliRunner().invoke(exchange, ["replay", "nothing.here"])
    assert answer.exit_code == 1 and "nothing.here" in answer.output
