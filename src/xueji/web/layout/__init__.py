"""The face of Xueji: static files, base templates, components and form rendering."""
