"""Errors in the form that each AWS protocol expects.

moto answers what it does not know with an HTML page and status 500. An SDK
retries that for seconds and then reports bad XML. Here it becomes an error with
a code, in status 501, which no SDK retries.
"""

import json
from xml.sax.saxutils import escape

from moto.ec2.exceptions import EC2ClientError

NOT_EMULATED = "kraftstack.NotEmulated"
EMULATOR_FAILED = "kraftstack.EmulatorFailed"


class NotEmulated(EC2ClientError):
    """AWS can do this; the lab cannot, and does not pretend to."""

    def __init__(self, what):
        super().__init__(NOT_EMULATED, f"the lab does not emulate this: {what}")


def refuse(code, message):
    """Fail the EC2 call at hand with AWS's own code."""
    raise EC2ClientError(code, message)


def body(service, target, code, message):
    """Return (content type, bytes) of an error for a service's protocol."""
    code, text = escape(code), escape(message)
    if target:
        content = json.dumps({"__type": code, "message": message})
        return "application/x-amz-json-1.1", content.encode()
    if service == "ec2":
        xml = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message>"
            "</Error></Errors><RequestID>kraftstack</RequestID></Response>"
        )
    elif service == "s3":
        xml = (
            f"<Error><Code>{code}</Code><Message>{text}</Message>"
            "<RequestId>kraftstack</RequestId></Error>"
        )
    else:
        xml = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
            f"<Message>{text}</Message></Error>"
            "<RequestId>kraftstack</RequestId></ErrorResponse>"
        )
    return "text/xml", ('<?xml version="1.0" encoding="UTF-8"?>' + xml).encode()


def for_exception(error, action):
    """Return (code, message) for an exception that moto let through."""
    if isinstance(error, NotImplementedError):
        return NOT_EMULATED, f"the lab does not emulate {action}: {error}"
    kind = type(error).__name__
    return EMULATOR_FAILED, f"the lab's emulator failed in {action}: {kind}: {error}"
