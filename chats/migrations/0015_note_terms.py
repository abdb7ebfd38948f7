from django.db import migrations

import chatapi.db.terms


class Migration(migrations.Migration):

    atomic = False  # as PostgreSQL requires it

    dependencies = [
        ('chats', '0014_notes'),
    ]

    operations = [
        chatapi.db.terms.AddTermsIndex('note', 'terms'),
    ]
