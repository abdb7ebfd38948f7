"""The OpenAPI description of a company's statistics."""
# drf-spectacular is typed in part only.
# mypy: disallow_untyped_calls=False

from typing import Any

from chatapi.api.schema.describe import Operation, Response, describe
from chats.serializers.statistics import StatisticsQuery, StatisticsSerializer

HOURS = [[0] * 24 for _ in range(7)]
HOURS[0][9:12] = [3, 5, 2]
STATISTICS: dict[str, Any] = {
    "after": "2021-07-05T00:00:00.000000Z",
    "before": "2021-07-07T00:00:00.000000Z",
    "timezone": "UTC",
    "days": [
        {"date": "2021-07-05", "chats": 4, "messages": 31},
        {"date": "2021-07-06", "chats": 2, "messages": 17},
    ],
    "first_answer": {"median_seconds": 48.5, "answered": 5, "unanswered": 1},
    "open_chats": 3,
    "hours": HOURS,
}

statistics = describe(
    "statistics",
    "Companies",
    retrieve=Operation(
        "Get chat statistics",
        {200: Response(StatisticsSerializer, {"Two days": STATISTICS}, "The statistics.")},
        "A period can have at most 366 days.",
        query=StatisticsQuery,
        id="company_statistics",
    ),
)
