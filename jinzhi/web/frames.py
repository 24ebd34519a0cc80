"""Pages that everybody may read stand within the workbench for an official, and on the public site otherwise."""

from typing import Any

from jinzhi.web import navigation


def frame(request) -> dict[str, Any]:
    """`base`: the template that such a page extends; `inside`: whether it is the workbench."""
    inside = navigation.face(request) == "staff"
    return {"base": "web/workbench.html" if inside else "web/public.html", "inside": inside}
