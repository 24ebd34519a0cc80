"""What every licence shares besides its grant: ending it ex officio or on application, joint handling, resubmission."""

from jinzhi.casework import hooks
from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.hooks import hook
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places import scope
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing import applying


def issuing_level(certificate: Certificate) -> str:
    """The level of the organ that granted the licence: it alone changes or ends it."""
    level = Agency.objects.filter(key=certificate.agency_key).values_list("level", flat=True).first()
    return level or "county"


def about_a_licence(act: Act) -> Certificate:
    """A case about a licence of any kind, decided by the organ that granted it."""
    if not (act.case.data.get("licence") or {}).get("number"):
        raise Refused("请填写许可证编号", "licence.number")
    applying.check(act)
    with scope.acting(scope.SYSTEM):
        certificate = Certificate.objects.get(number=act.case.facts["licence"]["number"])
        act.case.facts["deciding_level"] = issuing_level(certificate)
    act.case.facts["items"] = [{"text": t} for t in act.case.facts["licence"]["items"]]
    return certificate


for _key in ("licence_reissue", "licence_cancellation", "licence_withdrawal", "licence_revocation",
             "licence_punishment"):  # fmt: skip
    hook(f"{_key}.submit")(about_a_licence)


@hook("licence_lapse.submit")
def lapsed(act: Act) -> None:
    """注销 ex officio needs one of the grounds of 行政许可法第七十条; an end by decision must have been decided."""
    certificate = about_a_licence(act)
    ground = act.case.data["decision"]["ground"]
    state = certificate.state(act.day)
    if ground == "expired" and state != "expired":
        raise Refused(
            f"许可证 {certificate.number} 有效期至 {certificate.valid_to}，尚未届满", "decision.ground"
        )
    if ground == "ended_by_decision" and state not in ("withdrawn", "revoked", "punished"):
        raise Refused(f"许可证 {certificate.number} 没有被撤回、撤销或者吊销", "decision.ground")


@hook("licensing.resubmitted")
def resubmitted(act: Act) -> None:
    """What was worked out from the first submission is worked out again from the corrected one."""
    name = f"{act.case.definition.key}.submit"
    if hooks.known(name):
        act.case.facts.pop("warnings", None)
        hooks.run(name, act)


@hook("joint_licensing.submit")
def joint(act: Act) -> None:
    """Two licences or more, applied for together (行政许可法第二十六条第二款)."""
    matters = [row["matter"] for row in act.case.data["matters"]]
    if len(set(matters)) < 2:
        raise Refused("联合办理须同时申请两项以上不同的行政许可", "matters")
    applying.repeated(act)
    act.case.facts["deciding_level"] = "city"
    act.case.facts["items"] = [{"text": row["matter"]} for row in act.case.data["matters"]]
