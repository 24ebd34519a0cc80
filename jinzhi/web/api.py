"""`GET /api/v1/search`: one question to every room that has something to find, answered group by group."""

from typing import Annotated

from ninja import Query, Router, Schema

from jinzhi.web import navigation

PREFIX = ""
router = Router(tags=["search"])
MOST = 50


class SearchHit(Schema):
    """One answer; `code` is the number or code by which its own operation knows it, `url` its page."""

    title: str
    code: str
    detail: str
    url: str


class Group(Schema):
    key: str
    title: str
    hits: list[SearchHit]


class Answer(Schema):
    q: str
    groups: list[Group]


@router.get("/search", response=Answer, summary="统一检索：企业、证书、标准、法规、办件")
def search(
    request,
    q: Annotated[
        str,
        Query(max_length=200, description="名称的两个字、曾用名、拼音首字母、代码或编号；名称可以不完全准确"),
    ],
    limit: Annotated[int, Query(ge=1, le=MOST, description="每组条数")] = 10,
):
    """What the caller may see: the public's groups without signing in, an official's with a token."""
    wanted = " ".join(q.replace("\0", "").split())
    groups = navigation.find(request, wanted, limit) if wanted else []
    return {
        "q": q,
        "groups": [
            {
                "key": group.key,
                "title": group.title,
                "hits": [
                    {"title": h.title, "code": h.code, "detail": h.detail, "url": h.url} for h in group.hits
                ],
            }
            for group in groups
        ],
    }
