"""Colours of HTML and CSS, their contrast, and sizes of type. Pure."""

import re
from functools import lru_cache

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
# Ours. Below this ratio (WCAG 2.2, "contrast ratio") nobody reads text; 1 is the same colour.
# The palest grey that newsletters really use for small print, #cccccc on white, has 1.6.
UNREADABLE = 1.2

# The names that mail uses (CSS Color 4 §6.1).
_NAMES = {
    "white": WHITE,
    "black": BLACK,
    "red": (255, 0, 0),
    "green": (0, 128, 0),
    "lime": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "gray": (128, 128, 128),
    "grey": (128, 128, 128),
    "silver": (192, 192, 192),
    "maroon": (128, 0, 0),
    "navy": (0, 0, 128),
    "purple": (128, 0, 128),
    "teal": (0, 128, 128),
    "olive": (128, 128, 0),
    "aqua": (0, 255, 255),
    "cyan": (0, 255, 255),
    "fuchsia": (255, 0, 255),
    "magenta": (255, 0, 255),
    "orange": (255, 165, 0),
    "pink": (255, 192, 203),
    "brown": (165, 42, 42),
    "gold": (255, 215, 0),
    "snow": (255, 250, 250),
    "ivory": (255, 255, 240),
    "whitesmoke": (245, 245, 245),
    "ghostwhite": (248, 248, 255),
    "floralwhite": (255, 250, 240),
    "lightgray": (211, 211, 211),
    "lightgrey": (211, 211, 211),
    "gainsboro": (220, 220, 220),
    "darkgray": (169, 169, 169),
    "darkgrey": (169, 169, 169),
    "dimgray": (105, 105, 105),
    "darkred": (139, 0, 0),
    "darkblue": (0, 0, 139),
    "darkgreen": (0, 100, 0),
    "azure": (240, 255, 255),
    "beige": (245, 245, 220),
    "linen": (250, 240, 230),
    "lightyellow": (255, 255, 224),
    "mintcream": (245, 255, 250),
    "seashell": (255, 245, 238),
    "aliceblue": (240, 248, 255),
    "crimson": (220, 20, 60),
    "tomato": (255, 99, 71),
    "steelblue": (70, 130, 180),
    "royalblue": (65, 105, 225),
    "indigo": (75, 0, 130),
}
_NUMBERS = re.compile(r"\d{1,3}(?:\.\d{1,4})?%?")
_HEX = re.compile(r"#?([0-9a-f]{3,8})(?![0-9a-z])")
_SIZE = re.compile(r"(\d{0,5}\.?\d{1,4})\s?(px|pt|em|rem|%|pc|cm|mm|in)?")
_PIXELS = {
    "px": 1.0,
    "": 1.0,
    "pt": 4 / 3,
    "rem": 16.0,
    "pc": 16.0,
    "cm": 37.8,
    "mm": 3.78,
    "in": 96.0,
}
_WORDS = {
    "xx-small": 9.0,
    "x-small": 10.0,
    "small": 13.0,
    "medium": 16.0,
    "large": 18.0,
    "x-large": 24.0,
    "xx-large": 32.0,
    "xxx-large": 48.0,
}
# <font size> (HTML §15.3.4).
_FONT_SIZES = (10.0, 13.0, 16.0, 18.0, 24.0, 32.0, 48.0)


@lru_cache(maxsize=512)
def colour(text: str) -> Colour | None:
    """A colour as CSS or an attribute writes it; None for none, a clear or an unknown one."""
    text = text.strip().lower()[:60]
    if text in _NAMES:
        return _NAMES[text]
    if text.startswith("rgb"):
        numbers = _NUMBERS.findall(text)
        if len(numbers) < 3 or (len(numbers) > 3 and _channel(numbers[3]) == 0):
            return None
        red, green, blue = (_channel(number) for number in numbers[:3])
        return red, green, blue
    match = _HEX.match(text)
    if match is None:
        return None
    digits = match[1]
    if len(digits) in (3, 4):
        digits = "".join(digit * 2 for digit in digits[:3])
    if len(digits) not in (6, 8):
        return None
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


@lru_cache(maxsize=512)
def contrast(first: Colour, second: Colour) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def pixels(text: str, inherited: float) -> float:
    """A font size of CSS in pixels; what is not understood is as `inherited`."""
    text = text.strip().lower()[:40]
    if text in _WORDS:
        return _WORDS[text]
    match = _SIZE.match(text)
    if match is None:
        return inherited
    number, unit = float(match[1]), match[2] or ""
    if unit == "em":
        return number * inherited
    if unit == "%":
        return number * inherited / 100
    return number * _PIXELS[unit]


def font_size(text: str) -> float | None:
    """The size of `<font size>` in pixels: 1 to 7, or relative to 3 with a sign."""
    match = re.match(r"\s?([+-]?)(\d)", text)
    if match is None:
        return None
    step = int(match[1] + match[2]) + (3 if match[1] else 0)
    return _FONT_SIZES[min(7, max(1, step)) - 1]


def _channel(text: str) -> int:
    value = float(text.rstrip("%")) * (2.55 if text.endswith("%") else 1)
    return min(255, round(value))


def _luminance(of: Colour) -> float:
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in of)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
