"""Small records the registry's tests share."""

from datetime import date

import pytest

from jinzhi.registry import certificates, services
from jinzhi.registry.importing import spool

WESTLAKE, LINPING, NINGBO = 330106_000000, 330113_000000, 330203_000000

TEA = {
    "category_code": "14",
    "category": "茶叶及相关制品",
    "detail_code": "1401",
    "detail": "茶叶",
    "varieties": "绿茶",
}


@pytest.fixture(autouse=True)
def _spool(tmp_path, monkeypatch):
    """Imports of a test keep what they read in the test's own folder."""
    monkeypatch.setattr(spool, "folder", lambda name: tmp_path / "imports" / name)


@pytest.fixture
def enterprise(db):
    return services.register_enterprise(
        name="杭州西湖龙井食品有限公司",
        place=WESTLAKE,
        uscc="91330100723456781Y",
        legal_representative="王小明",
        address="杭州市西湖区龙井路1号",
        source="登记机关",
        remark="内部备注不公开",
        contacts=[{"name": "李四", "phone": "13800000000"}],
    )


@pytest.fixture
def certificate(enterprise):
    return certificates.issue(
        number="SC11333019700024",
        kind="food_production",
        holder=enterprise,
        valid_from=date(2024, 1, 10),
        valid_to=date(2029, 1, 9),
        issued_on=date(2024, 1, 10),
        agency_key="330106",
        agency_name="杭州市西湖区市场监督管理局",
        case_number="内部办件号",
        items=[TEA],
    )
