"""Whatever fits the schema, or just does not, is answered as the schema says."""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chatapi.limits.rate import Rate
from chatapi.wsgi import application


def closing(environ, start_response):
    """The application, whose responses are closed as a server does; schemathesis does not."""
    response = application(environ, start_response)
    try:
        return [b"".join(response)]
    finally:
        response.close()


SCHEMA = schemathesis.openapi.from_wsgi("/api/schema", closing)
OPERATIONS = {each.ok().label: each.ok() for each in SCHEMA.get_all_operations()}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(autouse=True)
def one_connection():
    """The test's own connection stays, as Django's test client sees to it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("label", OPERATIONS)
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_with_a_token_of_either_kind(label, data, settings, acme, chat, alice, gina):
    settings.LIMITS = {name: Rate.parse("99999/s") for name in settings.LIMITS}
    case = data.draw(OPERATIONS[label].as_strategy())
    if data.draw(st.booleans()):
        # Ids made up by chance meet nothing: the place is real, the rest is not.
        real = {"company_id": acme.slug, "chat_id": chat.pk}
        case.path_parameters |= {k: v for k, v in real.items() if k in case.path_parameters}
    for person in (alice, gina):
        response = case.call(headers={"Authorization": f"Bearer {person.token}"})
        case.validate_response(response, checks=CHECKS)
