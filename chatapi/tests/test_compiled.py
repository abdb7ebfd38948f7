"""Queries that are compiled once give what the ORM gives."""

from datetime import timedelta

import pytest
from django.db import connection, connections
from django.db.models import BigIntegerField, DateTimeField
from django.utils import timezone

from accounts.models import ApiToken
from chatapi.db.compiled import Compiled, Parameter
from chats.models import Chat, ChatUser

pytestmark = pytest.mark.django_db


def test_instances_with_what_they_are_joined_with(chat, gina, django_assert_num_queries):
    def build():
        chat_id = Parameter("chat_id", BigIntegerField())
        return ChatUser.objects.filter(chat_id=chat_id).select_related("chat__company", "user")

    compiled = Compiled(build)
    for _ in range(2):
        with django_assert_num_queries(1):
            (found,) = compiled.instances(chat_id=chat.pk)
            assert found.chat.company.name == chat.company.name
            assert found.user is None
        assert found == gina.chat_user
        assert found.created_at == ChatUser.objects.get().created_at
    assert compiled.first(chat_id=0) is None


def test_rows_as_dicts_of_the_fields_own_types(chat):
    compiled = Compiled(
        lambda: Chat.objects.filter(created_at__gt=Parameter("since", DateTimeField())).values(
            "id", "created_at", "metadata"
        )
    )
    since = timezone.now() - timedelta(days=1)
    expected = list(Chat.objects.values("id", "created_at", "metadata"))
    assert compiled.dicts(since=since) == expected
    assert compiled.dicts(since=timezone.now() + timedelta(days=1)) == []


def test_a_value_that_stays_may_stand_beside(alice):
    compiled = Compiled(
        lambda: ApiToken.objects.filter(
            user_id=Parameter("user_id", BigIntegerField()), scopes="read,write"
        )
    )
    assert compiled.first(user_id=alice.user.pk) == ApiToken.objects.get(user=alice.user)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_cut_while_it_lay_idle_is_replaced(client, alice):
    assert alice.api.get("/api/user").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            # Until it has ended: without a time limit, the call does not wait.
            cursor.execute("SELECT pg_terminate_backend(%s, 30000)", [pid])
    finally:
        other.close()
    assert connection.health_check_enabled or connection.settings_dict["CONN_HEALTH_CHECKS"]
    connection.health_check_done = False
    assert alice.api.get("/api/user").status_code == 200
