from django.db import connection

from chatapi.tasks import analyze


def test_sqlite_looks_at_its_tables(acme):
    analyze()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'companies_company'")
            assert cursor.fetchone()[0] > 0
