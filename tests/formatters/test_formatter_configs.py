from __future__ import annotations

import json
import logging
import logging.config

import pytest

INI = """
[loggers]
keys = root
[handlers]
keys = out
[formatters]
keys = made
[logger_root]
level = INFO
handlers = out
[handler_out]
class = StreamHandler
args = (ext_stream,)
formatter = made
[formatter_made]
class = seclog_handlers.{name}
format = %(process)d %(message)s
datefmt = %Y
style = %
"""


def written(capsys):
    return capsys.readouterr().err.strip()


@pytest.mark.parametrize("name", ["JsonFormatter", "TextFormatter"])
def test_file_config_makes_it(name, tmp_path, capsys):
    """An INI's format, datefmt and style reach the formatter as the three positional arguments."""
    path = tmp_path / "logging.ini"
    path.write_text(INI.format(name=name).replace("(ext_stream,)", "(sys.stderr,)"))

    logging.config.fileConfig(path, disable_existing_loggers=False)
    logging.getLogger().warning("hello", extra={"user": "bob"})

    line = written(capsys)
    assert "hello" in line
    assert "bob" in line
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("name", ["JsonFormatter", "TextFormatter"])
@pytest.mark.parametrize(
    "maker",
    [
        {"class": "seclog_handlers.{}", "format": "%(process)d %(message)s", "datefmt": "%Y", "style": "%"},
        {"class": "seclog_handlers.{}", "format": "%(process)d %(message)s", "validate": True},
        {"()": "seclog_handlers.{}", "format": "%(process)d %(message)s", "service": "pay"},
        {
            "()": "seclog_handlers.{}",
            "fmt": "%(process)d %(message)s",
            "static": {"env": "prod"},
            "fields": {"user": "u"},
        },
    ],
)
def test_dict_config_makes_it(name, maker, capsys):
    """`class` and `()`, `format` and `fmt` all work."""
    maker = {key: value.format(name) if key in ("class", "()") else value for key, value in maker.items()}

    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"made": maker},
            "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "made"}},
            "root": {"level": "INFO", "handlers": ["out"]},
        }
    )
    logging.getLogger().warning("hello", extra={"user": "bob"})

    line = written(capsys)
    assert "hello" in line
    assert "bob" in line


def test_dict_config_resolves_references(capsys):
    """`cfg://` values inside options are followed."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "site": {"env": "prod"},
            "formatters": {"made": {"()": "seclog_handlers.JsonFormatter", "static": {"env": "cfg://site.env"}}},
            "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "made"}},
            "root": {"level": "INFO", "handlers": ["out"]},
        }
    )
    logging.getLogger().warning("hello")

    assert json.loads(written(capsys))["env"] == "prod"


def test_dict_config_stops_at_a_wrong_option():
    """A mistyped option stops the configuration, and its cause says the way out."""
    with pytest.raises(ValueError, match="formatter 'made'") as caught:
        logging.config.dictConfig(
            {
                "version": 1,
                "formatters": {"made": {"()": "seclog_handlers.JsonFormatter", "maxbytes": 1}},
            }
        )

    assert "has no option 'maxbytes'" in str(caught.value.__cause__)
