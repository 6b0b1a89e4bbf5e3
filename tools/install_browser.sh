#!/bin/sh
# Chromium from the distribution for the browser journeys. Where it may not be installed, the journeys are skipped
# and pytest says so; nothing else depends on it.
set -eu
for b in chromium chromium-browser google-chrome; do
  command -v "$b" >/dev/null 2>&1 && exit 0
done
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "Installing Chromium for the browser journeys ..."
  (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium) >/dev/null 2>&1 && exit 0
fi
echo "NOTE: Chromium is not installed and may not be installed here: browser journeys will be SKIPPED."
