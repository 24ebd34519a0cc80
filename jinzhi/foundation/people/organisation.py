"""Agencies and their departments: what a system administrator sets up within his range."""

from django.db import IntegrityError, transaction

from .acting import Actor, Refused, changes
from .models import Agency, Department

AGENCY_FIELDS = ("name", "short_name", "document_word", "address", "phone", "valid_from", "valid_to")


@transaction.atomic
def change_agency(by: Actor, agency: Agency, **fields) -> Agency:
    """Changes names, word, address and dates; key, level and place come from the province pack and stay."""
    by.needs("administrator")
    by.reaches(agency)
    _only(fields, AGENCY_FIELDS)
    done = changes(agency, fields)
    if agency.valid_from and agency.valid_to and agency.valid_to <= agency.valid_from:
        raise Refused("撤销日期应当晚于设立日期。", "valid_to")
    if done:
        agency.save(update_fields=list(fields))
        by.record("people.agency.changed", agency, done, agency)
    return agency


@transaction.atomic
def add_department(by: Actor, agency: Agency, name: str) -> Department:
    by.needs("administrator")
    by.reaches(agency)
    name = name.strip()
    if not name:
        raise Refused("请填写处室名称。", "name")
    order = agency.departments.count() + 1
    try:
        with transaction.atomic():
            department = Department.objects.create(agency=agency, name=name, order=order)
    except IntegrityError:
        raise Refused(f"{agency.short_name}已经有“{name}”。", "name") from None
    by.record("people.department.added", f"{agency.short_name} {name}", {"处室": name}, agency)
    return department


@transaction.atomic
def rename_department(by: Actor, department: Department, name: str) -> Department:
    by.needs("administrator")
    by.reaches(department.agency)
    done = changes(department, {"name": name.strip()})
    if not department.name:
        raise Refused("请填写处室名称。", "name")
    if done:
        try:
            with transaction.atomic():
                department.save(update_fields=["name"])
        except IntegrityError:
            raise Refused(f"{department.agency.short_name}已经有“{name}”。", "name") from None
        by.record("people.department.changed", department, done, department.agency)
    return department


@transaction.atomic
def remove_department(by: Actor, department: Department) -> None:
    """Only one that no post was ever in; the history of posts is kept."""
    by.needs("administrator")
    by.reaches(department.agency)
    if department.post_set.exists():
        raise Refused("已有人员在这个处室任过职，不能删除，可以改名。")
    by.record("people.department.removed", department, {"处室": department.name}, department.agency)
    department.delete()


def _only(fields: dict, allowed: tuple[str, ...]) -> None:
    if extra := set(fields) - set(allowed):
        raise ValueError(f"fields that may not be set here: {sorted(extra)}")
