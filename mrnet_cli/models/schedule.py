"""Which past frames the current one is compared with (section 3.3, Table 1)."""

from __future__ import annotations


def past_frames(t: int, k: int, n: int) -> list[int]:
    """Candidates for frame t: the reference 0 first, then the frames t - i n > 0 for i = 1..k, oldest first.

    Args:
        t: the current frame, at least 1.
        k: most candidates beside the reference.
        n: distance between candidates, in frames.

    >>> past_frames(5, k=4, n=5), past_frames(6, k=4, n=5), past_frames(21, k=4, n=5)
    ([0], [0, 1], [0, 1, 6, 11, 16])
    """
    return [0] + [t - i * n for i in range(min(k, (t - 1) // n), 0, -1)]
