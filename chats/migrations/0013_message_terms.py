from django.db import migrations

import chatapi.db.terms


def fill(apps, schema_editor):
    """Index what there is, in batches; if it is interrupted, the next run continues."""
    from chats.actions import search_index

    for _ in search_index.fill():
        pass


class Migration(migrations.Migration):

    atomic = False  # the index while the table is written to

    dependencies = [
        ('chats', '0012_attachments'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='terms',
            field=chatapi.db.terms.TermsField(editable=False, null=True),
        ),
        chatapi.db.terms.AddTermsIndex('message', 'terms'),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
