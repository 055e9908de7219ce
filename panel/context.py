"""What every page shows of the house."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def house(request: HttpRequest) -> dict[str, Any]:
    """The route that mail takes; with the simulator, every page says that nothing leaves."""
    return {"is_simulated": settings.ROUTE == "simulator"}
