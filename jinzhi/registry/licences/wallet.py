"""The holder's wallet: all its licences with state, history, printed faces, QR and links given out."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from jinzhi.foundation.files import documents, typst
from jinzhi.foundation.files.signing import SigningFault
from jinzhi.foundation.files.views import send
from jinzhi.foundation.people.access import enterprise_required
from jinzhi.foundation.places import scope
from jinzhi.registry import kinds, services, verifying, written
from jinzhi.registry.licences import metadata, payload, sharing
from jinzhi.registry.licences.models import Share
from jinzhi.registry.models import Certificate

TONES = {"valid": "green", "future": "yellow", "suspended": "yellow"}
STATES = {**dict(Certificate.Status.choices), "future": "尚未生效"}


def _mine(request):
    return Certificate.objects.filter(holder_id=request.user.enterprise_id)


def shown(certificate: Certificate) -> dict:
    state = certificate.state()
    return {
        "certificate": certificate,
        "kind": kinds.kind_name(certificate.kind),
        "state": STATES[state],
        "tone": TONES.get(state, "red"),
        "covers": list(dict.fromkeys(i.category for i in certificate.items.all())),
    }


@require_safe
@enterprise_required
def wallet(request):
    """Every licence of the enterprise, those in force first."""
    found = [shown(c) for c in _mine(request).prefetch_related("items").order_by("-valid_to", "number")]
    found.sort(key=lambda f: f["tone"] == "red")
    return render(request, "licences/wallet.html", {"licences": found})


def _one(request, number: str) -> Certificate:
    return get_object_or_404(_mine(request).prefetch_related("items"), number=written.normal(number)[:60])


@require_safe
@enterprise_required
def licence(request, number: str):
    """One licence: what it says, its QR, its faces, what happened to it, who was given a link."""
    certificate = _one(request, number)
    found = services.certificate(certificate.number)
    shares = [
        {"share": s, "link": sharing.link(s)} for s in Share.objects.filter(certificate=certificate)[:100]
    ]
    context = shown(certificate) | {
        "changes": found["certificate"]["changes"] if found else [],
        "qr": mark_safe(typst.qr_svg(payload.qr_text(certificate))),  # noqa: S308  made here
        "verification": payload.verification_path(certificate),
        "papers": sharing.papers(certificate),
        "metadata": metadata.describe(certificate),
        "shares": shares,
        "longest": sharing.longest(),
    }
    return render(request, "licences/licence.html", context)


@require_POST
@enterprise_required
def share(request, number: str):
    certificate = _one(request, number)
    try:
        sharing.create(
            certificate,
            request.user,
            purpose=request.POST.get("purpose", ""),
            days=request.POST.get("days", ""),
        )
        messages.success(request, "链接已生成，请在下面复制。")
    except sharing.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("licences-mine", certificate.number)


@require_POST
@enterprise_required
def revoke(request, key):
    found = get_object_or_404(Share.objects.select_related("certificate"), pk=key)
    if found.enterprise_id != request.user.enterprise_id:
        raise Http404
    sharing.revoke(found, request.user)
    messages.success(request, "链接已收回，从现在起打不开。")
    return redirect("licences-mine", found.certificate.number)


def _private(answer: HttpResponse) -> HttpResponse:
    """A link is for whom it was given to: not for search engines, caches or the next site."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


@require_safe
def shared(request, text: str):
    """What somebody sees who was given a link: the licence as registered today."""
    with scope.acting(scope.SYSTEM):
        found = sharing.find(text)
        if found is None:
            raise Http404("没有这个分享链接，请核对网址是否完整。")
        if not found.open:
            return _private(render(request, "licences/share_ended.html", {"share": found}, status=410))
        sharing.count(found)
        certificate = found.certificate
        context = shown(certificate) | {
            "share": found,
            "text": text,
            "papers": sharing.papers(certificate),
            "qr": mark_safe(typst.qr_svg(payload.qr_text(certificate))),  # noqa: S308  made here
        }
    context["v"] = verifying.verify(certificate.number)
    return _private(render(request, "licences/shared.html", context))


@require_safe
def shared_paper(request, text: str, key):
    """A printed face, for whom the link was given to."""
    with scope.acting(scope.SYSTEM):
        found = sharing.find(text)
        paper = sharing.paper_of(found, key) if found and found.open else None
        if paper is None:
            raise Http404("没有这个文件，或者分享已经结束。")
        try:
            blob = documents.rendered(paper)
        except (typst.FontsMissing, SigningFault) as fault:
            return HttpResponse(str(fault), status=503, content_type="text/plain; charset=utf-8")
    answer = send(request, blob, paper.name)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
