"""The answer to "is this certificate good?": one verdict in words, worked out in one place.

The number alone may be copied onto a forged face; a QR mark that does not belong to the number is therefore
a verdict of its own, whatever the register says about the number.
"""

from dataclasses import dataclass

from jinzhi.foundation.places import scope
from jinzhi.registry import services, written
from jinzhi.registry.licences import payload
from jinzhi.registry.models import Certificate

Status = Certificate.Status

MEANINGS: dict[str, str] = {
    Status.VALID: "在登记的有效期和范围内有效。",
    Status.EXPIRED: "有效期已满，没有办理延续。持证人不得再凭此证从事许可的活动。",
    Status.SUSPENDED: "发证机关已暂停此证，恢复前不得凭此证从事许可的活动。",
    Status.WITHDRAWN: "准予许可所依据的情况发生了变化，发证机关已依法撤回许可。",
    Status.REVOKED: "发证机关已依法撤销准予许可的决定。",
    Status.PUNISHED: "持证人因违法受到行政处罚，许可证已被吊销。",
    Status.CANCELLED: "许可证已办理注销，不再有效。",
    "future": "登记的有效期还没有开始。",
}


ADVICE = "请以下面的登记信息为准，并可拨打投诉举报电话反映。"


@dataclass(frozen=True)
class Verdict:
    """`tone` is good, bad or unsure; `found` is what services.certificate answers, or None."""

    tone: str
    heading: str
    words: str
    found: dict | None = None
    hints: tuple[str, ...] = ()
    enterprise_code: str = ""  # what was typed is an enterprise's code, not a certificate number
    forged: bool = False

    @property
    def icon(self) -> str:
        return {"good": "circle-check", "bad": "circle-x", "unsure": "alert-triangle"}[self.tone]

    @property
    def certificate(self) -> dict | None:
        return self.found["certificate"] if self.found else None


def verify(number: str, mark: str | None = None) -> Verdict:
    """The verdict on a number and, when it came from a QR, on the mark that came with it."""
    with scope.acting(scope.PUBLIC):
        found = services.certificate(number)
        if found is None:
            return _unknown(number)
    certificate = found["certificate"]
    reading = payload.read(mark) if mark is not None else None
    if reading and (words := _doubt(reading, certificate["number"])):
        return Verdict("bad", "二维码与登记信息不符", words + ADVICE, found, forged=True)
    verdict = _by_status(found)
    if reading and reading.face and reading.face.face_version < certificate["face_version"]:
        words = "您扫描的是换发前的旧证，登记信息后来有变更，以下面的登记信息为准。"
        return Verdict(
            "unsure" if verdict.tone == "good" else verdict.tone,
            f"{verdict.heading}（旧版证书）",
            words + verdict.words,
            found,
        )
    return verdict


def _doubt(reading: payload.Reading, number: str) -> str:
    """Why the QR does not speak for this certificate; empty when it does."""
    if reading.state == "unknown_key":
        return "二维码的签名不是用本机关公布的密钥作出的，证书可能是伪造的。"
    if reading.state == "bad_key":
        return "签发这个二维码的密钥已经作废或者当时已停用，二维码不能作为凭据，请持证人重新下载证书。"
    if not reading.genuine:
        return "这个编号登记在册，但您扫描的二维码没有通过签名核对，证书可能是伪造或者涂改的。"
    if reading.face and written.normal(reading.face.number) != written.normal(number):
        return "您扫描的二维码是为另一张证书生成的，这张证书可能是伪造或者涂改的。"
    return ""


def _by_status(found: dict) -> Verdict:
    certificate = found["certificate"]
    status = certificate["status"]
    tone = {"valid": "good", "future": "unsure"}.get(status, "bad")
    heading = certificate["status_name"]
    words = MEANINGS[status]
    holder = found["holder"]
    if tone == "good" and holder["status"] != "active":
        words += f"请注意：持证人的登记状态为“{holder['status_name']}”。"
        tone = "unsure"
    return Verdict(tone, heading, words, found)


def _unknown(number: str) -> Verdict:
    shown = written.normal(number)
    hints = []
    if wrong := services.number_looks_wrong(number):
        hints.append(f"编号本身有误：{wrong}")
    code = ""
    if len(shown) in (9, 18) and services.archive_json(number):
        code = shown
        hints.append("您输入的是企业的代码，不是证书编号。")
    if not hints:
        hints.append("请核对数字和字母，编号印在证书正面，例如 SC 加 14 位数字。")
    hints.append("较早发放的证书可能没有录入；可以按企业名称查询，或者向发证机关核实。")
    return Verdict(
        "bad",
        "没有登记这个编号的证书",
        "登记中没有这个编号。如果您手中确有印着这个编号的证书，请谨慎对待。",
        hints=tuple(hints),
        enterprise_code=code,
    )
