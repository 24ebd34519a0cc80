"""The one who acts in an administrative matter, what he may touch, and how each act is recorded."""

from dataclasses import dataclass

from django.db.models import QuerySet

from jinzhi.foundation import history
from jinzhi.foundation.places.scope import jurisdiction

from . import roles
from .models import Account, Agency, Post

CHAIN = "people"


class Refused(Exception):
    """A rule forbids the act; the message is for the person, `field` names the input it is about."""

    def __init__(self, message: str, field: str | None = None):
        self.message, self.field = message, field
        super().__init__(message)


@dataclass(frozen=True)
class Actor:
    """An administrator in one post. His reach is the range of his agency's place."""

    account: Account
    post: Post
    roles: frozenset[str]
    address: str | None = None

    @classmethod
    def of(cls, request) -> "Actor":
        return cls(request.user, request.post, frozenset(request.roles), request.META.get("REMOTE_ADDR"))

    def needs(self, role: str) -> None:
        if role not in self.roles:
            raise Refused(f"这项操作由{roles.name(role)}员办理，您的任职没有这个权限。")

    def reaches(self, agency: Agency) -> None:
        low, high = jurisdiction(self.post.agency.place)
        if not low <= agency.place <= high:
            raise Refused(f"{agency.name}不在您的管辖范围内。", "agency")

    def is_self(self, account: Account) -> bool:
        return account.pk == self.account.pk

    def record(self, kind: str, subject: object, data: dict, agency: Agency | None = None) -> None:
        """Append to the operation log; last in a transaction: the chain stays locked until it ends."""
        history.append(
            CHAIN,
            kind,
            actor=self.account,
            post=self.post,
            subject=subject,
            data=data,
            address=self.address,
            place=(agency or self.post.agency).place,
        )


def agencies_of(post: Post) -> QuerySet[Agency]:
    """Agencies within the range of this post's agency, itself included."""
    return Agency.objects.filter(place__range=jurisdiction(post.agency.place))


def accounts_of(post: Post) -> QuerySet[Account]:
    """Staff who hold or held a post within the range of this post's agency."""
    inside = Post.objects.filter(agency__place__range=jurisdiction(post.agency.place))
    return Account.objects.filter(kind=Account.Kind.STAFF, pk__in=inside.values("account"))


def posts_of(post: Post) -> QuerySet[Post]:
    return Post.objects.filter(agency__place__range=jurisdiction(post.agency.place))


def changes(instance, fields: dict) -> dict:
    """What setting `fields` changes, in words: label -> [before, after]; sets them."""
    found = {}
    for name, value in fields.items():
        before = getattr(instance, name)
        if before != value:
            label = str(instance._meta.get_field(name).verbose_name)
            found[label] = [_word(before), _word(value)]
            setattr(instance, name, value)
    return found


def _word(value) -> str:
    if value is None:
        return ""
    return {True: "是", False: "否"}.get(value, str(value)) if isinstance(value, bool) else str(value)
