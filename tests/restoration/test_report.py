"""The page of a batch: names of photos are shown as they are."""

from derain.restoration.changes import Changes
from derain.restoration.report import report_page


def test_names_are_no_html_and_addresses_lead_to_the_picture() -> None:
    page = report_page({'<b>"rain" & wind</b>.png': Changes(mean_levels=2.0, share=0.1, unlike_rain=0.001)})
    assert "<h2>&lt;b&gt;&#34;rain&#34; &amp; wind&lt;/b&gt;.png</h2>" in page
    assert 'src="%3Cb%3E%22rain%22%20%26%20wind%3C/b%3E.png.report.jpg"' in page
    assert "<b>" not in page


def test_photos_with_warnings_stand_first() -> None:
    rain, nothing = Changes(mean_levels=2.0, share=0.1, unlike_rain=0.001), Changes(0.1, 0.001, 0.0)
    page = report_page({"a.png": rain, "b.png": nothing})
    assert page.index("b.png") < page.index("a.png")
    assert "2 photos, 1 of them with a warning." in page
    assert "Hardly anything was taken away" in page
    assert "--model strong" in page
    assert "No warning does not mean no damage" in page
