"""Pieces of pages: text is escaped, HTML is not escaped again."""

from derain.support.pages import image_html, strip_html, table_html


def test_text_is_escaped_and_pictures_are_shown() -> None:
    strip = strip_html([("rain < wind", image_html(b"abc", "png", 'a "street"'))])
    assert "<figcaption>rain &lt; wind</figcaption>" in strip
    assert '<figure><img alt="a &#34;street&#34;" src="data:image/png;base64,YWJj">' in strip
    assert "<th>E_R</th>" in table_html(["E_R"], [["<script>"]])
    assert "<script>" not in table_html(["E_R"], [["<script>"]])
