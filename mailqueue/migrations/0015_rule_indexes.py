from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailqueue", "0014_cases"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="accountrule",
            index=models.Index(
                condition=models.Q(("weight", 1.0), _negated=True),
                fields=["account"],
                name="rule_weighed",
            ),
        ),
        migrations.AddIndex(
            model_name="accountrule",
            index=models.Index(
                condition=models.Q(("overruled__gt", 0)),
                fields=["rule", "-overruled"],
                name="rule_overruled",
            ),
        ),
    ]
