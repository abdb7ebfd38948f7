"""Celery: `celery -A chatapi worker` and `celery -A chatapi beat`."""

import os
import sys
from pathlib import Path
from typing import Any

from celery import Celery, signals
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatapi.settings")

from django.conf import settings

from chatapi.bus.broker import survive_lost_connections
from chatapi.server import lifecycle

survive_lost_connections()

try:
    broker = settings.CELERY_BROKER_URL
except ImproperlyConfigured as error:
    sys.exit(str(error))


def transport_options(broker: str, data_dir: Path) -> dict[str, Any]:
    if broker.startswith("filesystem:"):
        # kombu creates the files of queues, but not their folders.
        folders = {name: data_dir / "broker" / name for name in ("queue", "processed", "control")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        return {
            "data_folder_in": str(folders["queue"]),
            "data_folder_out": str(folders["queue"]),
            "processed_folder": str(folders["processed"]),
            "control_folder": str(folders["control"]),
        }
    if broker.startswith(("redis", "sentinel")):
        return {
            "visibility_timeout": 300,
            "global_keyprefix": settings.REDIS_PREFIX,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
        }
    return {}


app = Celery("chatapi")
app.conf.update(
    broker_url=broker,
    broker_transport_options=transport_options(broker, settings.DATA_DIR),
    broker_connection_timeout=2,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_default_queue="chatapi",
    # A request must not wait for a broker that is down; a sweep enqueues its tasks later.
    task_publish_retry=False,
    task_ignore_result=True,
    # Acknowledge tasks when they end, so that the task of a killed process runs again.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=10,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    beat_schedule_filename=str(settings.DATA_DIR / "beat-schedule"),
    beat_schedule={
        "sweep-mails": {
            "task": "chatapi.mail.tasks.sweep_mails",
            "schedule": 5.0,
            "options": {"expires": 5},
        },
        "remove-ended-agents": {
            "task": "chats.tasks.remove_ended_agents",
            "schedule": 30.0,
            "options": {"expires": 30},
        },
        "finish-departures": {
            "task": "chats.tasks.finish_departures",
            "schedule": 30.0,
            "options": {"expires": 30},
        },
        "sweep-attachments": {
            "task": "chats.tasks.sweep_attachments",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "analyze": {
            "task": "chatapi.tasks.analyze",
            "schedule": 600.0,
            "options": {"expires": 600},
        },
        "prune": {"task": "chatapi.tasks.prune", "schedule": 3600.0, "options": {"expires": 600}},
    },
    timezone="UTC",
)
app.autodiscover_tasks()
app.autodiscover_tasks(["chatapi.mail"])  # not an app of Django's


@signals.worker_init.connect
@signals.beat_init.connect
def end_with_parent(**kwargs: Any) -> None:
    lifecycle.end_with_parent()
