"""What may be shown of an address: never what lets somebody in."""

import re

# In a URL of a bucket a later @ is part of a name; of a server, of a password nobody encoded.
OF_BUCKETS = re.compile(r"((?:s3|gs)://)[^/\s'\"]*@")
OF_SERVERS = re.compile(r"(\b(?!s3:|gs:|sqlite:|file:)[\w+]+://)[^\s'\"]*@")
NAMED = re.compile(r"\b((?:aws_)?(?:password|passwd|pwd|secret\w*|\w*token|api_?key)\s*=\s*)"
                   r"[^&\s'\"]+", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """The text with *** for each password in a URL, a query or a connection string."""
    for pattern in (OF_BUCKETS, OF_SERVERS):
        text = pattern.sub(r"\1***@", text)
    return NAMED.sub(r"\1***", text)
