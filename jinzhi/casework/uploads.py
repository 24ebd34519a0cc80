"""Taking one uploaded file for a draft or a case, answered as the upload zone expects."""

from uuid import UUID

from django.http import HttpRequest, JsonResponse

from jinzhi.foundation import files


def receive(
    request: HttpRequest, *, kind: str, place: int, enterprise_id, subject: str, remove: str = ""
) -> JsonResponse:
    """Store the posted file; 200 with its id and address, 422 with what is wrong with it.

    `remove` is the address that takes a file back, with a zero key in the place of the file's.
    """
    upload = request.FILES.get("file")
    if upload is None:
        return JsonResponse({"message": "没有收到文件，请重新选择"}, status=422)
    try:
        kept = files.store(
            upload, kind=kind, place=place, enterprise_id=enterprise_id, subject=subject, account=request.user
        )
    except files.Refused as refusal:
        return JsonResponse({"message": str(refusal)}, status=422)
    answer = {"id": str(kept.pk), "name": kept.name, "size": kept.blob.size, "url": kept.url}
    if remove:
        answer["remove"] = remove.replace(str(UUID(int=0)), str(kept.pk))
    return JsonResponse(answer)
