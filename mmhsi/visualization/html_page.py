"""Parts of a self-contained HTML page: every value escaped, every picture a data URI, nothing loaded from outside."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt
from PIL import Image

from .palette import RGB

STYLE = """
:root{color-scheme:light dark;--line:#8886}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
body{background:Canvas;color:CanvasText}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.5rem;border-bottom:1px solid var(--line)}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.15rem .6rem;text-align:right;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left}
.wide{overflow-x:auto}.matrix td,.matrix th{padding:.1rem .3rem;font-size:.8rem}
pre{overflow-x:auto;font-size:.8rem;border:1px solid var(--line);padding:.8rem}
figure{margin:1rem 0}figcaption{font-size:.9rem}
svg{width:100%;max-width:40rem;height:auto}svg text{fill:currentColor;font-size:12px}
.grid{stroke:currentColor;stroke-opacity:.15;fill:none}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:1rem}
.legend span{display:inline-block;margin-right:1rem;white-space:nowrap}
.legend i{display:inline-block;width:.9em;height:.9em;margin-right:.35em;border:1px solid var(--line)}
.stack{position:relative;margin:.6rem 0}.stack img{display:block;width:100%;image-rendering:pixelated}
.stack .over{display:none;position:absolute;inset:0;height:100%;opacity:var(--opacity,.6)}
#layer-0:checked~.stack .over-0,#layer-1:checked~.stack .over-1,#layer-2:checked~.stack .over-2{display:block}
"""
SCRIPT = """
const slider = document.getElementById("opacity");
if (slider) {
  const show = () => {
    document.querySelector(".stack").style.setProperty("--opacity", slider.value / 100);
    slider.nextElementSibling.textContent = slider.value + " %";
  };
  slider.addEventListener("input", show);
  slider.parentElement.hidden = false;
  show();
}
"""
# Even a mistake in escaping could not reach outside.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def css(colour: RGB) -> str:
    """A colour as CSS has it.

    Args:
        colour: RGB, 0-255.
    """
    return f"rgb({colour[0]},{colour[1]},{colour[2]})"


def page(title: str, sections: Sequence[tuple[str, str]]) -> str:
    """Put a page together.

    Args:
        title: Plain text.
        sections: Heading as plain text, content as HTML.

    Returns:
        The document.
    """
    body = "".join(f"<section><h2>{escape(heading)}</h2>{content}</section>" for heading, content in sections)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}<script>{SCRIPT}</script></body></html>\n"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain texts.

    Args:
        header: Of every column.
        rows: Texts of every row.
    """
    head = "".join(f"<th>{escape(text)}</th>" for text in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def confusion_table(counts: npt.NDArray[np.integer], names: Sequence[str]) -> str:
    """Per cent of every true class by predicted class, shaded; pixels as tooltips.

    Args:
        counts: Pixels by true class (rows) and predicted class (columns), (K, K).
        names: K names.
    """
    head = "".join(f'<th title="{escape(name)}">{index}</th>' for index, name in enumerate(names))
    rows = []
    for index, (name, row) in enumerate(zip(names, counts, strict=True)):
        share = row / max(row.sum(), 1)
        cells = "".join(
            f'<td title="{pixels}" style="background:rgba(0,114,178,{part:.2f})">{100 * part:.0f}</td>'
            if pixels
            else "<td></td>"
            for pixels, part in zip(row.tolist(), share, strict=True)
        )
        rows.append(f"<tr><th>{index} {escape(name)}</th>{cells}</tr>")
    return (
        '<div class="wide"><table class="matrix"><caption>true class (rows), predicted class (columns), per cent of '
        f"the true class</caption><tr><th></th>{head}</tr>{''.join(rows)}</table></div>"
    )


def legend(entries: Sequence[tuple[str, RGB]]) -> str:
    """Names with a patch of colour.

    Args:
        entries: Names and colours.
    """
    patches = "".join(f'<span><i style="background:{css(rgb)}"></i>{escape(name)}</span>' for name, rgb in entries)
    return f'<p class="legend">{patches}</p>'


def picture_uri(rgb: npt.NDArray[np.uint8]) -> str:
    """An RGB picture (H, W, 3) as a data URI.

    Args:
        rgb: Shape (H, W, 3), uint8.
    """
    return _uri(Image.fromarray(np.ascontiguousarray(rgb)))


def classes_uri(classes: npt.NDArray[np.integer], palette: Sequence[RGB]) -> str:
    """A class map (H, W) as a data URI, transparent where it is 255.

    Args:
        classes: Shape (H, W).
        palette: RGB colours, 0-255.
    """
    # A PNG's transparent entry has to lie within its palette.
    ids = np.where(classes == 255, len(palette), classes).astype(np.uint8)
    image = Image.fromarray(ids).convert("P")
    image.putpalette([value for colour in (*palette, (0, 0, 0)) for value in colour])
    return _uri(image, transparency=len(palette))


def _uri(image: Image.Image, transparency: int | None = None) -> str:
    content = io.BytesIO()
    keys = {} if transparency is None else {"transparency": transparency}
    image.save(content, format="PNG", optimize=True, **keys)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def layers(base: npt.NDArray[np.uint8], maps: Sequence[tuple[str, str]]) -> str:
    """A picture with one of several maps over it; their opacity has a slider where there is JavaScript, else it is 0.6.

    Args:
        base: RGB picture, (H, W, 3).
        maps: Name and data URI of up to three maps of its size; the first is shown at first.
    """
    height, width = base.shape[:2]
    shown = width * max(1, 640 // max(height, width))
    buttons = "".join(
        f'<input type="radio" name="layer" id="layer-{index}"{" checked" * (index == 0)}>'
        f'<label for="layer-{index}">{escape(name)}</label> '
        for index, (name, _) in enumerate(maps)
    )
    over = "".join(
        f'<img class="over over-{index}" src="{uri}" alt="{escape(name)}">' for index, (name, uri) in enumerate(maps)
    )
    return (
        f'<div>{buttons}<p hidden>opacity <input type="range" id="opacity" min="0" max="100" value="60"> '
        "<output></output></p><noscript><p>Without JavaScript the map stays at an opacity of 60 %.</p></noscript>"
        f'<div class="stack" style="max-width:{shown}px"><img src="{picture_uri(base)}" alt="false colour">{over}</div>'
        "</div>"
    )
