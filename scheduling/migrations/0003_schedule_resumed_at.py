from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scheduling', '0002_schedules'),
    ]

    operations = [
        migrations.AddField(
            model_name='schedule',
            name='resumed_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='resumed'),
        ),
    ]
