"""Markup: everything that is not ours is escaped, and nothing twice."""

from gpuwatch.exposition.markup import join, raw, tag


def test_text_is_escaped() -> None:
    """As a child and as an attribute."""
    element = tag("a", "<b> & co", title='"<i>"')

    assert element == '<a title="&quot;&lt;i&gt;&quot;">&lt;b&gt; &amp; co</a>'


def test_markup_is_not_escaped_again() -> None:
    """An element within an element stays one."""
    assert tag("p", tag("b", "&")) == "<p><b>&amp;</b></p>"


def test_joining_escapes_plain_text_only() -> None:
    """Between two elements text is still text."""
    assert join(tag("b", "a"), "<", raw("&amp;")) == "<b>a</b>&lt;&amp;"


def test_an_attribute_of_none_is_left_out() -> None:
    """And names that Python cannot write are translated."""
    assert tag("td", class_=None, data_label="x") == '<td data-label="x"></td>'


def test_a_void_element_has_no_end() -> None:
    """As HTML wants it."""
    assert tag("br") == "<br>"


def test_formatting_markup_makes_plain_text() -> None:
    """An f-string loses the mark, so that the result is escaped: too much, never too little."""
    assert tag("p", f"{tag('b', 'x')}") == "<p>&lt;b&gt;x&lt;/b&gt;</p>"
