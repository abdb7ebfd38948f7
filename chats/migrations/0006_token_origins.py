import django.db.models.deletion
from django.db import migrations, models

from chatapi.operations import AddIndexLive


class Migration(migrations.Migration):

    atomic = False  # the index is made while the table is written to

    dependencies = [
        ('accounts', '0001_initial'),
        ('chats', '0005_browser_tokens'),
    ]

    operations = [
        migrations.AddField(
            model_name='chatusertoken',
            name='scopes',
            field=models.CharField(
                db_default='read,write', default='read,write', editable=False, max_length=50
            ),
        ),
        migrations.AddField(
            model_name='chatusertoken',
            name='origin',
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name='chat_user_tokens',
                to='accounts.apitoken',
            ),
        ),
        AddIndexLive(
            model_name='chatusertoken',
            index=models.Index(
                condition=models.Q(('origin__isnull', False)),
                fields=['origin'],
                name='chat_user_token_origin',
            ),
        ),
    ]
