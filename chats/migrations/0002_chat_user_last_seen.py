from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chats', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='chatuser',
            name='last_seen_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
