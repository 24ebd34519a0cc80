"""`/api/v1/tokens`: signing in to the interface and out of it, by the rules of the sign-in page."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field, StrictInt

from . import tokens
from .bearer import bearer
from .models import Post

PREFIX = "/tokens"
router = Router(tags=["tokens"])

Word = Annotated[str, Field(pattern=r"^[^\x00]*$")]


class SignIn(Schema):
    """`post` chooses one of several posts; left out, the main one. `code` is the second factor."""

    username: Annotated[Word, Field(min_length=1, max_length=150)]
    password: Annotated[Word, Field(max_length=200)] = ""
    code: Annotated[Word, Field(max_length=20)] = ""
    post: StrictInt | None = None


class PostAnswer(Schema):
    id: int
    title: str
    agency: str
    agency_name: str
    place: int
    roles: list[str]


class PostChoice(Schema):
    id: int
    title: str
    agency_name: str


class SignedIn(Schema):
    """Who the token acts for: a post of an official, or an enterprise."""

    token: str
    expires_at: datetime
    name: str
    post: PostAnswer | None = None
    posts: list[PostChoice] = []
    enterprise: UUID | None = None


@router.post("", response={201: SignedIn}, summary="登录，取得令牌")
def sign_in(request: HttpRequest, body: SignIn):
    """Password and second factor as on the sign-in page; the token is shown this once."""
    issued = tokens.issue(request, body.username, body.password, body.code, body.post)
    held = issued.identity.post
    answer = {
        "token": issued.text,
        "expires_at": issued.token.expires_at,
        "name": issued.account.name,
        "post": held and _post(held, issued.identity.roles),
        "posts": [
            {"id": p.pk, "title": p.title, "agency_name": p.agency.name} for p in issued.identity.posts
        ],
        "enterprise": issued.account.enterprise_id,
    }
    return Status(201, answer)


def _post(held: Post, roles: set[str]) -> dict:
    agency = held.agency
    return {
        "id": held.pk,
        "title": held.title,
        "agency": agency.key,
        "agency_name": agency.name,
        "place": agency.place,
        "roles": sorted(roles),
    }


@router.delete("/current", auth=bearer, response={204: None}, summary="退出，注销当前令牌")
def sign_out(request: HttpRequest):
    """The token ends at once."""
    tokens.revoke(request, request.token)  # type: ignore[attr-defined]
    return Status(204, None)
