from pathlib import Path

import pytest

from slipway.modeltools.training.dataset import DataFileError, LabelledMessage, read_dataset


@pytest.fixture
def data_file(tmp_path: Path) -> Path:
    return tmp_path / "data.tsv"


def test_the_distinct_messages_are_read_in_the_order_of_the_file(data_file: Path) -> None:
    data_file.write_text("ham\tsee you\tat six\nspam\tWIN now\nham\tsee you\tat six\n", encoding="utf-8")

    dataset = read_dataset(data_file)

    assert dataset.messages == (LabelledMessage(0, "see you\tat six"), LabelledMessage(1, "WIN now"))
    assert dataset.lines == 3


def test_only_a_line_feed_ends_a_message(data_file: Path) -> None:
    data_file.write_bytes("ham\tone\x85still\u2028one\r\nspam\ttwo".encode())

    assert [message.text for message in read_dataset(data_file).messages] == ["one\x85still\u2028one", "two"]


def test_a_missing_file_is_refused_with_its_path(data_file: Path) -> None:
    with pytest.raises(DataFileError, match=r"--data is .*data\.tsv, which is not a file; expected .*<TAB>"):
        read_dataset(data_file)


@pytest.mark.parametrize("line", ["eggs\thello", "ham hello", "ham\t  ", ""])
def test_a_faulty_line_is_refused_with_its_number(data_file: Path, line: str) -> None:
    data_file.write_text(f"ham\thello\n{line}\nspam\tWIN\n", encoding="utf-8")

    with pytest.raises(DataFileError, match=r"data\.tsv:2: got .*; expected ham or spam, a tab and a text"):
        read_dataset(data_file)


def test_the_first_faulty_lines_are_reported_together_and_the_rest_counted(data_file: Path) -> None:
    data_file.write_text("bad\n" * 8, encoding="utf-8")

    with pytest.raises(DataFileError) as refused:
        read_dataset(data_file)

    assert [line.split(":")[1] for line in str(refused.value).splitlines()[:5]] == ["1", "2", "3", "4", "5"]
    assert str(refused.value).splitlines()[5:] == ["and 3 more"]


def test_a_file_that_is_not_utf8_is_refused(data_file: Path) -> None:
    data_file.write_bytes(b"ham\tcaf\xe9\n")

    with pytest.raises(DataFileError, match="byte 7 is not UTF-8"):
        read_dataset(data_file)


def test_one_text_with_both_labels_is_refused(data_file: Path) -> None:
    data_file.write_text("ham\thello\nspam\thello\n", encoding="utf-8")

    with pytest.raises(DataFileError, match="'hello' is both ham and spam"):
        read_dataset(data_file)


def test_a_file_without_spam_is_refused(data_file: Path) -> None:
    data_file.write_text("ham\thello\n", encoding="utf-8")

    with pytest.raises(DataFileError, match="no message is labelled spam"):
        read_dataset(data_file)
