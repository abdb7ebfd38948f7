from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chats', '0015_note_terms'),
    ]

    operations = [
        # With defaults of the database, because processes of the old version write no such columns.
        migrations.AddField(
            model_name='attachment',
            name='attempts',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='attachment',
            name='examinations',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='attachment',
            name='next_try_at',
            field=models.DateTimeField(null=True),
        ),
    ]
