"""What a list of chats costs does not grow with the chats that are not on its page.

Counted in what the database does, not in time: pages that PostgreSQL looks at, steps of SQLite's
machine.
"""

import json

import pytest
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat

from chatapi.tasks import analyze
from chats.access import chats as chat_access
from chats.models import Chat
from companies.actions.companies import create_company
from companies.models import Company, Membership, Role

pytestmark = pytest.mark.slow


def grow(company, count, **fields):
    Chat.objects.bulk_create(
        [
            Chat(company=company, name=f"Chat {number}", sealed_password="", **fields)
            for number in range(count)
        ],
        batch_size=1000,
    )


def count_chats():
    """As the databases do from time to time by themselves, or by beat."""
    if connection.vendor == "sqlite":
        analyze()
    else:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def effort(action):
    """What the database does for the dearest statement of `action`."""
    if connection.vendor == "sqlite":
        return sqlite_steps(action)
    statements = []

    def note(execute, sql, params, many, context):
        statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        action()
    return max(postgresql_pages(*each) for each in statements)


def sqlite_steps(action):
    steps = [0]

    def step():
        steps[0] += 1

    connection.connection.set_progress_handler(step, 10)
    try:
        action()
    finally:
        connection.connection.set_progress_handler(None, 0)
    return steps[0]


def postgresql_pages(sql, params):
    """Pages, and rows that were thrown away, which take time as well."""
    if not sql.startswith("SELECT"):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        ((plan,),) = cursor.fetchall()
    found = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return found["Shared Hit Blocks"] + found["Shared Read Blocks"] + thrown_away(found)


def thrown_away(plan):
    removed = sum(count for name, count in plan.items() if name.startswith("Rows Removed by"))
    return removed * plan["Actual Loops"] + sum(map(thrown_away, plan.get("Plans", ())))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?page=2",
        "?order=asc",
        "?company_id=acme",
        "?status=open&per_page=30",
        "?page=900&per_page=1",
    ],
)
def test_a_page_of_chats_costs_the_same_among_many(acme, bob, charlie, query):
    def list_chats():
        answer = bob.api.get(f"/api/chats{query}")
        assert answer.status_code == 200
        assert answer.json()["data"][0]["company_id"] == acme.pk

    grow(acme, 1000)
    count_chats()
    list_chats()
    few = effort(list_chats)
    grow(acme, 4000)
    grow(create_company(charlie.user, name="Globex"), 4000)  # newer than all that bob sees
    count_chats()
    # nine times as many chats, and the indexes perhaps a level higher
    assert effort(list_chats) < 3 * few


def small_companies(count, chats, owner):
    """Companies with a few chats each, as most are."""
    made = Company.objects.bulk_create(
        Company(name="Small", slug=f"small-{number}") for number in range(count)
    )
    Membership.objects.bulk_create(
        Membership(company=company, user=owner, role=Role.OWNER) for company in made
    )
    Chat.objects.bulk_create(
        [Chat(company=each, sealed_password="") for each in made for _ in range(chats)],
        batch_size=1000,
    )


@pytest.mark.parametrize("query", ["", "?company_id=acme", "?company_id=acme&status=closed"])
def test_a_large_company_among_many_small_ones(acme, bob, charlie, query, on_postgres):
    """A database that thinks of the average company must not read all of the large one."""
    if not query and not on_postgres:
        pytest.skip("SQLite reads the large one: it can't be told in which order to join")

    def list_chats():
        assert bob.api.get(f"/api/chats{query}").status_code == 200

    grow(acme, 5000)
    count_chats()
    list_chats()
    few = effort(list_chats)
    small_companies(1000, 2, charlie.user)
    count_chats()
    assert effort(list_chats) < 3 * few


def test_many_companies_of_one_account(acme, bob, charlie):
    """What an account pays for grows with its companies, not with their square."""

    def list_chats():
        assert len(charlie.api.get("/api/chats").json()["data"]) == 15

    small_companies(50, 20, charlie.user)
    count_chats()
    list_chats()
    few = effort(list_chats)
    Company.objects.filter(slug__startswith="small").update(slug=Concat(Value("old-"), "slug"))
    small_companies(450, 20, charlie.user)
    count_chats()
    assert effort(list_chats) < 15 * few


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("query", ["", "&company_id=acme", "&status=open"])
def test_a_page_by_cursor_costs_the_same_at_any_depth(acme, bob, charlie, order, query):
    grow(acme, 5000)
    grow(create_company(charlie.user, name="Globex"), 4000)
    count_chats()
    rows = Chat.objects.filter(company=acme).order_by("created_at", "pk")

    def going_on_after(place):
        cursor = chat_access.ORDERING.cursor(
            rows[place if order == "asc" else 4999 - place], {"order": order}
        )

        def list_chats():
            answer = bob.api.get(f"/api/chats?cursor={cursor}{query}")
            assert len(answer.json()["data"]) == 15

        return list_chats

    going_on_after(0)()
    few = effort(going_on_after(0))
    assert effort(going_on_after(4900)) < 2 * few


def test_the_few_open_chats_are_found_among_many_closed(acme, bob):
    def list_chats():
        assert len(bob.api.get("/api/chats?status=open").json()["data"]) == 10

    grow(acme, 10)
    Chat.objects.filter(company=acme).update(status=Chat.Status.OPEN)
    grow(acme, 500, status=Chat.Status.CLOSED)
    count_chats()
    list_chats()
    few = effort(list_chats)
    grow(acme, 9000, status=Chat.Status.CLOSED)
    count_chats()
    assert effort(list_chats) < 3 * few
