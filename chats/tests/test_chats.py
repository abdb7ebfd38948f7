"""/api/chats and /api/chats/{id}"""

import json

import pytest
from django.utils import timezone

from chats.actions import chats as actions
from chats.actions import messages
from chats.models import Chat, Event
from companies.actions.companies import create_company
from companies.actions.members import add_member
from companies.models import Role
from conftest import PASSWORD, Client


def kinds(chat):
    return list(Event.objects.filter(chat=chat).order_by("seq").values_list("type", flat=True))


class TestCreate:
    def test_a_chat_with_all_it_can_have(self, acme, bob):
        answer = bob.api.post(
            "/api/chats",
            {
                "company_id": acme.pk,
                "name": "Order 7",
                "password": "open-sesame",
                "external_id": "order-7",
                "metadata": {"order": 7, "vip": True, "tags": ["a"]},
            },
        )
        assert answer.status_code == 201
        body = answer.json()
        assert body["metadata"] == {"order": 7, "vip": True, "tags": ["a"]}
        assert body["external_id"] == "order-7"
        assert (body["status"], body["last_seq"], body["last_message"]) == ("open", 1, None)
        assert (body["unread_count"], body["users_count"]) == (0, 0)
        assert "password" not in body
        chat = Chat.objects.get(pk=body["id"])
        assert kinds(chat) == ["chat.created"]
        assert "open-sesame" not in chat.sealed_password
        shared = bob.api.post(f"/api/chats/{chat.pk}/share").json()
        assert shared["password"] == "open-sesame"

    def test_by_slug_and_with_a_password_made(self, acme, bob):
        body = bob.api.post("/api/chats", {"company_id": "acme"}).json()
        shared = bob.api.post(f"/api/chats/{body['id']}/share").json()
        assert len(shared["password"]) >= 12
        assert shared["url"] == f"http://testserver/chats/{body['id']}#{shared['password']}"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("company_id", "nowhere"),
            ("company_id", 99999),
            ("company_id", None),
            ("company_id", "99999999999999999999"),
            ("password", "short"),
            ("name", "x" * 201),
            ("metadata", {"big": "x" * 17_000}),
            ("metadata", [1]),
            ("metadata", "x"),
            ("metadata", {"a": {"nul": "\0"}}),
            ("metadata", {"a": json.loads("[" * 30 + "]" * 30)}),
            ("external_id", "x" * 201),
        ],
    )
    def test_what_is_wrong_is_said_and_makes_nothing(self, acme, bob, field, value):
        answer = bob.api.post("/api/chats", {"company_id": acme.pk} | {field: value})
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == [field]
        assert not Chat.objects.exists()

    def test_an_external_id_that_another_chat_has_is_refused_later_too(self, acme, bob, chat):
        assert bob.api.post("/api/chats", {"company_id": acme.pk, "external_id": "a"}).json()
        answer = bob.api.patch(f"/api/chats/{chat.pk}", {"name": "New", "external_id": "a"})
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["external_id"]
        chat.refresh_from_db()
        assert (chat.name, chat.external_id) == ("Help for Gina", None)

    def test_an_external_id_is_one_chats_own_in_a_company(self, acme, bob, charlie):
        first = {"company_id": acme.pk, "external_id": "a"}
        assert bob.api.post("/api/chats", first).status_code == 201
        again = bob.api.post("/api/chats", first)
        assert again.status_code == 422
        assert list(again.json()["errors"]) == ["external_id"]
        elsewhere = {"company_id": "outside", "external_id": "a"}
        assert charlie.api.post("/api/chats", elsewhere).status_code == 201

    def test_an_empty_external_id_is_none(self, acme, bob):
        send = {"company_id": acme.pk, "external_id": ""}
        for _ in range(2):
            assert bob.api.post("/api/chats", send).json()["external_id"] is None

    def test_a_number_beyond_64_bits_comes_back(self, acme, bob):
        made = bob.api.post("/api/chats", {"company_id": acme.pk, "metadata": {"n": 1e20}}).json()
        assert bob.api.get(f"/api/chats/{made['id']}").json()["metadata"] == {"n": 1e20}

    def test_metadata_in_a_form_is_json(self, acme, bob):
        send = {"company_id": acme.pk, "metadata": '{"a": 1}'}
        made = bob.api.post("/api/chats", send, format="multipart")
        assert made.json()["metadata"] == {"a": 1}
        answer = bob.api.post("/api/chats", send | {"metadata": "a"}, format="multipart")
        assert answer.json()["message"] == "metadata: Metadata must be a JSON object."

    def test_the_same_key_again_is_the_same_chat(self, acme, bob):
        send = {"company_id": acme.pk, "name": "Once"}
        first = bob.api.post("/api/chats", send, headers={"Idempotency-Key": "k"})
        again = bob.api.post("/api/chats", send, headers={"Idempotency-Key": "k"})
        assert again.json() == first.json()
        assert again["Idempotent-Replayed"] == "true"
        other = bob.api.post("/api/chats", send | {"name": "x"}, headers={"Idempotency-Key": "k"})
        assert other.json()["code"] == "idempotency_conflict"
        assert Chat.objects.count() == 1

    def test_a_key_of_a_refused_request_is_free_again(self, acme, bob):
        key = {"Idempotency-Key": "k"}
        assert bob.api.post("/api/chats", {"company_id": "no"}, headers=key).status_code == 422
        assert bob.api.post("/api/chats", {"company_id": "acme"}, headers=key).status_code == 201

    def test_a_token_that_may_only_read(self, acme, alice, error_of):
        from accounts.actions.tokens import issue_token

        _, plain = issue_token(alice.user, scopes=["read"])
        assert Client(plain).get("/api/chats").status_code == 200
        answer = Client(plain).post("/api/chats", {"company_id": acme.pk})
        assert answer.status_code == 403
        assert error_of(answer) == "scope_missing"
        assert "`write`" in answer.json()["message"]


