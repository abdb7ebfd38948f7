import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from chatapi.db.migrations import AddIndexLive


def delete_invitations(apps, schema_editor):
    """Backwards: every membership has an account again."""
    apps.get_model("companies", "Membership").objects.filter(user=None).delete()


class Migration(migrations.Migration):

    atomic = False  # the index is made while the table is written to

    dependencies = [
        ('companies', '0002_pages'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='membership',
            name='email',
            field=models.EmailField(blank=True, db_default='', default='', help_text='The invited address.', max_length=254),
        ),
        migrations.AddField(
            model_name='membership',
            name='mailed_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='membership',
            name='user',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RunPython(migrations.RunPython.noop, delete_invitations),
        AddIndexLive(
            model_name='membership',
            index=models.Index(condition=models.Q(('ended_at', None), ('user', None)), fields=['email'], name='membership_invited'),
        ),
        migrations.CreateModel(
            name='InvitationBlock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('company', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='companies.company')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('email', 'company'), name='invitation_block_once'),
                    models.UniqueConstraint(condition=models.Q(('company', None)), fields=('email',), name='invitation_block_all'),
                ],
            },
        ),
    ]
