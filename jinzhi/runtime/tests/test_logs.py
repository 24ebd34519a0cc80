"""A log line as JSON is one line, whatever it says."""

import json
import logging
import sys

from jinzhi.runtime.logs import JsonLine


def line(message, *args, exc_info=None, **extra) -> dict:
    record = logging.makeLogRecord(
        {
            "name": "jinzhi.network",
            "levelno": 30,
            "levelname": "WARNING",
            "msg": message,
            "args": args,
            "exc_info": exc_info,
        }
        | extra
    )
    text = JsonLine().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_fields_and_what_a_caller_adds():
    said = line("积压 %s 条\n第二行", 12, peer="330100")
    assert (said["level"], said["logger"], said["message"]) == (
        "warning",
        "jinzhi.network",
        "积压 12 条\n第二行",
    )
    assert said["peer"] == "330100" and said["time"].endswith("+00:00")


def test_an_error_brings_its_traceback():
    try:
        raise ValueError("kaputt")
    except ValueError:
        assert "kaputt" in line("failed", exc_info=sys.exc_info())["error"]


def test_what_is_no_json_is_text():
    assert "object" in line("x", thing=object())["thing"]
