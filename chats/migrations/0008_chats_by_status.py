from django.db import migrations, models

from chatapi.db.migrations import AddIndexLive


class Migration(migrations.Migration):

    atomic = False  # the index while the table is written to

    dependencies = [
        ('chats', '0007_attempts_by_guesser'),
    ]

    operations = [
        AddIndexLive(
            model_name='chat',
            index=models.Index(
                fields=['company', 'status', 'created_at', 'id'], name='chat_status_age'
            ),
        ),
    ]
