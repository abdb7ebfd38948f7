"""create_company"""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from companies.models import Company, Membership


def create(*arguments):
    out = StringIO()
    call_command("create_company", *arguments, stdout=out)
    return out.getvalue()


def test_it_prints_id_and_slug_and_makes_the_owner(db):
    printed = create("Flower Shop", "--owner", "Ann@Example.com")
    company = Company.objects.get()
    assert printed == f"{company.pk} flower-shop\n"
    membership = Membership.objects.get()
    assert (membership.user.email, membership.role) == ("ann@example.com", "owner")


@pytest.mark.parametrize(
    "arguments",
    [
        ["", "--owner", "a@example.com"],
        ["Shop", "--owner", "nobody"],
        ["Shop", "--owner", "a@example.com", "--slug", "a b"],
    ],
)
def test_what_is_wrong_is_said(db, arguments):
    with pytest.raises(CommandError):
        create(*arguments)
    assert not Company.objects.exists()


def test_a_slug_that_is_taken_is_said(db):
    create("Shop", "--owner", "a@example.com", "--slug", "shop")
    with pytest.raises(CommandError, match="taken"):
        create("Other", "--owner", "b@example.com", "--slug", "shop")
    assert Company.objects.count() == 1
