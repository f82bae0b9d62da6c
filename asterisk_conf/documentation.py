"""Asterisk's own XML documentation, which it checks its settings against when it starts.

Asterisk 22.7 and later print "Could not find option 'minimum_size' with type 'threadpool' in
module 'stasis'" at every start, because one option of stasis.conf is missing from the file that
ships with them. A corrected copy lets a start be silent, so that any line printed means something.
"""

import re

_THREADPOOL = re.compile(
    r'(<configInfo name="stasis" language="en_US">\s*<configFile name="stasis\.conf">\s*'
    r'<configObject name="threadpool">)(.*?)(</configObject>)',
    re.DOTALL,
)
_OPTION = (
    '<configOption name="minimum_size" default="5">'
    "<synopsis>Minimum number of threads in the message bus threadpool.</synopsis>"
    "</configOption>"
)


def corrected(core_xml: str) -> str:
    """`core-en_US.xml` with the missing option; unchanged if it is there already."""
    found = _THREADPOOL.search(core_xml)
    if found is None or 'name="minimum_size"' in found[2]:
        return core_xml
    return core_xml[: found.start(3)] + _OPTION + core_xml[found.start(3) :]