class TestList:
    def ids(self, answer):
        assert answer.status_code == 200
        return [chat["id"] for chat in answer.json()["data"]]

    def test_a_member_sees_the_chats_of_the_company_newest_first(
        self, chat, other_chat, bob, charlie
    ):
        assert self.ids(bob.api.get("/api/chats")) == [other_chat.pk, chat.pk]
        assert self.ids(bob.api.get("/api/chats?order=asc")) == [chat.pk, other_chat.pk]
        assert self.ids(charlie.api.get("/api/chats")) == []

    def test_the_chats_of_several_companies_are_one_list(self, acme, bob, charlie):
        globex, gone, former = [create_company(charlie.user, name=name) for name in "GHI"]
        for company in (globex, gone, former):
            add_member(company, "bob@acme.test", Role.AGENT)
        made = [
            actions.create(company, name="").pk
            for company in (acme, globex, globex, gone, former, acme, acme, globex)
        ]
        gone.deleted_at = timezone.now()
        gone.save()
        former.memberships.filter(user=bob.user).update(ended_at=timezone.now())
        actions.delete(Chat.objects.get(pk=made[6]))
        seen = [made[place] for place in (7, 5, 2, 1, 0)]
        assert self.ids(bob.api.get("/api/chats")) == seen
        assert self.ids(bob.api.get("/api/chats?order=asc")) == seen[::-1]
        for page, expected in enumerate((seen[:2], seen[2:4], seen[4:]), 1):
            answer = bob.api.get(f"/api/chats?per_page=2&page={page}")
            assert self.ids(answer) == expected
            assert bool(answer.json()["next_page_url"]) is (page < 3)
        assert self.ids(bob.api.get(f"/api/chats?company_id={globex.pk}")) == [
            made[place] for place in (7, 2, 1)
        ]
        for company in (gone, former):
            assert self.ids(bob.api.get(f"/api/chats?company_id={company.pk}")) == []

    def test_a_guests_filters(self, acme, chat, gina):
        for query, expected in {
            "status=open": [chat.pk],
            "status=closed": [],
            f"company_id={acme.slug}": [chat.pk],
            "company_id=none": [],
            "page=2": [],
        }.items():
            assert self.ids(gina.api.get(f"/api/chats?{query}")) == expected

    def test_a_guest_sees_its_own_without_what_the_integrator_keeps(self, chat, hugo, gina):
        actions.update(chat.pk, {"metadata": {"secret": 1}, "external_id": "crm-1"})
        (shown,) = gina.api.get("/api/chats").json()["data"]
        assert shown["id"] == chat.pk
        assert "metadata" not in shown
        assert "external_id" not in shown

    def test_each_with_its_last_message_and_counts(self, chat, gina, agent_bob, bob):
        messages.send(gina.chat_user, "Hello")
        last, _ = messages.send(agent_bob.chat_user, "Hi")
        (shown,) = bob.api.get("/api/chats").json()["data"]
        assert shown["last_message"] == last
        assert shown["users_count"] == 2
        assert shown["unread_count"] == 0  # sending read what came before
        (shown,) = gina.api.get("/api/chats").json()["data"]
        assert shown["unread_count"] == 1

    def test_each_with_the_callers_own_chat_user(self, chat, gina, agent_bob, bob, mary):
        path = f"/api/chats/{chat.pk}"
        assert gina.api.get(path).json()["chat_user_id"] == gina.chat_user.pk
        for client in (bob.api, agent_bob.api):
            assert client.get(path).json()["chat_user_id"] == agent_bob.chat_user.pk
            (shown,) = client.get("/api/chats").json()["data"]
            assert shown["chat_user_id"] == agent_bob.chat_user.pk
        assert mary.api.get(path).json()["chat_user_id"] is None  # she has not joined

    def test_a_deleted_message_is_not_unread(self, chat, gina, agent_bob, mary):
        sent, _ = messages.send(gina.chat_user, "Hello")
        messages.delete(chat.pk, sent["id"], None)
        assert agent_bob.api.get(f"/api/chats/{chat.pk}").json()["unread_count"] == 0

    def test_who_has_not_joined_has_read_nothing(self, chat, gina, mary):
        messages.send(gina.chat_user, "Hello")
        assert mary.api.get(f"/api/chats/{chat.pk}").json()["unread_count"] == 1

    def test_filters(self, acme, bob, chat, other_chat):
        actions.update(chat.pk, {"status": "closed", "external_id": "crm-1"})
        get = bob.api.get
        assert self.ids(get("/api/chats?status=closed")) == [chat.pk]
        assert self.ids(get("/api/chats?external_id=crm-1")) == [chat.pk]
        assert self.ids(get("/api/chats?q=HUGO")) == [other_chat.pk]
        assert self.ids(get("/api/chats?q=crm")) == [chat.pk]
        assert self.ids(get(f"/api/chats?company_id={acme.pk}")) == [other_chat.pk, chat.pk]
        assert self.ids(get("/api/chats?company_id=outside")) == []
        assert self.ids(get("/api/chats?after=2999-01-01")) == []
        assert self.ids(get("/api/chats?before=2999-01-01")) == [other_chat.pk, chat.pk]

    @pytest.mark.parametrize("query", ["status=odd", "order=x", "q=%00", "before=x", "per_page=0"])
    def test_a_wrong_filter_is_said(self, bob, query):
        assert bob.api.get(f"/api/chats?{query}").status_code == 422

    def test_the_links_keep_the_filters(self, bob, chat, other_chat):
        body = bob.api.get("/api/chats?per_page=1&status=open").json()
        assert body["next_page_url"] == "http://testserver/api/chats?per_page=1&status=open&page=2"
        assert self.ids(bob.api.get(body["next_page_url"])) == [chat.pk]


