"""Every operation of /api/v1 does what its OpenAPI description says, whatever it is asked."""

import json

import schemathesis
from hypothesis import HealthCheck, settings
from ninja import Schema
from ninja.responses import NinjaJSONEncoder
from schemathesis.checks import positive_data_acceptance

from jinzhi.api import api

description = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), cls=NinjaJSONEncoder))
schema = schemathesis.openapi.from_dict(description)


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_conform_to_the_description(case, live):
    # A well-formed question may still be refused by a rule (a date outside the calendar).
    case.call_and_validate(base_url=live, excluded_checks=[positive_data_acceptance])


def test_every_shape_has_a_name_of_its_own():
    """The description keeps shapes by name: of two that share one, only one would be described."""
    named, waiting = {}, [Schema]
    while waiting:
        for shape in waiting.pop().__subclasses__():
            waiting.append(shape)
            if shape.__module__.startswith("jinzhi."):
                named.setdefault(shape.__name__, set()).add(shape.__module__)
    assert {name: found for name, found in named.items() if len(found) > 1} == {}
    assert len(named) > 50
