"""The register on the workbench: lists of one's place, and archives with what only insiders may see."""

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jinzhi.foundation import history
from jinzhi.foundation.people.access import staff_required
from jinzhi.foundation.places import scope
from jinzhi.registry import services
from jinzhi.registry.models import Certificate, Enterprise
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


@require_safe
@staff_required
def enterprises(request):
    return list_page(
        request,
        table=EnterpriseTable,
        queryset=Enterprise.objects.all(),
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
    """The archive as insiders of its place see it; officials of other places see the public face."""
    found = services.inner_archive(
        key, actor=request.user, post=request.post, address=request.META.get("REMOTE_ADDR")
    )
    inner = found is not None
    if found is None:
        with scope.acting(scope.PUBLIC):
            found = services.archive(key)
    if found is None:
        raise Http404("没有登记这家企业。")
    panel = request.headers.get("HX-Request") == "true"
    context = {"e": found, "inner": inner, "link": services.link(found)}
    return render(request, "registry/panel.html" if panel else "registry/enterprise.html", context)
