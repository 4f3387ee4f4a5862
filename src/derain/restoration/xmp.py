"""XMP data of a photo whose pixels change and that loses what lay behind it in the file."""

import re

# Properties by their namespace: a pattern of their names, and what they describe.
_LOST = {
    b"http://ns.google.com/photos/1.0/camera/": (rb"(?:Motion|Micro)\w*", "the video of a motion photo"),
    b"http://ns.google.com/photos/1.0/container/": (rb"\w+", ""),  # the list of what lies in the file
    b"http://ns.adobe.com/hdr-gain-map/1.0/": (rb"\w+", "the gain map (HDR)"),
    b"http://ns.apple.com/HDRGainMap/1.0/": (rb"\w+", "the gain map (HDR)"),
    b"http://ns.google.com/photos/1.0/depthmap/": (rb"\w+", "the depth map"),
    b"http://ns.google.com/photos/1.0/image/": (rb"\w+", "the picture within XMP data"),
    b"http://ns.google.com/photos/1.0/audio/": (rb"\w+", "the sound within XMP data"),
    b"http://ns.adobe.com/xap/1.0/": (rb"Thumbnails", "the thumbnail within XMP data"),
    b"http://ns.adobe.com/xmp/note/": (rb"HasExtendedXMP", "extended XMP data"),
}


def without_what_is_lost(xmp: bytes) -> tuple[bytes, list[str]]:
    """XMP data that do not speak of pictures and videos that are left out, and what these are; all else stays byte by
    byte.

    >>> before = b'<a xmlns:c="http://ns.google.com/photos/1.0/camera/" c:MotionPhoto="1" x:Rating="5"/>'
    >>> without_what_is_lost(before)
    (b'<a xmlns:c="http://ns.google.com/photos/1.0/camera/" x:Rating="5"/>', ['the video of a motion photo'])
    """
    lost = []
    for namespace, (names, what) in _LOST.items():
        for prefix in set(re.findall(rb"xmlns:([\w.-]+)\s*=\s*[\"']" + re.escape(namespace) + rb"[\"']", xmp)):
            property_name = re.escape(prefix) + rb":" + names
            attribute = rb"\s+" + property_name + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')"
            element = rb"<(" + property_name + rb")(?:\s[^>]*)?(?:/>|(?<!/)>.*?</\1\s*>)"
            xmp, attributes = re.subn(attribute, b"", xmp)
            xmp, elements = re.subn(element, b"", xmp, flags=re.DOTALL)
            if attributes + elements and what and what not in lost:
                lost.append(what)
    return xmp, lost


def without_orientation(xmp: bytes) -> bytes:
    """XMP data of a picture that is stored upright.

    >>> without_orientation(b'<a tiff:Make="Acme" tiff:Orientation="6"/>')
    b'<a tiff:Make="Acme"/>'
    """
    xmp = re.sub(rb"\s+tiff:Orientation\s*=\s*(?:\"\d\"|'\d')", b"", xmp)
    return re.sub(rb"<tiff:Orientation>\s*\d\s*</tiff:Orientation>", b"", xmp)
