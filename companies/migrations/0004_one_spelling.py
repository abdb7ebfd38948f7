"""Put mail addresses into their one spelling; say which ones collide."""

from typing import Any

from django.db import migrations

from accounts.addresses import respell


def put_right(apps: Any, schema_editor: Any) -> None:
    membership = apps.get_model("companies", "Membership")
    block = apps.get_model("companies", "InvitationBlock")

    def is_invited(row: Any, email: str) -> bool:
        others = membership.objects.filter(company_id=row.company_id, email=email)
        return bool(others.exists())

    def is_blocked(row: Any, email: str) -> bool:
        return bool(block.objects.filter(company_id=row.company_id, email=email).exists())

    for sentence in (*respell(membership, is_invited), *respell(block, is_blocked)):
        print(sentence)


class Migration(migrations.Migration):
    dependencies = [("companies", "0003_invitations"), ("accounts", "0003_one_spelling")]

    operations = [migrations.RunPython(put_right, migrations.RunPython.noop)]
