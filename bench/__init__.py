"""How fast Facteur takes mail in and sends it on, beside Postfix on the same machine."""
