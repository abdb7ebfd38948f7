#!/bin/sh
# Run the slow tests on the embedded default, then all tests on PostgreSQL and Redis if they respond.
# With REQUIRE_SERVICES=1, fail if they do not.
set -eu

: "${BIN:=.venv/bin}"
database="${TEST_DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres}"
cache="${TEST_REDIS_URL:-redis://127.0.0.1:6379/9}"
unset TEST_DATABASE_URL TEST_REDIS_URL

run_tests() {
    # shellcheck disable=SC2086 # several arguments, or none
    "$BIN/python" ${MEASURE:-} -m pytest -n "${TEST_PROCESSES:-3}" --dist loadgroup "$@"
}

echo "== Whole installations on the embedded default: SQLite, no Redis"
run_tests -m slow

if "$BIN/python" - "$database" "$cache" <<'PYTHON'
import sys
import psycopg, redis
try:
    psycopg.connect(sys.argv[1], connect_timeout=3).close()
    redis.Redis.from_url(sys.argv[2], socket_timeout=3).ping()
except (psycopg.Error, redis.RedisError) as error:
    sys.exit(f"{error}")
PYTHON
then
    echo "== On PostgreSQL and Redis"
    TEST_DATABASE_URL="$database" TEST_REDIS_URL="$cache" run_tests
    echo "Ran on the embedded default, and on PostgreSQL and Redis."
elif [ -n "${REQUIRE_SERVICES:-}" ]; then
    echo "PostgreSQL or Redis does not respond, and REQUIRE_SERVICES is set." >&2
    exit 1
else
    echo "Ran on the embedded default only: PostgreSQL or Redis does not respond" \
        "(TEST_DATABASE_URL, TEST_REDIS_URL)."
fi
