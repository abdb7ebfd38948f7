"""`GET /api/search`: what is found, in which order, by whom, and where it matches."""

# ruff: noqa: RUF001 -- the letters of many scripts are the point here

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from chats.access import search as access
from chats.actions import chats, messages, notes, search_index
from chats.models import Message, Note
from chats.tests.files import upload
from conftest import make_guest

PATH = "/api/search"
TEXTS = [
    "Good morning, the parcel has not come yet",  # 0
    "Café au lait, s'il vous plaît",  # 1
    "Cafe\u0301 fermé, déjà vu",  # 2
    "Die Straße ist gesperrt, GRÜSSE aus Łódź",  # 3
    "İstanbul'da ılık bir gün, øre og æble",  # 4
    "Καλημέρα, η Ἀθήνα και ο ΟΔΥΣΣΕΎΣ",  # 5
    "Москва, ёлка и мой чай",  # 6
    "Мои друзья в Київ",  # 7
    "العَرَبِيَّة لغة أحمد",  # 8
    "שָׁלוֹם עולם",  # 9
    "मुझे हिन्दी में लिखें",  # 10
    "私は東京都に行きます",  # 11
    "京都タワーとｶﾞｲﾄﾞ",  # 12
    "iPhone手机在上海买的",  # 13
    "학교에서 친구를 만났다",  # 14
    "สวัสดีครับ ประเทศไทย",  # 15
    "Order #4711: ½ price, x² and ﬁne print",  # 16
    "Mail gina@guest.test or see https://a.test/refund?id=42",  # 17
]
FOUND = [
    ("parcel", [0]),
    ("PARCEL", [0]),
    ("par", [0]),
    ("arcel", []),
    ("parcel morning", [0]),
    ("par morning", []),
    ("parcel missing", []),
    ("café", [1, 2]),
    ("cafe", [1, 2]),
    ("CAFE\u0301", [1, 2]),
    ("cafe ferme", [2]),
    ("plait", [1]),
    ("deja vu", [2]),
    ("straße", [3]),
    ("STRASSE", [3]),
    ("grüße", [3]),
    ("grusse", [3]),
    ("lodz", [3]),
    ("istanbul", [4]),
    ("ilik", [4]),
    ("ore aeble", [4]),
    ("αθηνα", [5]),
    ("ΑΘΉΝΑ", [5]),
    ("οδυσσευς", [5]),
    ("καλημερα", [5]),
    ("МОСКВА", [6]),
    ("елка", [6]),
    ("мои", [7]),
    ("мой", [6]),
    ("Київ", [7]),
    ("العربية", [8]),
    ("احمد", [8]),
    ("שלום", [9]),
    ("עול", [9]),
    ("हिन्दी", [10]),
    ("हन्दी", []),
    ("東京", [11]),
    ("京", [11, 12]),
    ("京都", [11, 12]),
    ("東京都に行", [11]),
    ("東京に行", []),
    ("行きます", [11]),
    ("タワー", [12]),
    ("ガイド", [12]),
    ("手机", [13]),
    ("iphone 上海", [13]),
    ("학교", [14]),
    ("학교 친구", [14]),
    ("ประเทศ", [15]),
    ("ไทย", [15]),
    ("fine print", [16]),
    ("x2 4711", [16]),
    ("guest.test", [17]),
    ("refund 42", [17]),
    ("\uff30\uff21\uff32\uff23\uff25\uff2c", [0]),
    ("soft\u00adware", []),
    ("par\u00adcel", [0]),
]


@pytest.fixture
def texts(chat, gina):
    return [messages.send(gina.chat_user, text)[0] for text in TEXTS]


def search(caller, q, **query):
    response = caller.api.get(PATH, {"q": q, **query})
    assert response.status_code == 200, response.content
    return response.json()


def ids(page):
    return [hit["message"]["id"] for hit in page["data"]]


@pytest.mark.parametrize(("q", "expected"), FOUND)
def test_words_in_many_scripts(texts, gina, bob, q, expected):
    for caller in (gina, bob):
        page = search(caller, q, per_page=50)
        assert sorted(ids(page)) == [texts[place]["id"] for place in expected]
        assert all(hit["ranges"] for hit in page["data"])


