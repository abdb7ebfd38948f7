"""The admin's pages of companies and their members."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from accounts.actions.users import account_for
from accounts.models import User
from chats.actions import chats
from companies.actions.companies import create_company, delete_company
from companies.actions.members import add_member
from companies.models import Company, Membership, Role

COMPANIES = "/admin/companies/company/"
MEMBERSHIPS = "/admin/companies/membership/"
INLINE = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
SETTINGS = {"verify_first_join": "on", "edit_window_minutes": 15, "chat_user_token_days": 30}


@pytest.fixture
def root(db, client):
    client.force_login(User.objects.create_superuser("root@chat.test"))
    return client


def act(client, where, action, *rows):
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(where, chosen, follow=True).content.decode()


def listed(client, where=COMPANIES, **query):
    return list(client.get(where, query).context["cl"].result_list)


def test_counts_are_of_live_members_and_chats(root, acme, alice, mary, bob, chat, other_chat):
    chats.delete(other_chat)
    Membership.objects.filter(user=bob.user).update(ended_at=acme.created_at)
    row = next(row for row in listed(root) if row.pk == acme.pk)
    assert (row.members_total, row.chats_total) == (2, 1)


def test_search_and_filters(root, acme, charlie):
    outside = Company.objects.get(name="Outside")
    delete_company(outside)
    assert listed(root, deleted="yes") == [outside]
    assert listed(root, deleted="no") == [acme]
    assert listed(root, q="acm") == [acme]
    assert listed(root, q=str(outside.pk)) == [outside]
    assert listed(root, q="charlie@outside.test") == [outside]


def test_delete_hides_and_restore_brings_back(root, alice, acme, chat):
    assert "1 company deleted." in act(root, COMPANIES, "delete_softly", acme)
    assert alice.api.get(f"/api/chats/{chat.pk}").status_code == 404
    assert "Nothing to do for 1 company." in act(root, COMPANIES, "delete_softly", acme)
    assert "1 company restored." in act(root, COMPANIES, "restore", acme)
    assert alice.api.get(f"/api/chats/{chat.pk}").status_code == 200
    entries = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(entries) == ["Deleted.", "Restored."]


def test_deleting_needs_its_permission(client, acme):
    user = User.objects.create_user("staff@chat.test", is_staff=True)
    names = ("view_company", "change_company")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    act(client, COMPANIES, "delete_softly", acme)
    acme.refresh_from_db()
    assert acme.deleted_at is None
    buttons = client.get(f"{COMPANIES}{acme.pk}/change/").context["page_actions"]
    assert buttons == []


def test_a_company_is_added_with_its_owner(root):
    fields = SETTINGS | {"name": "New one", "slug": "", "owner": "Olga@New.Test"}
    added = root.post(f"{COMPANIES}add/", fields)
    assert added.status_code == 302, added.context["errors"]
    company = Company.objects.get(name="New one")
    assert company.slug == "new-one"
    assert company.memberships.get().user.email == "olga@new.test"
    assert company.memberships.get().role == Role.OWNER
    assert Company.objects.count() == 1


def test_a_company_is_changed_by_the_rules_of_the_api(root, acme):
    here = f"{COMPANIES}{acme.pk}/change/"
    good = SETTINGS | INLINE | {"name": "Acme", "slug": "acme", "logo_url": ""}
    for wrong in ({"slug": "123"}, {"chat_user_token_days": 366}, {"edit_window_minutes": -1}):
        page = root.post(here, good | wrong)
        assert page.status_code == 200
        assert "errorlist" in page.content.decode()
    assert root.post(here, good | {"name": "Acme & Sons"}).status_code == 302
    acme.refresh_from_db()
    assert (acme.name, acme.slug) == ("Acme & Sons", "acme")


def test_the_members_are_shown_those_of_today_first(root, acme, alice, mary, bob):
    Membership.objects.filter(user=mary.user).update(ended_at=acme.created_at)
    page = root.get(f"{COMPANIES}{acme.pk}/change/")
    formset = page.context["inline_admin_formsets"][0].formset
    shown = [form.instance.user.email for form in formset]
    assert shown == ["bob@acme.test", "alice@acme.test", "mary@acme.test"]


def test_a_role_is_changed_and_the_last_owner_stays(root, acme, alice, bob):
    def change(person, role):
        membership = Membership.objects.get(company=acme, user=person.user)
        answer = root.post(f"{MEMBERSHIPS}{membership.pk}/change/", {"role": role}, follow=True)
        membership.refresh_from_db()
        return membership.role, answer.content.decode()

    role, text = change(alice, "agent")
    assert role == Role.OWNER
    assert "must keep at least one owner" in text
    assert change(bob, "owner")[0] == Role.OWNER
    assert change(alice, "agent")[0] == Role.AGENT


def test_a_membership_is_ended_but_not_the_last_owners(root, acme, alice, bob):
    members = Membership.objects.filter(company=acme)
    text = act(root, MEMBERSHIPS, "end", *members)
    assert "1 membership ended." in text
    assert "must keep at least one owner" in text
    assert [row.user for row in members.filter(ended_at=None)] == [alice.user]
    ended = members.get(user=bob.user)
    assert listed(root, MEMBERSHIPS, state="ended") == [ended]
    answer = root.post(f"{MEMBERSHIPS}{ended.pk}/change/", {"role": "owner"})
    assert answer.status_code == 403


def add_companies(count):
    start = Company.objects.count()
    for number in range(start, start + count):
        owner = account_for(f"owner{number}@chat.test")
        company = create_company(owner, name=f"Company {number}")
        add_member(company, f"agent{number}@chat.test", Role.AGENT)
        chats.create(company)


@pytest.mark.parametrize("where", [COMPANIES, MEMBERSHIPS])
def test_a_list_costs_the_same_however_long(root, where, django_assert_num_queries):
    add_companies(3)
    # 1 session, 2 account, 3 count, 4 rows with what they refer to or count, 5-6 dates.
    with django_assert_num_queries(6):
        root.get(where)
    add_companies(57)
    with django_assert_num_queries(6):
        assert root.get(where).context["cl"].result_count >= 60


def test_the_page_of_a_company_costs_the_same_however_many_belong_to_it(
    root, acme, django_assert_num_queries
):
    def add(count):
        start = Membership.objects.count()
        for number in range(start, start + count):
            add_member(acme, f"agent{number}@acme.test", Role.AGENT)

    add(3)
    root.get(f"{COMPANIES}{acme.pk}/change/")  # Django keeps its content types from the first time
    # 1 session, 2 account, 3 company with its counts, 4 members with their accounts.
    with django_assert_num_queries(4):
        root.get(f"{COMPANIES}{acme.pk}/change/")
    add(57)
    with django_assert_num_queries(4):
        page = root.get(f"{COMPANIES}{acme.pk}/change/")
    assert len(page.context["inline_admin_formsets"][0].formset.forms) == 61


def test_what_pages_need_is_held_to_the_rules_of_the_api(root, acme):
    page = f"{COMPANIES}{acme.pk}/change/"
    form = {"name": "Acme", "slug": "acme", **SETTINGS, **INLINE}
    hours = '{"friday": [["13:00", "17:00"], ["09:00", "12:00"]], "timezone": "Europe/Berlin"}'
    sent = {"allowed_origins": '["HTTPS://Example.com:443/"]', "opening_hours": hours}
    assert root.post(page, form | sent).status_code == 302
    acme.refresh_from_db()
    assert acme.allowed_origins == ["https://example.com"]
    assert acme.opening_hours["friday"] == [["09:00", "12:00"], ["13:00", "17:00"]]
    wrong = {"allowed_origins": '["https://example.com/path"]', "opening_hours": '{"monday": 1}'}
    answer = root.post(page, form | wrong)
    assert set(answer.context["adminform"].form.errors) == set(wrong)
    assert root.post(page, form).status_code == 302
    acme.refresh_from_db()
    assert (acme.allowed_origins, acme.opening_hours) == ([], {})
