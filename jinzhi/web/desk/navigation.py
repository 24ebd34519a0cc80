"""Menu entries of the administrator's desk and the words for what is logged about people."""

from jinzhi.web.navigation import Entry

ADMINISTRATORS = ("administrator", "security_administrator", "auditor")


def _entry(title, url_name, icon, order, key="", group="系统管理"):
    return Entry(title, url_name, icon, group=group, order=order, roles=ADMINISTRATORS, key=key)


ENTRIES = [
    _entry("管理台", "desk-home", "layout-dashboard", 1, "h"),
    _entry("机构与处室", "desk-agencies", "building-bank", 10, "a"),
    _entry("人员", "desk-people", "users", 20, "p"),
    _entry("任职", "desk-posts", "id-badge-2", 30, "o"),
    _entry("权限", "desk-powers", "shield-check", 40, "r"),
    _entry("委托", "desk-delegations", "arrows-exchange", 50),
    _entry("接口密钥", "desk-keys", "key", 60),
    _entry("操作日志", "desk-log", "history", 10, "l", group="日志"),
    _entry("登录日志", "desk-signins", "login-2", 20, "s", group="日志"),
]

AUDIT_KINDS = {
    "people.agency.changed": "修改机构",
    "people.department.added": "增设处室",
    "people.department.changed": "修改处室",
    "people.department.removed": "删除处室",
    "people.account.opened": "开通账号",
    "people.account.changed": "修改账号",
    "people.account.disabled": "停用账号",
    "people.account.enabled": "启用账号",
    "people.account.unlocked": "解除锁定",
    "people.post.appointed": "任职",
    "people.post.changed": "变更任职",
    "people.power.granted": "授予权限",
    "people.power.revoked": "撤销权限",
    "people.password.reset": "重置密码",
    "people.second_factor.reset": "重置动态口令",
    "people.delegation.given": "委托代办",
    "people.delegation.revoked": "撤销委托",
    "people.key.issued": "发放接口密钥",
    "people.key.revoked": "停用接口密钥",
    "desk.exported": "导出列表",
    "desk.log.read": "查阅操作日志",
    "desk.log.verified": "核对日志完整性",
}