@pytest.mark.parametrize(
    ("q", "shown"),
    [
        ("cafe", ["Café", "Cafe\u0301"]),
        ("strasse", ["Straße"]),
        ("東京都に", ["東京都に"]),
        ("ガイド", ["ｶﾞｲﾄﾞ"]),
        ("친구", ["친구"]),
        ("शलिख", []),
        ("fine", ["ﬁne"]),
        ("parcel come", ["parcel", "come"]),
    ],
)
def test_ranges_are_code_points_of_the_text(texts, gina, q, shown):
    marked = {
        hit["message"]["text"][start : start + length]
        for hit in search(gina, q)["data"]
        for start, length in hit["ranges"]
    }
    assert marked == set(shown)


def test_ranges_after_an_emoji(chat, gina):
    messages.send(gina.chat_user, "👩‍👩‍👧 Hello 👍🏽 hello")
    (hit,) = search(gina, "hello")["data"]
    assert hit["ranges"] == [[6, 5], [15, 5]]
    assert hit["chat"] == {
        "id": chat.pk,
        "company_id": chat.company_id,
        "name": "Help for Gina",
        "status": "open",
        "created_at": hit["chat"]["created_at"],
    }


class TestOrder:
    @pytest.fixture
    def sent(self, chat, gina):
        texts = ["ship the order", "the order shipped", "shipping", "order ship", "ship order now"]
        return [messages.send(gina.chat_user, text)[0]["id"] for text in texts]

    def test_best_first(self, sent, gina):
        # both words next to each other in this order; others, the newest first
        expected = [sent[4], sent[3], sent[0]]
        assert ids(search(gina, "ship order")) == expected
        assert ids(search(gina, "order ship")) == [sent[3], sent[4], sent[1], sent[0]]

    def test_newest_first(self, sent, gina):
        assert ids(search(gina, "ship", order="newest")) == sorted(sent, reverse=True)

    @pytest.mark.parametrize("order", ["best", "newest"])
    @pytest.mark.parametrize("block", [3, 250])
    def test_pages_have_each_message_once(self, chat, gina, monkeypatch, order, block):
        monkeypatch.setattr(access, "BLOCK", block)
        for number in range(11):
            messages.send(gina.chat_user, f"hello {number}" if number % 2 else f"{number} helloes")
        seen, query = [], {"order": order, "per_page": 2}
        while True:
            page = search(gina, "hello", **query)
            seen += ids(page)
            messages.send(gina.chat_user, "hello, too late")
            if page["next_cursor"] is None:
                break
            query = {"per_page": 2, "cursor": page["next_cursor"]}
        assert len(seen) == len(set(seen)) == 11
        if order == "newest":
            assert seen == sorted(seen, reverse=True)

    def test_a_deletion_between_pages_hides_no_other(self, chat, gina, monkeypatch):
        monkeypatch.setattr(access, "BLOCK", 4)
        sent = [messages.send(gina.chat_user, f"hello {n}")[0]["id"] for n in range(9)]
        first = search(gina, "hello", per_page=2)
        messages.delete(chat.pk, sent[-1], None)
        rest = search(gina, "hello", per_page=20, cursor=first["next_cursor"])
        assert ids(first) + ids(rest) == sent[::-1]

    def test_a_cursor_of_another_order_is_refused(self, sent, gina, error_of):
        cursor = search(gina, "ship", per_page=1)["next_cursor"]
        answer = gina.api.get(PATH, {"q": "ship", "cursor": cursor, "order": "newest"})
        assert answer.status_code == 422
        assert "cursor" in answer.json()["errors"]


