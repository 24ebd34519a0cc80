"""GET /api/v1/codes/{scheme}/{value}: is this code right, and if not, why."""

from datetime import date

from django.http import HttpRequest
from ninja import Query, Router, Schema
from ninja.errors import HttpError

from jinzhi.foundation.codes import UnknownScheme, check

PREFIX = "/codes"
router = Router(tags=["代码校验"])


class ProblemAnswer(Schema):
    code: str
    message: str
    level: str


class CodeAnswer(Schema):
    scheme: str
    value: str
    normalized: str
    valid: bool
    problems: list[ProblemAnswer]


@router.get("/{scheme}/{path:value}", response=CodeAnswer, summary="校验一个代码")
def check_code(
    request: HttpRequest,
    scheme: str,
    value: str,
    on: str = Query("", description="记录所在的日期（年-月-日），缺省为今天"),
):
    try:
        return check(scheme, value, _day(on)).as_dict()
    except UnknownScheme as fault:
        raise HttpError(404, str(fault)) from None


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise HttpError(422, f"日期 on 应写作 2026-02-10，现为“{text[:40]}”") from None
