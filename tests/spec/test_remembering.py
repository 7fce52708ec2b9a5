"""What is asked of words is found once, but for what nobody would write."""

from deit_spec.spec.field_names import remembered


def test_a_word_is_looked_up_once_and_a_long_one_not_kept() -> None:
    asked: list[str] = []

    @remembered
    def shout(word: str) -> str:
        asked.append(word)
        return word.upper()

    assert [shout(word) for word in ("a", "b", "a")] == ["A", "B", "A"]
    assert asked == ["a", "b"]
    long = "x" * 65
    assert shout(long) == shout(long) == long.upper()
    assert asked == ["a", "b", long, long]
    assert shout.__name__ == "shout"


def test_a_path_is_as_long_as_its_words_together() -> None:
    asked: list[tuple[str, ...]] = []

    @remembered
    def last(path: tuple[str, ...]) -> str:
        asked.append(path)
        return path[-1]

    short, long = ("variant", "init"), ("variant", "x" * 60)
    for path in (short, short, long, long):
        assert last(path) == path[-1]
    assert asked == [short, long, long]
