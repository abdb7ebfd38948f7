"""Put mail addresses into their one spelling; say which ones collide."""

from typing import Any

from django.db import migrations

from accounts.addresses import respell


def put_right(apps: Any, schema_editor: Any) -> None:
    user = apps.get_model("accounts", "User")
    address = apps.get_model("account", "EmailAddress")

    def is_user(row: Any, email: str) -> bool:
        return bool(user.objects.filter(email=email).exists())

    def is_address(row: Any, email: str) -> bool:
        # Another account's may be proven, and only one may.
        return bool(address.objects.filter(email=email).exists())

    for sentence in (*respell(user, is_user), *respell(address, is_address)):
        print(sentence)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_session_generation"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(put_right, migrations.RunPython.noop)]
