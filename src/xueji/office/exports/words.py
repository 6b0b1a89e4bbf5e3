"""What an application may ask for, and how long it lasts."""

from django.utils.translation import gettext_lazy as _

#: Field group -> words, and the right that whoever asks must hold anyway.
FIELDS = {
    "identity": (_("证件号码"), "fields.identity"),
    "number": (_("学籍号"), "fields.identity"),
    "phone": (_("监护人电话"), "fields.contact"),
    "address": (_("现住址"), "fields.address"),
}
MOST_DAYS = 14
MOST_FILES = 5
MOST_ROWS = 5000
