"""Plausible answers to any form, made from its definition alone."""

from datetime import date
from random import Random

from jinzhi.demo import names
from jinzhi.foundation import codes, forms
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.forms.definition import Field, Section
from jinzhi.foundation.forms.validation import shown
from jinzhi.registry.models import Enterprise
from jinzhi.services.licensing import intake

CODES = {"uscc": "uscc", "organization_code": "org_code"}


class Answers:
    """Fills in what a form asks of one enterprise on one day; `given` holds answers by section and field."""

    def __init__(self, random: Random, firm: Enterprise, on: date, paper: str, subject: str):
        self.random, self.firm, self.on, self.paper, self.subject = random, firm, on, paper, subject

    def to(self, form: forms.Form, facts: intake.Known, given: dict) -> dict:
        data = intake.prefill(form, facts)
        for section in form.sections:
            said = given.get(section.key, {})
            if section.kind == "table":
                rows = said or data[section.key] or [{} for _ in range(section.min_rows)]
                data[section.key] = [self._fields(section, data, row) for row in rows]
            elif section.kind == "attachments":
                data[section.key] = self._papers(section, data)
            else:
                data[section.key] = self._fields(section, data, data[section.key] | said)
        return data

    def _fields(self, section: Section, data: dict, said: dict) -> dict:
        found = dict(said)
        for field in section.fields:
            seen = data | ({section.key: found} if section.kind == "fields" else {})
            if field.key not in found and field.required and shown(field, seen):
                found[field.key] = self._answer(field)
        return found

    def _answer(self, field: Field):
        match field.type:
            case "choice":
                return field.choices[0][0]
            case "multi_choice":
                return [field.choices[0][0]]
            case "boolean":
                return True
            case "date":
                return self.on.isoformat()
            case "integer" | "decimal":
                return str(int(field.min or 1))
            case "phone":
                return names.phone(self.random)
            case "place":
                return f"{self.firm.place // 1_000_000:06d}"
            case "code":
                return getattr(self.firm, CODES.get(field.scheme, "uscc"))
            case "code_set":
                items = codes.sets.get(field.code_set, on=self.on).items.values()
                return next(i.code for i in items if bool(i.parent) == (field.level == "detail"))
        if field.key in ("name", "contact", "chair", "engineer"):
            return names.person(self.random)
        return (
            f"{field.label}：按实际情况填写"
            if field.type == "long_text"
            else f"演示{field.label}"[: field.max_length]
        )

    def _papers(self, section: Section, data: dict) -> dict:
        wanted = [f for f in section.fields if f.required and shown(f, data)]
        kept = Attachment.objects.bulk_create(
            Attachment(
                place=0, enterprise_id=self.firm.pk, subject=self.subject, kind=f.key, name=f"{f.label}.pdf",
                blob_id=self.paper, uploaded_by_name="演示",
            )
            for f in wanted
        )  # fmt: skip
        return {a.kind: [str(a.pk)] for a in kept}
