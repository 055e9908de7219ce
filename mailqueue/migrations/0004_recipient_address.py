from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):

    dependencies = [
        ('mailqueue', '0003_limits'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='recipient',
            index=models.Index(Lower('address'), models.F('account'), name='recipient_by_address'),
        ),
    ]
