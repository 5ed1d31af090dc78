# requires: beautifulsoup4 soupsieve typing_extensions html5lib webencodings six
"""Reads broken pages with two parsers."""

from bs4 import BeautifulSoup

PAGE = "<html><body><h1 class='t big'>Ünï<p>one<p id=x>two <a href='/a?b&amp;c'>link</a><table><tr><td>1<td>2</table>"


def handler(event, context):
    out = []
    for parser in ("html.parser", "html5lib"):
        soup = BeautifulSoup(PAGE, parser)
        out.append([soup.h1["class"], soup.select_one("p#x a")["href"], [td.get_text() for td in soup.find_all("td")], soup.find("p", id="x").get_text(" ", strip=True)])
    soup.h1.name = "h2"
    return out + [str(soup.h2)[:30]]