class TestNotes:
    def test_members_find_notes_by_words_in_any_script(self, chat, bob, gina, agent_bob):
        note = notes.create(chat.pk, bob.user, "Die Straße: 京都タワー, café")
        for q in ("strasse", "京都", "CAFE", "Straße caf"):
            (hit,) = search(bob, q)["data"]
            assert hit["message"] is None
            assert hit["note"]["id"] == note.pk
            assert hit["chat"]["id"] == chat.pk
            assert hit["ranges"]
            for caller in (gina, agent_bob):
                assert search(caller, q)["data"] == []

    def test_hits_of_guests_have_no_place_for_notes(self, chat, gina, bob):
        messages.send(gina.chat_user, "Hello")
        assert set(search(gina, "hello")["data"][0]) == {"chat", "message", "ranges"}
        assert search(bob, "hello")["data"][0]["note"] is None

    def test_edits_and_deletions(self, chat, bob):
        note = notes.create(chat.pk, bob.user, "parcel")
        notes.edit(chat.pk, note.pk, bob.user, text="letter")
        assert search(bob, "parcel")["data"] == []
        assert len(search(bob, "letter")["data"]) == 1
        notes.delete(chat.pk, note.pk, bob.user)
        assert search(bob, "letter")["data"] == []

    def test_filters(self, chat, other_chat, bob, gina, charlie):
        note = notes.create(chat.pk, bob.user, "parcel")
        notes.create(other_chat.pk, bob.user, "parcel")
        found = search(bob, "parcel", chat_id=chat.pk)["data"]
        assert [hit["note"]["id"] for hit in found] == [note.pk]
        assert search(bob, "parcel", author_id=gina.chat_user.pk)["data"] == []
        assert search(bob, "parcel", after="2100-01-01")["data"] == []
        assert len(search(bob, "parcel", before="2100-01-01")["data"]) == 2
        assert search(charlie, "parcel")["data"] == []

    @pytest.mark.parametrize("order", ["best", "newest"])
    @pytest.mark.parametrize("block", [2, 250])
    @pytest.mark.parametrize("pattern", ["mmmnnn", "nnnmmm", "mnmnmn", "nnn"])
    def test_pages_have_each_hit_once(self, chat, gina, bob, monkeypatch, order, block, pattern):
        monkeypatch.setattr(access, "BLOCK", block)
        sent = []
        for number, kind in enumerate(pattern):
            text = f"hello {number}" if number % 2 else f"{number} helloes"
            if kind == "m":
                sent.append(("message", messages.send(gina.chat_user, text)[0]["id"]))
            else:
                sent.append(("note", notes.create(chat.pk, bob.user, text).pk))
        seen, query = [], {"order": order, "per_page": 1}
        while True:
            page = search(bob, "hello", **query)
            for hit in page["data"]:
                kind = "message" if hit["message"] else "note"
                seen.append((kind, hit[kind]["id"]))
            messages.send(gina.chat_user, "hello, too late")
            notes.create(chat.pk, bob.user, "hello, too late")
            if page["next_cursor"] is None:
                break
            query = {"per_page": 1, "cursor": page["next_cursor"]}
        assert sorted(seen) == sorted(sent)
        if order == "newest":
            assert seen == sent[::-1]

    def test_no_hit_is_lost_where_ids_and_times_have_different_orders(
        self, chat, gina, bob, monkeypatch
    ):
        monkeypatch.setattr(access, "BLOCK", 4)
        sent = [messages.send(gina.chat_user, f"hello {n}")[0]["id"] for n in range(6)]
        now = timezone.now()
        for pk, second in zip(sent, [0, 1, 3.005, 3, 4, 5], strict=True):
            moment = now + timedelta(seconds=second)
            Message.objects.filter(pk=pk).update(created_at=moment)
        note = notes.create(chat.pk, bob.user, "hello")
        Note.objects.filter(pk=note.pk).update(created_at=now + timedelta(seconds=10))
        for order in ("best", "newest"):
            found, query = [], {"order": order, "per_page": 2}
            while True:
                page = search(bob, "hello", **query)
                found += [(hit["message"] or hit["note"])["id"] for hit in page["data"]]
                if page["next_cursor"] is None:
                    break
                query = {"per_page": 2, "cursor": page["next_cursor"]}
            assert sorted(found) == sorted([*sent, note.pk])


