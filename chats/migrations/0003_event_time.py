from django.db import migrations, models

from chatapi.operations import AddIndexLive


class Migration(migrations.Migration):

    atomic = False  # the index is made while the table is written to

    dependencies = [
        ('chats', '0002_chat_user_last_seen'),
    ]

    operations = [
        AddIndexLive(
            model_name='event',
            index=models.Index(fields=['created_at', 'chat', 'seq'], name='event_time'),
        ),
    ]
