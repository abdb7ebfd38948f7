from django.db import migrations, models

from chatapi.db.migrations import AddIndexLive


def fill_in(apps, schema_editor):
    """Events written before they knew their company."""
    Event, Chat = apps.get_model("chats", "Event"), apps.get_model("chats", "Chat")
    for chat_id, company_id in Chat.objects.values_list("pk", "company_id").iterator():
        Event.objects.filter(chat_id=chat_id, company_id=None).update(company_id=company_id)


class Migration(migrations.Migration):

    atomic = False  # chat by chat, and the index while the table is written to

    dependencies = [
        ('chats', '0002_chat_user_last_seen'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='company_id',
            field=models.BigIntegerField(null=True),
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='event',
            name='company_id',
            field=models.BigIntegerField(),
        ),
        AddIndexLive(
            model_name='event',
            index=models.Index(
                fields=['company_id', 'created_at', 'chat', 'seq'], name='event_time'
            ),
        ),
    ]
