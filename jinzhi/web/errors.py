"""Error pages: what happened, what was kept, what to do. They must work when little else does."""

import logging

from django.http import HttpResponse, HttpResponseServerError
from django.shortcuts import render
from django.template import loader

log = logging.getLogger(__name__)


def _page(request, status: int, **words) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        # A fragment request shows the sentence as a toast; the page stays as it is.
        return render(request, "web/errors/fragment.html", words, status=status)
    return render(request, "web/errors/page.html", words | {"status": status}, status=status)


def bad_request(request, exception=None):
    return _page(
        request,
        400,
        heading="这个请求无法处理",
        happened="地址或者提交的内容不完整，服务器没有办法按它办理。",
        kept="已经保存的内容没有变化。",
        todo="请返回上一页重新操作；如果是从别处复制的链接，请核对链接是否完整。",
    )


def forbidden(request, exception=None):
    roles = getattr(exception, "roles", [])
    text = getattr(exception, "text", "")
    post = getattr(request, "post", None)
    if not text and roles:
        text = f"打开这个页面需要{'、'.join(f'“{r}”' for r in roles)}岗位。"
    if post is not None:
        text = f"{text}您现在的任职是：{post.agency.short_name} {post.title}。"
    return _page(
        request,
        403,
        heading="当前岗位不能打开这个页面",
        happened=text or "您没有打开这个页面的权限。",
        kept="没有任何内容被改动。",
        todo="如果您还有别的任职，可以在页面右上角切换；确需办理的，请联系本机构的安全管理员授权。",
    )


def not_found(request, exception=None):
    return _page(
        request,
        404,
        heading="没有找到这个页面",
        happened="地址有误，或者内容不在您的管辖范围内。",
        kept="没有任何内容被改动。",
        todo="请核对地址，或者从搜索框按名称、编号查找。",
    )


def foreign_record(request, owner: str):
    """A change to a record that another node of the network owns."""
    return _page(
        request,
        409,
        heading="这条记录在别的节点办理",
        happened=f"记录归节点 {owner}（{_node_name(owner)}）所有，本节点只有副本，不能改动。",
        kept="没有任何内容被改动。",
        todo="请在该节点办理；记录的归属已经变化的，请由该节点先移交。",
    )


def _node_name(code: str) -> str:
    from jinzhi.foundation.places import services

    found = services.division(code) if code.isdigit() else None
    return found.name if found else code


def server_error(request):
    """Plain: rendered without request context, because the fault may lie there."""
    log.error("Internal error at %s", getattr(request, "path", ""))
    return HttpResponseServerError(loader.get_template("web/errors/500.html").render())


def csrf_failure(request, reason=""):
    return _page(
        request,
        403,
        heading="页面已经过期，这次操作没有执行",
        happened="页面打开得太久，或者您在另一个窗口重新登录过，安全校验没有通过。",
        kept="没有任何内容被改动；填写中的表单如果开启了自动保存，草稿仍在。",
        todo="请返回上一页并刷新，然后重新操作。",
    )
