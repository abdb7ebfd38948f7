"""/healthz, /readyz and the front door"""

from django.db import connection


def test_live_and_ready(client, db, settings):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["database"] == "ok"
    assert ("redis" in ready.json()) == bool(settings.REDIS_URL)


def test_redis_away_is_told_and_no_reason_to_stop(client, db, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["redis"] == "down"


def test_the_database_away_is_503(client, db, monkeypatch):
    from django.db import DatabaseError

    def away():
        raise DatabaseError

    with monkeypatch.context() as patched:
        patched.setattr(connection, "ensure_connection", away)
        assert client.get("/readyz").status_code == 503


def test_the_front_door_is_a_page(client, db):
    assert client.get("/").status_code == 200
    assert client.get("/admin")["Location"] == "/admin/"


def test_a_probe_may_name_the_process_by_its_address(client):
    assert client.get("/healthz", headers={"Host": "10.0.0.7"}).status_code == 200


def test_docs_with_a_slash(client):
    assert client.get("/docs/")["Location"] == "/docs"
