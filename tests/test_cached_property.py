"""A cached property is computed once, and threads that compute several do not wait for each other forever."""

import threading

from dataset_assets.cached_property import cached_property

SECONDS = 10


class Figures:
    """Two properties that read those of another instance, after both threads began to compute one."""

    def __init__(self, other: "Figures | None" = None, meeting: threading.Barrier | None = None) -> None:
        self.other, self.meeting, self.computed = other, meeting, 0

    @cached_property
    def left(self) -> int:
        self.computed += 1
        return self._meet() + self.other.right if self.other else 1

    @cached_property
    def right(self) -> int:
        return self._meet() + self.other.left if self.other else 10

    def _meet(self) -> int:
        if self.meeting:
            self.meeting.wait(SECONDS)
        return 100


def test_two_threads_that_compute_crossed_properties_end():
    meeting, found = threading.Barrier(2), list[int]()
    one, two = (Figures(Figures(), meeting) for _ in range(2))
    threads = [
        threading.Thread(target=lambda: found.append(one.left), daemon=True),
        threading.Thread(target=lambda: found.append(two.right), daemon=True),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert sorted(found) == [101, 110]


def test_a_value_is_computed_once():
    figures = Figures()
    assert (figures.left, figures.left, figures.computed) == (1, 1, 1)
