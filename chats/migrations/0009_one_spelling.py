"""Put mail addresses into their one spelling; say which ones collide."""

from typing import Any

from django.db import migrations

from accounts.addresses import respell


def put_right(apps: Any, schema_editor: Any) -> None:
    chat_user = apps.get_model("chats", "ChatUser")

    def takes_part(row: Any, email: str) -> bool:
        return bool(chat_user.objects.filter(chat_id=row.chat_id, email=email).exists())

    for sentence in respell(chat_user, takes_part):
        print(sentence)


class Migration(migrations.Migration):
    dependencies = [("chats", "0008_chats_by_status"), ("accounts", "0003_one_spelling")]

    operations = [migrations.RunPython(put_right, migrations.RunPython.noop)]
