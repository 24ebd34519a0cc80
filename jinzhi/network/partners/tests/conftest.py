"""A hub with two partners switched on, and their programs."""

from datetime import timedelta

import pytest
from django.test import Client

from jinzhi.foundation import calendar
from jinzhi.foundation.exchange import declared, node
from jinzhi.network.catalogue.models import Grant
from jinzhi.network.partners import granting, partnering
from jinzhi.network.partners.models import Partner
from jinzhi.network.partners.tests import client

HERE = 330000_000000


def carry(method, path, query, headers, body):
    """Over Django's test client, as HTTP would."""
    meta = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    address = f"{path}?{query}" if query else path
    return Client().generic(method, address, body, content_type="application/json", **meta)


def outward(partner: Partner, dataset: str, fields: list[str]) -> Grant:
    today = calendar.today()
    area = 0 if dataset.startswith("yangtze") else HERE
    return Grant.objects.create(
        place=partner.place, provider_place=HERE, dataset=dataset, kind="partner", consumer=partner.code,
        consumer_name=partner.name, purpose="测试用途", fields=fields, area=area, since=today,
        until=today + timedelta(300), granted_by="测试",
    )  # fmt: skip


def inward(partner: Partner, dataset: str, fields=()) -> Grant:
    until = calendar.today() + timedelta(300)
    return granting.let_deliver(None, partner, dataset, list(fields), until, "按长三角协议提供")


def ready(
    code: str, algorithm: str = "ed25519", *, gives: tuple = (), takes: dict | None = None, **fields
) -> client.Partner:
    partner = Partner.objects.get(code=code)
    for name, value in fields.items():
        setattr(partner, name, value)
    partner.save()
    program = client.Partner(code, carry, algorithm)
    partnering.add_key(None, partner, algorithm=algorithm, text=program.public_text)
    for dataset in gives:
        inward(partner, dataset)
    for dataset, names in (takes or {}).items():
        outward(partner, dataset, names or [f.key for f in declared.get(dataset).fields if f.share != "no"])
    partnering.switch_on(None, partner)
    return program


@pytest.fixture
def hub(db):
    node.enable("330000", True)


@pytest.fixture
def shanghai(hub):
    """Gives and takes the delta's recalls; Ed25519."""
    return ready(
        "shanghai", gives=("yangtze.recall",), takes={"yangtze.recall": None}, accepts=["http", "file"]
    )


@pytest.fixture
def jiangsu(hub):
    """The same with SM2."""
    return ready(
        "jiangsu", "sm2", gives=("yangtze.recall",), takes={"yangtze.recall": None}, accepts=["http"]
    )


def recall(number="SH-1", **more):
    body = {
        "number": number, "product": "电热毯", "producer": "上海样例电器厂", "defect": "过热", "started_on": "2026-11-01",
        "state": "实施中",
    }  # fmt: skip
    return {"body": body | more}


def batch(number="B1", *rows, **more):
    return {"batch": number, "dataset": "yangtze.recall", "rows": list(rows) or [recall()]} | more