class TestChange:
    def test_the_fields_that_are_sent_and_no_others(self, chat, bob):
        before = bob.api.get(f"/api/chats/{chat.pk}").json()
        answer = bob.api.put(
            f"/api/chats/{chat.pk}", {"metadata": {"a": 1}, "id": 5, "last_seq": 99, "odd": True}
        )
        assert answer.status_code == 200
        assert answer.json() == before | {"metadata": {"a": 1}, "last_seq": 2}

    def test_closing_and_reopening_are_events(self, chat, bob):
        path = f"/api/chats/{chat.pk}"
        bob.api.put(path, {"status": "closed", "name": "Done"})
        bob.api.patch(path, {"status": "closed"})
        bob.api.put(path, {"status": "open"})
        assert kinds(chat) == ["chat.created", "chat.updated", "chat.closed", "chat.reopened"]

    def test_the_password_is_the_managers(self, chat, bob, mary):
        path = f"/api/chats/{chat.pk}"
        assert bob.api.put(path, {"password": "new-password"}).status_code == 403
        assert mary.api.put(path, {"password": "new-password"}).status_code == 200
        assert bob.api.post(f"{path}/share").json()["password"] == "new-password"

    @pytest.mark.parametrize(
        "body", [{"status": "gone"}, {"name": "x" * 201}, {"metadata": 5}, {"password": ""}]
    )
    def test_what_is_wrong_changes_nothing(self, chat, mary, body):
        answer = mary.api.put(f"/api/chats/{chat.pk}", {"name": "New"} | body)
        assert answer.status_code == 422
        assert kinds(chat) == ["chat.created"]


