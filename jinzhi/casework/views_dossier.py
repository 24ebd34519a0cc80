"""The page that makes a case file and keeps those made before."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from jinzhi.casework import dossier
from jinzhi.casework.models import Case
from jinzhi.casework.views import actor_of
from jinzhi.foundation.files.signing import SigningFault
from jinzhi.foundation.files.typst import FontsMissing
from jinzhi.foundation.people.access import reader_required


@require_http_methods(["GET", "HEAD", "POST"])
@reader_required
def page(request, number: str):
    """Case files of one case, newest first; a POST makes another."""
    case = get_object_or_404(Case.objects.select_related("procedure", "agency"), number=number)
    if request.method == "POST":
        try:
            made = dossier.order(case, actor_of(request))
        except (FontsMissing, SigningFault) as fault:
            messages.error(request, str(fault))
        else:
            words = "卷宗已制作。" if made.blob_id else "附件较多，正在后台制作，完成后在这里下载。"
            messages.success(request, words)
        return redirect("work-dossier", case.number)
    made_before = list(dossier.of_case(case)[:20])
    context = {"case": case, "files": made_before, "waiting": any(d.blob_id is None for d in made_before)}
    context["newest"] = bool(made_before and made_before[0].data["story_hash"] == case.story_hash)
    template = "casework/_dossiers.html" if request.htmx else "casework/dossier.html"
    return render(request, template, context)