class TestScope:
    @pytest.fixture
    def hello(self, chat, gina, hugo, charlie):
        elsewhere = chats.create(charlie.user.memberships.get().company, name="Elsewhere")
        ida = make_guest(elsewhere, "Ida")
        return {
            name: messages.send(guest.chat_user, f"Hello from {name}")[0]
            for name, guest in {"gina": gina, "hugo": hugo, "ida": ida}.items()
        }

    def test_each_sees_what_they_may(self, hello, gina, hugo, agent_bob, bob, charlie):
        seen = {
            "gina": (gina, {"gina"}),
            "hugo": (hugo, {"hugo"}),
            "an agent's chat-user token": (agent_bob, {"gina"}),
            "bob": (bob, {"gina", "hugo"}),
            "charlie": (charlie, {"ida"}),
        }
        for caller, names in seen.values():
            assert set(ids(search(caller, "hello"))) == {hello[name]["id"] for name in names}

    def test_by_chat(self, hello, chat, other_chat, bob, gina, charlie, error_of):
        assert ids(search(bob, "hello", chat_id=chat.pk)) == [hello["gina"]["id"]]
        assert ids(search(gina, "hello", chat_id=chat.pk)) == [hello["gina"]["id"]]
        other = gina.api.get(PATH, {"q": "hello", "chat_id": other_chat.pk})
        assert (other.status_code, error_of(other)) == (403, "other_chat")
        for chat_id in (chat.pk, 10**12):
            assert charlie.api.get(PATH, {"q": "hello", "chat_id": chat_id}).status_code == 422

    def test_by_company(self, hello, acme, bob, gina, charlie):
        assert len(ids(search(bob, "hello", company_id="acme"))) == 2
        assert len(ids(search(gina, "hello", company_id=acme.pk))) == 1
        for company in ("acme", acme.pk, "nobody", 10**12):
            assert ids(search(charlie, "hello", company_id=company)) == []
        assert ids(search(gina, "hello", company_id="outside")) == []

    def test_by_author(self, hello, gina, hugo, bob, charlie):
        author = gina.chat_user.pk
        assert ids(search(bob, "hello", author_id=author)) == [hello["gina"]["id"]]
        assert ids(search(charlie, "hello", author_id=author)) == []
        assert ids(search(hugo, "hello", author_id=author)) == []
        assert ids(search(bob, "hello", author_id=10**12)) == []

    def test_by_time(self, hello, bob):
        at = hello["hugo"]["created_at"]
        assert ids(search(bob, "hello", before=at)) == [hello["gina"]["id"]]
        assert ids(search(bob, "hello", after=hello["gina"]["created_at"])) == [hello["hugo"]["id"]]

    def test_a_deleted_chat_is_not_searched(self, hello, chat, bob):
        chats.delete(chat)
        assert ids(search(bob, "hello")) == [hello["hugo"]["id"]]

    def test_a_former_member_finds_nothing(self, hello, bob):
        bob.user.memberships.update(ended_at="2020-01-01T00:00:00Z")
        assert ids(search(bob, "hello")) == []


@pytest.mark.parametrize(
    "q",
    [
        None,
        "",
        "   ",
        "x" * 201,
        "x" * 10_000,
        "& | ! ( ) : * \" ' \\ <->",
        "👍",
        "a\0b",
        "\u200b\u00ad",
        "\u0301",
    ],
)
def test_a_query_that_finds_nothing_is_refused(gina, q):
    answer = gina.api.get(PATH, {} if q is None else {"q": q})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["q"]


def test_a_lone_surrogate(gina):
    assert gina.api.get(f"{PATH}?q=%ED%A0%80").status_code == 422


@pytest.mark.parametrize(
    "q", ["a", "'", "parcel'", "parcel:*", "NOT parcel", '"parcel', "parcel OR x", "@1", "ﷺ" * 200]
)
def test_operators_are_text(texts, gina, q):
    answer = gina.api.get(PATH, {"q": q})
    assert answer.status_code == (422 if q == "'" else 200)


def test_one_letter_is_a_whole_word(chat, gina):
    messages.send(gina.chat_user, "an apple")
    sent, _ = messages.send(gina.chat_user, "a pear")
    assert ids(search(gina, "a")) == [sent["id"]]


