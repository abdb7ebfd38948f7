import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from chatapi.db.migrations import AddIndexLive


class Migration(migrations.Migration):

    atomic = False  # the index is made while the table is written to

    dependencies = [
        ('accounts', '0001_initial'),
        ('chats', '0005_browser_tokens'),
        ('companies', '0002_pages'),
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
        migrations.AddField(
            model_name='chatuser',
            name='invited_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name='Departure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rotate_passwords', models.BooleanField()),
                ('last_chat_id', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('done_at', models.DateTimeField(blank=True, null=True)),
                ('membership', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='companies.membership')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('done_at', None)), fields=['id'], name='departure_to_do')],
            },
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