class TestDelete:
    def test_it_is_gone_with_its_tokens_and_staff_restores_it(self, chat, gina, mary):
        answer = mary.api.delete(f"/api/chats/{chat.pk}")
        assert answer.status_code == 200
        assert answer.json()["deleted_at"] is not None
        assert mary.api.get(f"/api/chats/{chat.pk}").status_code == 404
        assert gina.api.get("/api/chat-user").status_code == 401
        chat.refresh_from_db()
        actions.restore(chat)
        assert mary.api.get(f"/api/chats/{chat.pk}").status_code == 200

    def test_its_external_id_is_free_again(self, acme, chat, mary):
        actions.update(chat.pk, {"external_id": "a"})
        mary.api.delete(f"/api/chats/{chat.pk}")
        again = mary.api.post("/api/chats", {"company_id": acme.pk, "external_id": "a"})
        assert again.status_code == 201
        chat.refresh_from_db()
        from chatapi.api.errors import ApiError

        with pytest.raises(ApiError):
            actions.restore(chat)


class TestShare:
    def test_guests_and_members_get_the_link_on_both_paths(self, chat, gina, bob):
        for caller in (gina, bob):
            for path in (f"/api/chats/{chat.pk}/share", f"/chats/{chat.pk}/share"):
                answer = caller.api.post(path)
                assert answer.status_code == 200
                assert answer.json() == {
                    "password": PASSWORD,
                    "url": f"http://testserver/chats/{chat.pk}#{PASSWORD}",
                }

    def test_managers_rotate_the_password(self, chat, gina, bob, mary):
        path = f"/api/chats/{chat.pk}/share"
        assert gina.api.post(path, {"rotate": True}).status_code == 403
        assert bob.api.post(path, {"rotate": True}).status_code == 403
        new = mary.api.post(path, {"rotate": True}).json()["password"]
        assert new != PASSWORD
        assert bob.api.post(path).json()["password"] == new
        assert gina.api.get("/api/chat-user").status_code == 200  # who is in stays in
        assert Event.objects.filter(chat=chat).latest("seq").type == "chat.updated"

    def test_keys_are_rotated_without_a_password_being_lost(self, chat, bob, settings):
        settings.CHAT_PASSWORD_KEYS = ["a-newer-key", *settings.CHAT_PASSWORD_KEYS]
        assert bob.api.post(f"/api/chats/{chat.pk}/share").json()["password"] == PASSWORD


