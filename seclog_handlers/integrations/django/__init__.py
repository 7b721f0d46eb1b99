"""A Django app: put `"seclog_handlers.integrations.django"` into INSTALLED_APPS.

Logins, failed logins, logouts and unhandled exceptions become events of the logger `seclog.django`; the
record of a permission denial says who was denied. The setting SECLOG_TRUSTED_PROXIES (a list of CIDRs, or
`unix`) says whose X-Forwarded-For counts.
"""
