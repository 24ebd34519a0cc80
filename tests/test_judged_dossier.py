"""The case file holds what was done in the cases that its steps opened, and says whose part it is itself."""

from datetime import date

import pytest

from jinzhi.casework import dossier
from jinzhi.casework.models import Case
from jinzhi.services.licensing.tests import life, world

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 2)


@pytest.fixture
def heard() -> tuple[Case, Case]:
    """A food licence whose examiner has told the applicant of the right to a hearing, and the hearing."""
    case = world.submitted(DAY)
    county = life.Officials(world.COUNTY)
    world.go(case, "accept", "accept", county.window_clerk, DAY)
    world.go(
        case, "site_inspection", "conclude", county.inspector, DAY, payload=world.site_check("FP-2020", DAY)
    )
    world.go(case, "document_review", "pass", county.examiner, DAY, reason="符合")
    world.go(case, "conclude", "conclude", county.examiner, DAY, reason="涉及重大利益关系")
    return Case.objects.get(pk=case.pk), Case.objects.get(parent_step__case=case)


def made(case: Case, tmp_path) -> dict:
    document = dossier.order(case, world.official("受理", "window_clerk", world.COUNTY))
    return dossier._contents(case, document, dossier._Folder(tmp_path))


def test_a_hearing_is_in_the_file_of_its_case(heard, tmp_path):
    case, hearing = heard
    entries = {e["title"]: e for e in made(case, tmp_path)["entries"]}
    story = entries[f"行政许可听证 {hearing.number}：办理经过"]
    assert [row["sentence"] for row in story["rows"]] == list(
        hearing.events.order_by("seq").values_list("sentence", flat=True)
    )
    titles = list(entries)
    own = titles.index("办理经过")
    assert own < titles.index(f"行政许可听证 {hearing.number}：办理经过") < titles.index("核对信息")


def test_the_file_of_a_hearing_names_the_case_it_belongs_to(heard, tmp_path):
    case, hearing = heard
    assert ("所属办件", case.number) in made(hearing, tmp_path)["cover"]


def test_what_happens_in_the_hearing_later_is_not_in_an_older_file(heard, tmp_path):
    case, hearing = heard
    document = dossier.order(case, world.official("受理", "window_clerk", world.COUNTY))
    before = dossier._contents(case, document, dossier._Folder(tmp_path))
    step = hearing.steps.get(state="open")
    city = life.Officials(world.CITY)
    world.go(
        hearing, step.key, "serve", city.examiner, DAY, payload={"method": "direct", "recipient": "王样例"}
    )
    after = dossier._contents(case, document, dossier._Folder(tmp_path))
    title = f"行政许可听证 {hearing.number}：办理经过"
    lengths = [len(e["rows"]) for found in (before, after) for e in found["entries"] if e["title"] == title]
    assert lengths[0] == lengths[1]
