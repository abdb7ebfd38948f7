import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from chatapi.db.migrations import AddIndexLive


class Migration(migrations.Migration):

    atomic = False  # indexes while the tables are written to, the new ones before the old ones go

    dependencies = [
        ('chats', '0003_event_time'),
        ('companies', '0002_pages'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexLive(
            model_name='chat',
            index=models.Index(fields=['company', 'created_at', 'id'], name='chat_age'),
        ),
        AddIndexLive(
            model_name='chatuser',
            index=models.Index(fields=['user', 'chat'], name='chat_user_account'),
        ),
        migrations.RemoveIndex(
            model_name='chat',
            name='chat_newest',
        ),
        migrations.AlterField(
            model_name='chat',
            name='company',
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name='chats',
                to='companies.company',
            ),
        ),
        migrations.AlterField(
            model_name='chatuser',
            name='user',
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name='chat_users',
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
