#!/bin/sh
# PostgreSQL 15 from Debian's package, for proving that nothing needs a newer server.
set -eu
[ -x /usr/lib/postgresql/15/bin/postgres ] && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  (apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql-15) >/dev/null 2>&1 || true
fi
exit 0
