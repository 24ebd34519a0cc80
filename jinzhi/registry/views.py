"""The register on the workbench: lists of one's place, and archives with what only insiders may see."""

from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from jinzhi.foundation import history
from jinzhi.foundation.people import roles
from jinzhi.foundation.people.access import staff_required
from jinzhi.foundation.places import scope
from jinzhi.registry import archive_page, sections, services
from jinzhi.registry.archive_views import ARCHIVISTS
from jinzhi.registry.models import Certificate, Enterprise, MergeLog
from jinzhi.registry.tables import CertificateFilter, CertificateTable, EnterpriseFilter, EnterpriseTable
from jinzhi.web.lists import list_page


def _exported(request, title: str):
    """A download of a list leaves a trace."""

    def record(rows):
        history.append(
            "registry",
            "registry.exported",
            actor=request.user,
            post=request.post,
            subject=title,
            data={"条件": request.GET.urlencode(), "条数": rows.count()},
            address=request.META.get("REMOTE_ADDR"),
        )

    return record


def _listed(request):
    """A row that was merged is no enterprise of its own, unless one asks for those."""
    rows = Enterprise.objects.all()
    return rows if request.GET.get("status") == Enterprise.Status.MERGED else rows.filter(merged_into=None)


@require_safe
@staff_required
def enterprises(request):
    return list_page(
        request,
        table=EnterpriseTable,
        queryset=_listed(request),
        filters=EnterpriseFilter,
        template="registry/enterprises.html",
        context={"empty_title": "本辖区还没有登记的企业", "empty_text": "可以从登记机关的清单导入。"},
        on_export=_exported(request, "企业"),
    )


@require_safe
@staff_required
def certificates(request):
    return list_page(
        request,
        table=CertificateTable,
        queryset=Certificate.objects.all(),
        filters=CertificateFilter,
        template="registry/certificates.html",
        context={"empty_title": "本辖区还没有登记的证书"},
        on_export=_exported(request, "证书"),
    )


@require_safe
@staff_required
def enterprise(request, key):
    """The archive as insiders of its place see it; officials of other places and posts see the public face."""
    on, wrong = archive_page.day_asked(request.GET.get("as_of"))
    known_on, wrong_known = archive_page.day_asked(request.GET.get("known_on"))
    reader = bool(request.roles & roles.READERS)
    found = None
    if reader:
        found = services.inner_archive(
            key,
            actor=request.user,
            post=request.post,
            address=request.META.get("REMOTE_ADDR"),
            on=on,
            known_on=known_on,
        )
    inner = found is not None
    if found is None:
        with scope.acting(scope.PUBLIC):
            found = services.archive(key, on=on)
    if found is None:
        raise Http404("没有登记这家企业。")
    if request.headers.get("HX-Request") == "true":
        context = {"e": found, "inner": inner, "link": services.link(found)}
        return render(request, "registry/panel.html", context)
    if found["id"] != str(key):
        return redirect("registry-enterprise", found["id"])
    may = inner and bool(request.roles & set(ARCHIVISTS))
    merges = MergeLog.objects.filter(survivor=key, undone_at=None).select_related("merged").order_by("-id")
    context = archive_page.context(found, sections.STAFF if inner else sections.PUBLIC, on) | {
        "inner": inner,
        "link": services.link(found),
        "wrong_day": wrong or wrong_known,
        "known_on": known_on if inner else None,
        "face": sections.STAFF if inner else sections.PUBLIC,
        "may_correct": may and not on and not known_on,
        "may_merge": may,
        "merges": list(merges[:20]) if inner else [],
        "why_public": "这家企业不在您的管辖范围内，这里只显示公开信息。"
        if reader
        else "您的岗位不办理业务，这里只显示公开信息。",
    }
    return render(request, "registry/enterprise.html", context, status=400 if context["wrong_day"] else 200)
