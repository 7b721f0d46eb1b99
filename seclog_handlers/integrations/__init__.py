"""One line each for Django, Celery and Flask; only the module of a framework imports it."""