def test_edits_and_deletions(chat, gina):
    sent, _ = messages.send(gina.chat_user, "parcel")
    messages.edit(gina.chat_user, sent["id"], "letter")
    assert ids(search(gina, "parcel")) == []
    assert ids(search(gina, "letter")) == [sent["id"]]
    messages.delete(chat.pk, sent["id"], None)
    assert ids(search(gina, "letter")) == []
    assert Message.objects.get(pk=sent["id"]).terms is None
    assert indexed_rows("letter") == 0


def indexed_rows(word):
    """How many rows the index has for a word, whatever messages say."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT count(*) FROM chats_message WHERE terms @@ %s::tsquery", [word])
        else:
            sql = "SELECT count(*) FROM chats_message_terms WHERE chats_message_terms MATCH %s"
            cursor.execute(sql, [word])
        return cursor.fetchone()[0]


def test_a_purged_chat_leaves_nothing(chat, gina):
    from django.db.models import Q

    messages.send(gina.chat_user, "parcel")
    assert indexed_rows("parcel") == 1
    assert chats.purge(chat.pk, Q(pk=chat.pk))
    assert indexed_rows("parcel") == 0


def test_messages_without_terms_are_indexed_by_the_command(texts, gina, bob, monkeypatch):
    monkeypatch.setattr(search_index, "BATCH", 4)
    messages.delete(gina.chat_user.chat_id, texts[1]["id"], None)
    notes.create(gina.chat_user.chat_id, bob.user, "A quixotic guest")
    Message.objects.update(terms=None)
    Note.objects.update(terms=None)
    assert ids(search(gina, "cafe")) == []
    assert search(bob, "quixotic")["data"] == []
    out = StringIO()
    call_command("index_messages", stdout=out)
    assert out.getvalue() == f"{len(TEXTS) - 1} messages\n1 notes\n"
    assert ids(search(gina, "cafe")) == [texts[2]["id"]]
    assert len(search(bob, "quixotic")["data"]) == 1
    call_command("index_messages", "--all", stdout=out)
    assert ids(search(gina, "cafe")) == [texts[2]["id"]]


def test_terms_that_are_out_of_date_find_nothing(texts, gina):
    """A process of an older version may have edited the message."""
    Message.objects.filter(pk=texts[0]["id"]).update(text="Something else")
    assert ids(search(gina, "parcel")) == []


def test_migrations_restore_what_sqlite_loses(texts, gina):
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER chats_message_terms_insert")
    call_command("migrate", verbosity=0)
    sent, _ = messages.send(gina.chat_user, "triggered")
    assert ids(search(gina, "triggered")) == [sent["id"]]


def test_searches_have_a_limit_of_their_own(gina, settings):
    answer = gina.api.get(PATH, {"q": "hello"})
    assert answer["X-RateLimit-Limit"] == "10"


def test_the_statements_of_a_search(texts, bob, django_assert_max_num_queries):
    bob.api.get("/api/user")
    # token; companies; texts of messages and notes, and the newest of the latter; messages; chats.
    # On PostgreSQL, also a transaction and two settings
    with django_assert_max_num_queries(11):
        search(bob, "parcel")


def test_the_example_of_the_schema(chat, gina):
    from chats.schema.search import HIT

    messages.send(gina.chat_user, HIT["message"]["text"])
    (hit,) = search(gina, "change book")["data"]
    assert hit["ranges"] == HIT["ranges"]


def test_names_of_files_are_searched(gina, acme):
    shown = upload(gina, "Invoice März.pdf", b"%PDF-1.7\n%%EOF").json()
    messages.send(gina.chat_user, "Here it is", attachment_ids=[shown["id"]])
    for query, ranges in (("invoice", []), ("marz", []), ("here", [[0, 4]]), ("here inv", [])):
        (found,) = gina.api.get(PATH, {"q": query}).json()["data"]
        assert (found["message"]["text"], found["ranges"]) == ("Here it is", ranges)
    Message.objects.update(terms=None)
    assert sum(search_index.fill()) == 1
    assert len(gina.api.get(PATH, {"q": "invoice"}).json()["data"]) == 1
