"""Reasoning between tags in the text: split off, and the same however the text is cut."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.spec import Think
from engine.think import ThinkSplitter

START = Think("<think>", "</think>")
ANYWHERE = Think("<think>", "</think>", anywhere=True)


def split(think: Think, *pieces: str) -> list[tuple[str, str]]:
    """What comes out, neighbours of one kind joined."""
    splitter = ThinkSplitter(think)
    out: list[tuple[str, str]] = []
    for kind, said in [*(part for piece in pieces for part in splitter.feed(piece)), *splitter.finish()]:
        assert said
        if out and out[-1][0] == kind:
            out[-1] = (kind, out[-1][1] + said)
        else:
            out.append((kind, said))
    assert splitter.finish() == []
    return out


CASES = [
    # (text, at the start only, anywhere); a single list where both are the same. r: reasoning, t: text
    ("", [], []),
    ("Hi", ["t:Hi"], None),
    ("<think>a</think>b", ["r:a", "t:b"], None),
    ("<think>\na b\n</think>\n\nc d\n", ["r:\na b\n", "t:c d\n"], None),
    (" \n<think>a</think>b", ["r:a", "t:b"], ["t: \n", "r:a", "t:b"]),
    ("<think></think>b", ["t:b"], None),
    ("<think> </think> ", ["r: "], None),
    ("<think></think>", [], None),
    ("<think>never closed", ["r:never closed"], None),
    ("<think>", [], None),
    ("<think>a</thin", ["r:a</thin"], None),
    ("<think>a</think", ["r:a</think"], None),
    ("<thin", ["t:<thin"], None),
    (" \n<thin", ["t: \n<thin"], None),
    (" \n", ["t: \n"], None),
    ("<", ["t:<"], None),
    ("<b>bold</b>", ["t:<b>bold</b>"], None),
    ("<thinking>a", ["t:<thinking>a"], None),
    ("<Think>a</Think>", ["t:<Think>a</Think>"], None),
    ("<<think>a</think>b", ["t:<<think>a</think>b"], ["t:<", "r:a", "t:b"]),
    ("a <think>b</think> c", ["t:a <think>b</think> c"], ["t:a ", "r:b", "t:c"]),
    ("<think>a</think>b<think>c</think>d", ["r:a", "t:b<think>c</think>d"], ["r:a", "t:b", "r:c", "t:d"]),
    ("<think>a</think>\n<think>b</think>\nc", ["r:a", "t:<think>b</think>\nc"], ["r:ab", "t:c"]),
    ("<think>a<think>b</think>c</think>d", ["r:a<think>b", "t:c</think>d"], None),
    ("<think>1 < 2 </ 3 </thin> </</think>x", ["r:1 < 2 </ 3 </thin> </", "t:x"], None),
    ("a</think>b", ["t:a</think>b"], None),
    ("</think>b", ["t:</think>b"], None),
    ("<think>Ж😀</think>Ж", ["r:Ж😀", "t:Ж"], None),
]


@pytest.mark.parametrize(("text", "start_only", "anywhere"), CASES, ids=[repr(case[0])[:40] for case in CASES])
def test_whole_and_at_every_cut(text, start_only, anywhere):
    for think, expected in ((START, start_only), (ANYWHERE, start_only if anywhere is None else anywhere)):
        pieces = [
            (("reasoning" if kind == "r" else "text"), said) for kind, said in (e.split(":", 1) for e in expected)
        ]
        assert split(think, text) == pieces
        assert split(think, *text) == pieces
        for place in range(len(text)):
            assert split(think, text[:place], text[place:]) == pieces


@pytest.mark.parametrize("start", ["\n<a>", "<a>", " \n\n<a>"])
def test_blanks_that_a_tag_begins_with_are_blanks_before_it(start):
    think = Think("\n<a>", "\n</a>")
    assert (
        split(think, f"{start}x\n</a>\ny") == split(think, *f"{start}x\n</a>\ny") == [("reasoning", "x"), ("text", "y")]
    )


TAGS = [
    START,
    ANYWHERE,
    Think("<|a|>", "<|b|>", anywhere=True),
    Think("||", "||", anywhere=True),
    Think("aab", "aaab"),
    Think("aab", "aaab", anywhere=True),
    Think("\n<a>", "\n</a>"),
    Think("<a>\n", "</a>\n", anywhere=True),
    Think(" ", "x"),
]


def pieces_at(text: str, places: list[int]) -> list[str]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


@settings(max_examples=400)
@given(st.sampled_from(TAGS), st.data(), st.lists(st.integers(0, 100), max_size=8))
def test_any_cut_says_the_same(think, data, places):
    words = st.sampled_from([think.open, think.close, think.open[:-1], think.close[:-1], "a", "<", " ", "\n", "Ж", "|"])
    text = "".join(data.draw(st.lists(words, max_size=10)))
    whole = split(think, text)
    assert split(think, *pieces_at(text, places)) == whole
    assert split(think, *text) == whole
    # Nothing is lost but tags and the blanks around them.
    bare = "".join(said for _, said in whole)
    for tag in (think.open, think.close):
        text, bare = text.replace(tag.strip(), ""), bare.replace(tag.strip(), "")
    if think in (START, ANYWHERE):
        assert "".join(bare.split()) == "".join(text.split())


@settings(max_examples=100)
@given(st.text(alphabet="ab<>/think \n", max_size=20), st.text(alphabet="ab<>/think \n", max_size=20))
def test_what_stands_between_the_tags_is_the_reasoning(reasoning, text):
    assume((reasoning + "</think>").index("</think>") == len(reasoning))
    expected = [("reasoning", reasoning), ("text", text.lstrip())]
    assert split(START, *f"<think>{reasoning}</think>{text}") == [piece for piece in expected if piece[1]]


def test_pieces_are_given_as_soon_as_they_are_certain():
    splitter = ThinkSplitter(START)
    assert [
        splitter.feed(piece) for piece in ("\n", "<thi", "nk>", "a", "b<", "/b", "</think", ">", "\n", "c", "<")
    ] == [
        *([], [], [], [("reasoning", "a")], [("reasoning", "b")], [("reasoning", "</b")], [], [], []),
        *([("text", "c")], [("text", "<")]),
    ]


def test_text_without_tags_is_not_held_back():
    splitter = ThinkSplitter(START)
    assert splitter.feed("Hi") == [("text", "Hi")]
    assert splitter.feed("<think>") == [("text", "<think>")]


@pytest.mark.parametrize("think", [START, ANYWHERE])
@pytest.mark.parametrize(("start", "piece"), [("", " "), ("", "<"), ("<think>", "<"), ("<think>", "x"), ("x", "</")])
def test_many_tiny_pieces_take_linear_time(think, start, piece):
    splitter = ThinkSplitter(think)
    began = time.process_time()
    size = sum(len(said) for text in [start, *[piece] * 40_000] for _, said in splitter.feed(text))
    size += sum(len(said) for _, said in splitter.finish())
    assert time.process_time() - began < 3  # quadratic copying would take minutes
    assert size == 40_000 * len(piece) + len(start.removeprefix("<think>"))


def test_many_tags_in_one_piece_take_linear_time():
    splitter = ThinkSplitter(ANYWHERE)
    began = time.process_time()
    out = splitter.feed("<think>a</think> b" * 100_000)
    assert time.process_time() - began < 3  # quadratic copying would take minutes
    assert out == [("reasoning", "a"), ("text", "b")] * 100_000


@pytest.mark.parametrize("think", [START, ANYWHERE])
@given(pieces=st.lists(st.sampled_from(["<think>", "</think>", "<th", "ink>", " ", "a", "<", "b c"]), max_size=8))
def test_text_without_the_mark_is_all_of_one_kind(think, pieces):
    splitter = ThinkSplitter(think)
    for piece in pieces:
        mark, kind = splitter.mark, splitter.kind
        out = splitter.feed(piece)
        if mark is not None and mark not in piece:
            assert out == [(kind, piece)]
            assert (splitter.mark, splitter.kind) == (mark, kind)
