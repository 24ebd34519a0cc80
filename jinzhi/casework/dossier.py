"""The case file (卷宗): a whole case as one PDF for somebody who was not there.

Cover, index with page numbers, the story, opinions, limits with their reasons, what was handed in each time, service,
every document and attachment page by page, and the digests by which all of it can be checked. It is a document of the
kind `dossier` under a subject of its own, so that applicants do not see it; what it holds is put together when it is
made and fixed to the end of the story at the moment somebody asked for it.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.db.models import QuerySet
from django.utils import timezone

from jinzhi.casework import documents, events, presenting
from jinzhi.casework.actions import Actor
from jinzhi.casework.models import Case
from jinzhi.foundation import forms, history
from jinzhi.foundation.files import documents as papers
from jinzhi.foundation.files import storing, typst
from jinzhi.foundation.files.models import Attachment, Blob, GeneratedDocument
from jinzhi.foundation.files.storing import megabytes
from jinzhi.foundation.people.pack import name_on
from jinzhi.foundation.places import scope
from jinzhi.foundation.places.services import name_path

KIND = "dossier"
TEMPLATE = "dossier.typ"
AT_ONCE = 8 * 1024 * 1024  # bytes of attachments up to which the person waits for it
SUFFIXES = {"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}
LOCAL = "%Y-%m-%d %H:%M"


def subject(case: Case) -> str:
    return f"{KIND}:{case.pk}"


def of_case(case: Case) -> QuerySet[GeneratedDocument]:
    """The files made of this case, newest first."""
    return GeneratedDocument.objects.filter(subject=subject(case)).select_related("blob").order_by("-id")


def order(case: Case, actor: Actor) -> GeneratedDocument:
    """Ask for a file of the case as it stands; made at once where that is quick, else by the worker."""
    now = timezone.now()
    with scope.acting(scope.SYSTEM):
        weight = sum(a.blob.size for a in _attachments(case))
    made = GeneratedDocument.objects.create(
        place=case.place, subject=subject(case), kind=KIND, title="卷宗", template=TEMPLATE, issued_at=now,
        data={
            "case": case.number,
            "agency": name_on(case.agency, timezone.localdate()),
            "agency_key": case.agency.key,
            "made_by": f"{actor.post.agency.short_name} {actor.account}" if actor.post else str(actor.account),
            "story_length": case.story_length,
            "story_hash": case.story_hash,
        },
    )  # fmt: skip
    history.append(
        "casework", "casework.dossier", actor=actor.account, post=actor.post, subject=case.number,
        place=case.place,
    )  # fmt: skip
    if weight <= AT_ONCE:
        papers.rendered(made)
    else:
        documents.render_document.defer(document_id=str(made.pk))
    return made


def _attachments(case: Case) -> list[Attachment]:
    """Every file of the case once: handed in with any submission, or taken at a step."""
    found = {
        str(a.pk): a
        for a in Attachment.objects.filter(subject=documents.subject(case)).select_related("blob")
    }
    for handed in case.submissions.order_by("number"):
        form = forms.get(handed.form, handed.form_version)
        found |= {key: a for key, a in presenting._attachments(form, handed.data).items() if key not in found}
    return sorted(found.values(), key=lambda a: a.created_at)


@dataclass
class _Page:
    """One page to be embedded, or a line that says why there is none."""

    path: str = ""
    page: int = 1
    pages: int = 1
    note: str = ""


class _Folder:
    """The folder Typst reads: the template and a copy of every file that can be shown as pages."""

    def __init__(self, path: Path):
        self.path = path
        self.template = path / TEMPLATE
        shutil.copy(papers.template_path(TEMPLATE), self.template)
        self.count = 0

    def take(self, blob: Blob) -> list[_Page]:
        suffix = SUFFIXES.get(blob.media_type)
        if suffix is None:
            return [_Page(note="这种格式不能按页收入卷宗，原件见电子卷宗，摘要见末页。")]
        source = storing.path_of(blob.sha256)
        if not source.is_file():
            return [_Page(note="文件内容缺失，请执行 jinzhi files verify。")]
        self.count += 1
        name = f"{self.count}{suffix}"
        shutil.copy(source, self.path / name)
        pages = _pages(source) if suffix == ".pdf" else 1
        if not pages or not self._readable(name):
            return [_Page(note="文件打不开（加密或者损坏），原件见电子卷宗，摘要见末页。")]
        return [_Page(name, n, pages) for n in range(1, pages + 1)]

    def _readable(self, name: str) -> bool:
        """One broken file must not take the whole case file with it."""
        trial = self.path / "trial.typ"
        trial.write_text(f'#image("{name}", width: 1cm)', encoding="utf-8")
        try:
            typst.render(trial, {}, passing=True)
        except typst.TemplateFault:
            return False
        return True


def _pages(path: Path) -> int:
    """Pages of a PDF; 0 when it cannot be read."""
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        with path.open("rb") as content:
            reader = PdfFileReader(content, strict=False)
            return 0 if reader.encrypted else int(reader.root["/Pages"]["/Count"])
    except Exception:  # a stranger's broken file fails in every way, asserts of the reader included
        return 0


def build(document: GeneratedDocument) -> bytes:
    """The unsigned PDF of a case file that was asked for."""
    with scope.acting(scope.SYSTEM), tempfile.TemporaryDirectory(prefix="jinzhi-dossier-") as name:
        case = Case.objects.select_related("procedure", "agency").get(
            pk=document.subject.removeprefix(f"{KIND}:")
        )
        folder = _Folder(Path(name))
        data = document.data | _contents(case, document, folder)
        return typst.render(folder.template, data, issued_at=document.issued_at, passing=True)


papers.makers[KIND] = build


def _contents(case: Case, document: GeneratedDocument, folder: _Folder) -> dict:
    assert document.issued_at is not None, "asked for at a moment"
    digests: list[dict] = []
    entries = [
        _story(case, document.data["story_length"]),
        _opinions(case, document.issued_at),
        {
            "title": "期限及其计算",
            "kind": "clocks",
            "rows": [_clock(c) for c in presenting.shown_clocks(case)],
        },
        *_submissions(case, document.issued_at),
        *_records(case),
        _services(case, document.issued_at),
        *_papers(case, document, folder, digests),
        *_files(case, document, folder, digests),
        *_called(case, document, folder, digests),
        _proof(case, document, digests),
    ]
    entries = [e for e in entries if e.get("rows") != [] or e["kind"] == "proof"]
    return {
        "title": "卷宗",
        "demo": case.is_demo,
        "applicant": case.subject_name,
        "heading": f"{case.subject_name}　{case.definition.matter}",
        "made_at": f"{timezone.localtime(document.issued_at):{LOCAL}}",
        "cover": _cover(case),
        "entries": [{"number": "", "date": ""} | e for e in entries],
    }


def _day(day) -> str:
    return day.isoformat() if day else "—"


def _cover(case: Case) -> list[tuple[str, str]]:
    rows = [
        ("办件编号", case.number),
        ("事项", case.definition.matter),
        ("申请人", f"{case.subject_name}（{case.subject_code}）" if case.subject_code else case.subject_name),
        ("地区", name_path(case.place)),
        ("受理机关", case.agency.name),
        (
            "适用规则",
            f"{case.definition.rule_set}，流程第 {case.procedure.version} 版，{case.definition.law}",
        ),
        ("申请方式", case.get_channel_display()),
        ("收到", _day(case.received_on)),
        ("受理", _day(case.accepted_on)),
        ("决定", _day(case.decided_on)),
        ("办结", _day(case.closed_on)),
        ("结果", case.outcome_label or "办理中"),
    ]
    linked = "；".join(
        f"{link.get_kind_display()} {link.other.number}" for link in case.links.select_related("other")
    )
    rows += [("关联办件", linked)] if linked else []
    rows += [("所属办件", case.parent_step.case.number)] if case.parent_step else []
    return rows + ([("补录", f"{_day(case.entered_on)} 补录的历史办件")] if case.entered_on else [])


def _story(case: Case, length: int) -> dict:
    rows = []
    for event in case.events.filter(seq__lte=length).order_by("seq"):
        late = timezone.localtime(event.recorded_at) - timezone.localtime(event.at)
        rows.append(
            {
                "seq": event.seq,
                "at": f"{timezone.localtime(event.at):{LOCAL}}",
                "late": f"录入于 {timezone.localtime(event.recorded_at):{LOCAL}}" if late.days >= 1 else "",
                "sentence": event.sentence,
                "public": event.public,
            }
        )
    return {"title": "办理经过", "kind": "story", "rows": rows}


def _opinions(case: Case, until) -> dict:
    rows = [
        {
            "step": s.name,
            "act": s.act_label,
            "who": events.signature(s.account, s.post, s.on_behalf),
            "at": f"{timezone.localtime(s.closed_at):{LOCAL}}" if s.closed_at else "",
            "words": s.opinion,
            "asked": list(s.asked),
        }
        for s in presenting.opinions(case)
        if s.closed_at is None or s.closed_at <= until
    ]
    return {"title": "办理意见", "kind": "opinions", "rows": rows}


def _clock(shown: presenting.ShownClock) -> dict:
    clock = shown.clock
    ended = f"，于 {_day(clock.stopped_on)} 停止" if clock.stopped_on else ""
    return {
        "title": clock.title,
        "limit": shown.limit,
        "state": presenting.STATES[clock.state],
        "due": f"{shown.due.isoformat()} 届满{ended}" if clock.state != clock.State.VOID else "",
        "why": shown.why,
    }


def _submissions(case: Case, until) -> list[dict]:
    found, former = [], None
    for handed in case.submissions.filter(at__lte=until).select_related("account").order_by("number"):
        form = forms.get(handed.form, handed.form_version)
        title = "申请材料" if handed.number == 1 else f"申请材料（第 {handed.number} 次提交）"
        who = f"，提交人 {handed.account.name}" if handed.account else ""
        sections = presenting.sections(form, handed.data, case.rule_date, former)
        found.append(
            {
                "title": title,
                "kind": "submission",
                "date": f"{timezone.localdate(handed.at)}",
                "note": f"{timezone.localtime(handed.at):{LOCAL}} 提交{who}；表单 {form.key} 第 {handed.form_version} 版。",
                "sections": [_section(s) for s in sections],
            }
        )
        former = handed.data
    return found


def _records(case: Case) -> list[dict]:
    """What was found out at steps that have a form of their own (`facts.records`: step -> form and version)."""
    found = []
    for key, (name, version) in case.facts.get("records", {}).items():
        if key not in case.definition.steps or key not in case.facts:
            continue
        form = forms.get(name, version)
        sections = presenting.sections(form, case.facts[key], case.rule_date)
        note = f"表单 {form.key} 第 {version} 版。"
        title = f"环节记录：{case.definition.step(key).name}"
        found.append(
            {"title": title, "kind": "submission", "note": note, "sections": [_section(s) for s in sections]}
        )
    return found


def _line(line: presenting.Shown) -> dict:
    return {
        "label": line.label,
        "value": line.value or "—",
        "was": line.was,
        "changed": line.changed,
        "files": [a.name for a in line.files],
    }


def _section(section: presenting.ShownSection) -> dict:
    return {
        "title": section.title,
        "kind": section.kind,
        "heads": list(section.heads),
        "lines": [_line(line) for line in section.lines],
        "rows": [[_line(line) for line in row] for row in section.rows],
    }


def _services(case: Case, until) -> dict:
    rows = [
        [str(s.document), s.get_method_display(), _day(s.served_on), s.recipient or "—", s.proof or "—"]
        for s in case.services.filter(recorded_at__lte=until).select_related("document")
    ]
    return {"title": "送达记录", "kind": "services", "rows": rows}


def _papers(case: Case, document: GeneratedDocument, folder: _Folder, digests: list[dict]) -> list[dict]:
    found = []
    for paper in documents.of_case(case).filter(created_at__lte=document.issued_at):
        blob = papers.rendered(paper)
        pages = folder.take(blob)
        day = f"{timezone.localdate(paper.issued_at)}" if paper.issued_at else ""
        found.append(
            {
                "title": paper.title,
                "number": paper.number,
                "date": day,
                "kind": "files",
                "files": _plain(pages),
            }
        )
        digests.append(_digest(str(paper), blob, pages))
    return found


def _files(case: Case, document: GeneratedDocument, folder: _Folder, digests: list[dict]) -> list[dict]:
    found = []
    for attachment in _attachments(case):
        if document.issued_at and attachment.created_at > document.issued_at:
            continue
        pages = folder.take(attachment.blob)
        day = f"{timezone.localdate(attachment.created_at)}"
        found.append(
            {"title": f"附件：{attachment.name}", "date": day, "kind": "files", "files": _plain(pages)}
        )
        digests.append(_digest(attachment.name, attachment.blob, pages))
    return found


def _called(case: Case, document: GeneratedDocument, folder: _Folder, digests: list[dict]) -> list[dict]:
    """The cases that steps of this one have opened (a hearing, a check): story, opinions, records, papers, files."""
    found: list[dict] = []
    opened = Case.objects.filter(parent_step__case=case).select_related("procedure", "agency")
    for child in opened.order_by("parent_step_id"):
        length = child.events.filter(recorded_at__lte=document.issued_at).count()
        if not length:
            continue
        entries = [
            _story(child, length),
            _opinions(child, document.issued_at),
            *_records(child),
            *_papers(child, document, folder, digests),
            *_files(child, document, folder, digests),
        ]
        head = f"{child.definition.matter} {child.number}"
        found += [e | {"title": f"{head}：{e['title']}"} for e in entries if e.get("rows") != []]
    return found


def _plain(pages: list[_Page]) -> list[dict]:
    return [vars(p) for p in pages]


def _digest(name: str, blob: Blob, pages: list[_Page]) -> dict:
    return {
        "name": name,
        "size": megabytes(blob.size),
        "digest": blob.sha256,
        "note": "未按页收入" if pages[0].note else "",
    }


def _proof(case: Case, document: GeneratedDocument, digests: list[dict]) -> dict:
    faults = events.faults(case)
    chain = [
        ("办理记录", f"{document.data['story_length']} 条"),
        ("链尾（SM3）", document.data["story_hash"] or "—"),
        ("制卷时核对", "逐条相符" if not faults else "；".join(f.message for f in faults)),
        ("流程定义摘要", case.procedure.digest),
    ]
    return {"title": "核对信息", "kind": "proof", "chain": chain, "rows": digests}
