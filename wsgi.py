"""The WSGI application, for any WSGI server: `wsgi:app`."""

from app import create_app

app = create_app()
