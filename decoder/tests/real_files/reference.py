"""Another implementation's reading of pictures: Pillow, pillow-heif and LittleCMS.

Paths come on standard input, one a line; for each, a line of JSON goes out. The pixels are written into the folder
that is named first: upright, in sRGB, over white, as large as a "display" derivative, three bytes a pixel.
"""

import datetime
import io
import json
import re
import sys
import warnings
from pathlib import Path

import pillow_heif
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps

SIDE_MAX = 2048
# Refused are pictures with more than twice as many.
Image.MAX_IMAGE_PIXELS = 128 * 1024 * 1024
YEAR_MIN = 1826
SRGB = ImageCms.createProfile("sRGB")
CLOCKS = [("DateTimeOriginal", "SubsecTimeOriginal", "OffsetTimeOriginal"),
          ("DateTimeDigitized", "SubsecTimeDigitized", "OffsetTimeDigitized"),
          ("DateTime", "SubsecTime", "OffsetTime")]


def fit(width, height):
    longest = max(width, height)
    if longest <= SIDE_MAX:
        return width, height
    return tuple(max(1, (side * SIDE_MAX + longest // 2) // longest) for side in (width, height))


def high_bytes(image):
    """16 bits of grey as the upper eight of them."""
    order = 0 if image.mode == "I;16B" else 1
    return Image.frombytes("L", image.size, image.tobytes()[order::2])


def to_srgb(image, profile):
    if image.mode.startswith("I;16"):
        clear = image.info.get("transparency")
        levels = image.tobytes()
        image = high_bytes(image)
        if clear is not None:
            order = "little" if image.mode != "I;16B" else "big"
            pairs = (levels[at:at + 2] for at in range(0, len(levels), 2))
            alpha = bytes(0 if int.from_bytes(pair, order) == clear else 255 for pair in pairs)
            image = Image.merge("LA", (image, Image.frombytes("L", image.size, alpha)))
    if image.mode in ("P", "PA", "1", "La", "RGBa"):
        has_alpha = image.mode in ("PA", "La", "RGBa") or "transparency" in image.info
        image = image.convert("RGBA" if has_alpha else "RGB")
    elif "transparency" in image.info:
        image = image.convert("RGBA")
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    if alpha is not None:
        image = image.convert("RGB" if image.mode == "RGBA" else "L")
    try:
        profile = profile and ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = profile and profile.profile.xcolor_space.strip()
        if profile and {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(space) == image.mode:
            image = ImageCms.profileToProfile(image, profile, SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        pass  # A profile that cannot be read is passed over.
    image = image.convert("RGB")
    if alpha is not None:
        image = Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
    return image


def text(value):
    value = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return value.strip(" \0")


def taken(exif):
    tags = {ExifTags.TAGS.get(tag): value for tag, value in exif.items()}
    tags |= {ExifTags.TAGS.get(tag): value for tag, value in exif.get_ifd(ExifTags.IFD.Exif).items()}
    for clock, part, offset in CLOCKS:
        try:
            at = datetime.datetime.strptime(text(tags[clock]), "%Y:%m:%d %H:%M:%S")
        except (KeyError, ValueError):
            continue
        if at.year < YEAR_MIN:
            continue
        digits = re.match(r"\d*", text(tags.get(part, "")))[0][:3].ljust(3, "0")
        offsets = [text(tags.get(name, "")) for name in (offset, "OffsetTime")]
        offset = next((it for it in offsets if re.fullmatch(r"[+-]\d\d:\d\d", it)), None)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{digits}", offset
    return None, None


def location(exif):
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place = []
    for reference, angle, negative in ((1, 2, "S"), (3, 4, "W")):
        try:
            parts = [float(part) for part in gps[angle]]
            degrees = sum(part / unit for part, unit in zip(parts, (1, 60, 3600)))
            place.append(-degrees if text(gps[reference]).upper() == negative else degrees)
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            return None
    valid = all(abs(degrees) <= most for degrees, most in zip(place, (90, 180)))
    return place if valid and any(place) else None


def read(path, lenient):
    ImageFile.LOAD_TRUNCATED_IMAGES = lenient
    with Image.open(path) as image:
        image.load()
        profile = image.info.get("icc_profile")
        mode = image.mode
        exif = image.getexif()
        try:
            at, offset = taken(exif)
            place = location(exif)
        except (OSError, SyntaxError, ValueError, TypeError, KeyError):
            at, offset, place = None, None, None
        upright = ImageOps.exif_transpose(image)
        width, height = upright.size
        pixels = to_srgb(upright, profile).resize(fit(width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return {"mode": mode, "profile": bool(profile), "width": width, "height": height, "at": at,
                "offset": offset, "location": place}, pixels


def main():
    warnings.simplefilter("ignore")
    pillow_heif.register_heif_opener()
    pillow_heif.options.THUMBNAILS = False
    folder = Path(sys.argv[1])
    for number, path in enumerate(sys.stdin.read().splitlines()):
        answer = {}
        for lenient in (False, True):
            try:
                answer, pixels = read(path, lenient)
                answer["in_part"] = lenient
                (folder / f"{number}.rgb").write_bytes(pixels.tobytes())
                break
            except Exception as error:  # Whatever it is, it is a refusal.
                answer = {"refused": f"{type(error).__name__}: {error}"[:120]}
        print(json.dumps(answer), flush=True)


main()
