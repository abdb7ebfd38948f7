from django.db import migrations, models

from chatapi.db.migrations import AddIndexLive


class Migration(migrations.Migration):

    atomic = False  # the index while the table is written to

    dependencies = [
        ('chatapi', '0002_outgoing_mail_language'),
    ]

    operations = [
        AddIndexLive(
            model_name='outgoingmail',
            index=models.Index(fields=['kind', 'about'], name='outgoing_mail_about'),
        ),
    ]
