"""The web application as a WSGI callable."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xueji.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
