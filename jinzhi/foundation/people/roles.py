"""The roles a post can hold, which may stand together on one post, and which steps a power can name.

Procedures live two floors up: casework sets `steps_provider` so that the power matrix can show them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROLES: dict[str, str] = {
    "applicant": "申请人",
    "window_clerk": "窗口受理",
    "examiner": "审查",
    "inspector": "现场核查",
    "approver": "审批",
    "certificate_clerk": "制证",
    "legal_reviewer": "法制审核",
    "hearing_officer": "听证主持",
    "appraiser": "技术评审",
    "records_clerk": "历史补录",
    "supervisor": "督查",
    "operator": "网络运维",
    "operations_manager": "运维主管",
    "administrator": "系统管理",
    "security_administrator": "安全管理",
    "auditor": "审计",
}

# Three separated administrators (GB/T 22239-2019 level 3): nobody holds two, none does business.
ADMINISTRATION = frozenset({"administrator", "security_administrator", "auditor"})
BUSINESS = frozenset(
    {"window_clerk", "examiner", "inspector", "approver", "certificate_clerk", "legal_reviewer", "hearing_officer",
     "appraiser", "records_clerk", "supervisor", "operator", "operations_manager"}
)  # fmt: skip
READERS = BUSINESS | {"auditor"}  # who may open a case; the administrators of the system do not
GRANTABLE = ADMINISTRATION | BUSINESS  # `applicant` belongs to enterprise accounts, never to a post

TASKS: dict[str, str] = {
    "applicant": "网上申请许可，补正材料，查看进度和期限，下载证书",
    "window_clerk": "收件、受理、一次性告知补正、送达",
    "examiner": "审查申请材料，提出审查意见",
    "inspector": "现场核查，填写核查记录",
    "approver": "作出准予或者不予许可的决定，批准延期",
    "certificate_clerk": "编号、制证、发证",
    "legal_reviewer": "对拟作出的决定进行法制审核，会签",
    "hearing_officer": "主持听证，制作听证笔录",
    "appraiser": "鉴定评审、型式评价、专家评审，出具报告",
    "records_clerk": "补录历史办件，按实际日期登记办理经过",
    "supervisor": "查看全部办件的时限和红黄牌，督办",
    "operator": "质量网络的值班、巡检、故障处置、变更实施和台账维护",
    "operations_manager": "批准网络变更，认定安全事件等级，排班，签发运维月报",
    "administrator": "维护机构、人员、任职、工作日历，查看流程和规则",
    "security_administrator": "授权、撤权、重置密码和动态口令、解除锁定",
    "auditor": "查阅操作日志和登录日志，核对日志完整性",
}


@dataclass(frozen=True)
class StepChoice:
    """One step of one procedure that a power can be limited to."""

    procedure: str
    procedure_name: str
    step: str
    step_name: str
    role: str


# Set by casework: returns every step of the procedures in force.
steps_provider: Callable[[], Sequence[StepChoice]] = list


def name(role: str) -> str:
    return ROLES.get(role, role)


def clash(roles: set[str]) -> str:
    """Why these roles may not stand on one post; empty when they may."""
    administration = sorted(roles & ADMINISTRATION)
    if len(administration) > 1:
        names = "、".join(name(r) for r in administration)
        return f"{names}应当由不同的人员担任，不能授予同一任职"
    if administration and roles & BUSINESS:
        business = "、".join(name(r) for r in sorted(roles & BUSINESS))
        return f"{name(administration[0])}岗位不办理业务，不能同时授予{business}"
    return ""