class TestRead:
    def test_never_back_and_never_past_the_end(self, chat, gina):
        messages.send(gina.chat_user, "Hello")
        chat.refresh_from_db()
        path = f"/api/chats/{chat.pk}/read"
        head = chat.last_seq
        assert gina.api.put(path, {"seq": 1}).json() == {"seq": head}
        assert gina.api.put(path, {"seq": 10**12}).json() == {"seq": head}
        gina.chat_user.refresh_from_db()
        assert gina.chat_user.last_read_seq == head

    @pytest.mark.parametrize("seq", [-1, "x", None, 10**20, [1]])
    def test_what_is_no_seq(self, chat, gina, seq):
        assert gina.api.put(f"/api/chats/{chat.pk}/read", {"seq": seq}).status_code == 422

    def test_a_member_joins_first(self, chat, bob):
        answer = bob.api.put(f"/api/chats/{chat.pk}/read", {"seq": 1})
        assert answer.json()["code"] == "join_first"


class TestStartChat:
    BODY = {"first_name": "Ida", "last_name": "New", "email": "ida@guest.test", "message": "Help!"}

    def test_a_visitor_opens_a_chat_and_a_code_is_mailed(self, acme, bob, newest_code):
        answer = Client().post("/api/companies/acme/start-chat", self.BODY)
        assert answer.status_code == 201
        body = answer.json()
        assert body["code_mailed"] is True
        assert "token" not in body
        chat = Chat.objects.get(pk=body["chat"]["id"])
        assert kinds(chat) == ["chat.created", "user.joined", "message.created"]
        (said,) = bob.api.get(f"/api/chats/{chat.pk}/messages").json()["data"]
        assert (said["text"], said["assurance"]) == ("Help!", "claimed")
        token = Client().post(
            f"/api/chats/{chat.pk}/users/get-token",
            {"email": "ida@guest.test", "auth-code": newest_code("ida@guest.test")},
        )
        assert token.status_code == 200

    def test_a_company_that_trusts_a_first_join_gives_the_token(self, acme):
        acme.verify_first_join = False
        acme.save()
        body = Client().post("/api/companies/acme/start-chat", self.BODY).json()
        assert Client(body["token"]).get("/api/chat-user").status_code == 200

    def test_names_as_long_as_they_may_be(self, acme):
        body = self.BODY | {"first_name": "x" * 100, "last_name": "y" * 100}
        assert Client().post("/api/companies/acme/start-chat", body).status_code == 201

    def test_without_a_message(self, acme):
        body = {k: v for k, v in self.BODY.items() if k != "message"}
        assert Client().post(f"/api/companies/{acme.pk}/start-chat", body).status_code == 201

    def test_no_such_company(self, acme, alice):
        assert Client().post("/api/companies/nowhere/start-chat", self.BODY).status_code == 404
        alice.api.delete(f"/api/companies/{acme.pk}")
        assert Client().post("/api/companies/acme/start-chat", self.BODY).status_code == 404

    def test_what_is_wrong_opens_nothing(self, acme):
        for change in ({"email": "x"}, {"message": "x" * 10_001}, {"first_name": ""}):
            answer = Client().post("/api/companies/acme/start-chat", self.BODY | change)
            assert answer.status_code == 422
        assert not Chat.objects.exists()

    def test_tokens_and_spellings_do_not_widen_the_limit_of_joins(self, acme, gina, bob):
        callers = [Client(), gina.api, bob.api] * 4
        names = ["acme", str(acme.pk)] * 6
        statuses = [
            caller.post(f"/api/companies/{name}/start-chat", self.BODY | {"email": f"i{n}@x.test"})
            for n, (caller, name) in enumerate(zip(callers, names, strict=True))
        ]
        assert [answer.status_code for answer in statuses] == [201] * 10 + [429] * 2
        nul = Client().post("/api/companies/acme%00/start-chat", self.BODY)
        assert nul.status_code == 404

    def test_an_address_is_not_flooded_through_many_chats(self, acme):
        statuses = [
            Client().post("/api/companies/acme/start-chat", self.BODY).status_code for _ in range(6)
        ]
        assert statuses == [201] * 5 + [429]
