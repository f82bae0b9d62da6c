"""The demo CRM's one page. Chinese first; every value is escaped."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

if TYPE_CHECKING:
    from crm_bridge.demo_crm import Received

_PAGE = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
    """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>演示 CRM</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.6 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
small, time { color: #666 } section { margin: 2rem 0 } code { word-break: break-all }
th { text-align: left; font-weight: normal }
th, td { vertical-align: top; padding: .1rem .8rem 0 0 }
</style></head><body>
<h1>演示 CRM <small>Demo CRM</small></h1>
<p>已收到 {{ count }} 条,重复 {{ duplicates }} 条,拒收 {{ refused }} 条。
<small>{{ count }} received, {{ duplicates }} repeated, {{ refused }} refused.</small></p>
{% for key, messages in groups %}
<section><h2>{{ key }}</h2><table>
{% for one in messages %}
<tr><th><time>{{ one.message.timestamp }}</time></th><td>{{ one.message.type }}</td>
<td><code>{{ one.body }}</code></td></tr>
{% endfor %}
</table></section>
{% else %}
<p>还没有收到任何内容:请拨打 400 号码,或运行 <code>huisheng demo</code>。
<small>Nothing yet: call the 400 number, or run <code>huisheng demo</code>.</small></p>
{% endfor %}
</body></html>
"""
)


def page(groups: Mapping[str, Sequence["Received"]], duplicates: int, refused: int) -> str:
    """The page as HTML: the messages of each ticket or call in order of arrival."""
    shown = [
        (
            key,
            [
                {
                    "message": {"type": "", "timestamp": ""} | one.message,
                    "body": json.dumps(one.message["data"].get("body"), ensure_ascii=False),
                }
                for one in messages
            ],
        )
        for key, messages in groups.items()
    ]
    count = sum(len(messages) for _, messages in shown)
    return _PAGE.render(groups=shown, count=count, duplicates=duplicates, refused=refused)
