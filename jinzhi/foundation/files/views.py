"""Sending attachments and documents to those who may see them; 404 to everybody else."""

from pathlib import Path

from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, http_date
from django.views.decorators.http import require_safe

from jinzhi.foundation.files import documents, signing, storing, typst
from jinzhi.foundation.files.models import Attachment, Blob, GeneratedDocument
from jinzhi.foundation.people import roles
from jinzhi.foundation.places import scope

SHOWN_IN_PLACE = ("application/pdf", "image/jpeg", "image/png", "image/webp")
# Whatever a file contains, it runs nothing and reaches nothing of ours. PDF viewers need no more than this.
LOCKED = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; object-src 'self'; sandbox"


def _seen(request, model, key):
    """A row of the request's scope; who has no post and no enterprise has no face of either table.

    Administrators of the system do no business: papers of enterprises are not for them.
    """
    administers = request.post is not None and not request.roles & roles.READERS
    if (
        request.scope != scope.PUBLIC
        and not administers
        and (row := model.objects.filter(pk=key).select_related("blob").first())
    ):
        return row
    raise Http404("没有这个文件，或者它不在您的管辖范围内。")


def send(request, blob: Blob, name: str, path: Path | None = None) -> HttpResponseBase:
    """A content to somebody who may see it; the caller has made sure of that. `path`: where it lies, if not in the store."""
    etag = f'"{blob.sha256}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304)
    try:
        content = (path or storing.path_of(blob.sha256)).open("rb")
    except FileNotFoundError:
        raise Http404("文件内容缺失，请联系系统管理员。") from None
    download = "download" in request.GET or blob.media_type not in SHOWN_IN_PLACE
    response = FileResponse(content, content_type=blob.media_type)
    response.headers["Content-Disposition"] = content_disposition_header(download, name) or "inline"
    response.headers["Content-Length"] = blob.size
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = LOCKED
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["ETag"] = etag
    response.headers["Last-Modified"] = http_date(blob.created_at.timestamp())
    return response


@require_safe
def attachment(request, key):
    row = _seen(request, Attachment, key)
    return send(request, row.blob, row.name)


@require_safe
def document(request, key):
    """A document's PDF, rendered now if nobody has asked for it before."""
    row = _seen(request, GeneratedDocument, key)
    try:
        blob = documents.rendered(row)
    except (typst.FontsMissing, signing.SigningFault) as fault:
        return HttpResponse(str(fault), status=503, content_type="text/plain; charset=utf-8")
    return send(request, blob, row.name)
