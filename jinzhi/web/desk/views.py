"""The administrator's desk: what wants attention today, and the ways to each kind of record."""

from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.db.models import Q
from django.shortcuts import render
from django.utils import timezone

from jinzhi.foundation.people.acting import accounts_of, agencies_of, posts_of
from jinzhi.foundation.people.models import Delegation, SignIn
from jinzhi.foundation.places.scope import jurisdiction

from . import access

SOON = timedelta(days=30)


@access.reader
def home(request):
    today = timezone.localdate()
    people = accounts_of(request.post).filter(is_active=True)
    posts = posts_of(request.post).filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=today), valid_from__lte=today
    )
    day_ago = timezone.now() - timedelta(days=1)
    signins = SignIn.objects.filter(account__in=accounts_of(request.post), at__gte=day_ago)
    totp = Authenticator.objects.filter(type=Authenticator.Type.TOTP)
    context = {
        "agencies": agencies_of(request.post).count(),
        "people": people.count(),
        "posts": posts.count(),
        "delegations": Delegation.objects.filter(
            revoked_at__isnull=True,
            starts__lte=today,
            ends__gte=today,
            from_post__agency__place__range=jurisdiction(request.post.agency.place),
        ).count(),
        "no_totp": people.filter(is_demo=False).exclude(pk__in=totp.values("user")).count(),
        "no_power": posts.filter(powers__isnull=True, account__is_active=True).count(),
        "ending": posts.filter(valid_to__lte=today + SOON).count(),
        "failed": signins.filter(result=SignIn.Result.FAILED).count(),
        "locked": signins.filter(result=SignIn.Result.LOCKED).count(),
    }
    return render(request, "desk/home.html", context)
