"""The pages of the code service, worked arithmetic, suggestions, and batches over the interface."""

import json

import pytest

from jinzhi.foundation import codes
from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.codes import explaining, publishing

# the worked examples of services.md G.4: sum, remainder and check character
WORKED = [
    ("organization_code", "00001434-9", 57, "2", "9"),
    ("organization_code", "MB0R5777-3", 536, "8", "3"),
    ("organization_code", "D2143569-X", 199, "1", "X"),
    ("uscc", "91350100M000100Y43", 1640, "28", "3"),
    ("uscc", "11341702730007167P", 1155, "8", "P"),
    ("citizen_id", "11010519491231002X", 167, "2", "X"),
    ("citizen_id", "330101198002290019", 201, "3", "9"),
    ("gtin", "6901234567892", 128, "8", "2"),
    ("gtin", "69012341", 49, "9", "1"),
    ("gtin", "16901234567899", 131, "1", "9"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("scheme", "code", "total", "rest", "expected"), WORKED)
def test_the_arithmetic_is_that_of_the_reference(scheme, code, total, rest, expected):
    found = explaining.steps(codes.check(scheme, code))[-1]
    assert sum(t.product for t in found.terms) == total
    assert f"余 {rest}" in found.lines[0] and found.expected == expected and found.right


@pytest.mark.django_db
def test_the_states_of_a_licence_number_are_those_of_the_reference():
    found = explaining.steps(codes.check("food_licence", "SC11333019700024"))[0]
    assert [p for _, _, p in found.states] == [
        2,
        6,
        7,
        9,
        4,
        8,
        7,
        1,
        5,
        10,
        9,
        7,
        7,
    ] and found.expected == "4"


@pytest.mark.django_db
@pytest.mark.parametrize("scheme", codes.SCHEMES)
def test_every_scheme_is_explained_by_a_right_example(scheme, client):
    guide = explaining.GUIDES[scheme]
    assert codes.check(scheme, guide.example).valid and guide.segments and guide.rule
    for value in ("", guide.example, "9" * 18, "<script>", "１２", " ", "x" * 300):
        answer = client.get(f"/codes/{scheme}/", {"value": value, "on": "2026-01-01"})
        assert answer.status_code == 200 and "<script>" not in answer.content.decode()
        assert "style=" not in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("scheme", "typed", "meant"),
    [
        ("uscc", "91350100M0O0100Y43", "91350100M000100Y43"),
        ("uscc", "91350100M001000Y43", "91350100M000100Y43"),
        ("citizen_id", "110105194912310O2X", "11010519491231002X"),
        ("gtin", "6901234576892", "6901234567892"),
    ],
)
def test_the_right_code_is_among_the_suggestions_and_nothing_is_repaired(scheme, typed, meant):
    answer = codes.check(scheme, typed)
    assert not answer.valid and answer.normalized == typed
    assert meant in [c.code for c in explaining.candidates(answer, today())]
    assert explaining.candidates(codes.check(scheme, meant), today()) == []


@pytest.mark.django_db
def test_the_pages_of_the_sets_open(client):
    publishing.publish_shipped()
    for address in (
        "/codes/", "/codes/sets/food_category/", "/codes/sets/food_category/?on=2007-01-01&q=乳", "/codes/sets/division/?q=3301",
        "/codes/sets/division/?q=330104&on=2022-01-01", "/codes/sets/food_category/?on=1990-01-01", "/codes/sets/division/diff/",
        "/codes/sets/food_category/diff/?old=2016&new=2020", "/codes/sets/ccs_letter/diff/",
    ):  # fmt: skip
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "style=" not in answer.content.decode()
    assert "330102" in client.get("/codes/sets/division/?q=330104&on=2022-01-01").content.decode()
    for address in ("/codes/nothing/", "/codes/sets/nothing/", "/codes/sets/food_category/diff/?old=x"):
        assert client.get(address).status_code == 404


def post(client, scheme, body, **more):
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return client.post(f"/api/v1/codes/{scheme}/batch", data, content_type="application/json", **more)


@pytest.mark.django_db
def test_a_batch_over_the_interface(client):
    values = ["91330100723456781Y", "91330100723456781X", None, "９１３３０１００７２３４５６７８１Ｙ"]
    answer = post(client, "uscc", {"values": values}).json()
    assert (answer["read"], answer["valid"], answer["invalid"]) == (4, 2, 2)
    assert [r["codes"] for r in answer["results"]] == ["", "check_digit", "blank", "normalized_width"]
    many = post(client, "gtin", {"values": ["6901234567892"] * 300_000})
    assert many.status_code == 200 and many.json()["valid"] == 300_000


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"\xff", 400), ("[" * 5000, 400), ([], 422), ({}, 422), ({"values": "x"}, 422),
        ({"values": [1]}, 422),
        ({"values": [], "on": "x"}, 422), ({"values": [], "on": 5}, 422), ({"values": []}, 200),
        ({"values": ["\ud800", "\0"]}, 200), ({"values": ["x"], "on": "2015-10-01"}, 200),
    ],
)  # fmt: skip
def test_a_wrong_batch_is_told(client, body, status):
    assert post(client, "uscc", body).status_code == status
    assert post(client, "passport", {"values": []}).status_code == 404


@pytest.mark.django_db
def test_the_sets_over_the_interface(client):
    publishing.publish_shipped()
    found = client.get("/api/v1/codes/sets/food_category", {"on": "2007-03-01", "limit": 3}).json()
    assert found["version"]["version"] == "2006" and len(found["items"]) == 3 and found["next"]
    one = client.get("/api/v1/codes/sets/division/items/330104", {"on": "2022-01-01"}).json()
    assert one["state"] == "former" and one["successors"][0]["code"] == "330102"
    assert (
        client.get("/api/v1/codes/sets/food_category/diff", {"old": "2016", "new": "2020"}).status_code == 200
    )
    assert client.get("/api/v1/codes/sets/food_category/versions").json()["versions"]
    assert client.get("/api/v1/codes/sets/nothing").status_code == 404
    assert client.get("/api/v1/codes").json()["schemes"]
