#!/bin/sh
# epic-dpdkd top and stats, against made-up statistics.
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
exec /usr/bin/python3 "${srcdir:-.}/tests/e2e/top_test.py" "${TOP_FIXTURE:-tests/e2e/top_fixture}"
