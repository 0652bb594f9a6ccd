//! Parts of tensors as contiguous runs.

use super::step::{Run, Source};

/// The contiguous pieces of a box of shape `size` that starts at `starts` in a
/// tensor of shape `full`.
pub(super) fn box_runs(
    full: &[usize],
    starts: &[usize],
    size: &[usize],
    place: Source,
) -> Vec<Run> {
    // Everything from the last axis that is cut on is contiguous.
    let cut = (0..full.len()).rev().find(|&axis| full[axis] != size[axis]);
    let Some(cut) = cut else {
        return vec![Run { from: place, to: 0 }];
    };
    let inner: usize = full[cut + 1..].iter().product();
    let len = size[cut] * inner;
    let count: usize = size[..cut].iter().product();
    (0..count)
        .map(|index| {
            let (mut rest, mut offset, mut stride) =
                (index, starts[cut] * inner, full[cut] * inner);
            for axis in (0..cut).rev() {
                offset += (starts[axis] + rest % size[axis]) * stride;
                rest /= size[axis];
                stride *= full[axis];
            }
            Run {
                from: place.part(offset, len),
                to: index * len,
            }
        })
        .collect()
}

/// The pieces of a result whose `outer` rows each hold one row of every part.
pub(super) fn joined_runs(parts: &[Source], outer: usize) -> Vec<Run> {
    let row: usize = parts.iter().map(|part| part.len / outer).sum();
    let mut column = 0;
    let mut runs = Vec::with_capacity(parts.len() * outer);
    for part in parts {
        let len = part.len / outer;
        runs.extend((0..outer).map(|index| Run {
            from: part.part(index * len, len),
            to: index * row + column,
        }));
        column += len;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::{super::step::Memory, *};

    fn place(start: usize, len: usize) -> Source {
        Source {
            memory: Memory::Arena,
            start,
            len,
        }
    }

    /// Element by element: where each element of the result comes from.
    fn elements(runs: &[Run]) -> Vec<usize> {
        let len = runs
            .iter()
            .map(|run| run.to + run.from.len)
            .max()
            .unwrap_or(0);
        let mut sources = vec![usize::MAX; len];
        for run in runs {
            for index in 0..run.from.len {
                sources[run.to + index] = run.from.start + index;
            }
        }
        sources
    }

    #[test]
    fn boxes_have_the_elements_of_their_corner_and_size() {
        let full = [3, 4, 5];
        for (starts, size) in [
            ([0, 0, 0], [3, 4, 5]),
            ([1, 0, 0], [2, 4, 5]),
            ([0, 1, 0], [3, 2, 5]),
            ([1, 1, 2], [2, 3, 2]),
            ([2, 3, 4], [1, 1, 1]),
        ] {
            let mut want = Vec::new();
            for a in 0..size[0] {
                for b in 0..size[1] {
                    for c in 0..size[2] {
                        let at = (starts[0] + a) * 20 + (starts[1] + b) * 5 + starts[2] + c;
                        want.push(100 + at);
                    }
                }
            }
            let runs = box_runs(&full, &starts, &size, place(100, 60));
            assert_eq!(elements(&runs), want);
        }
    }

    #[test]
    fn what_is_contiguous_is_one_run() {
        assert_eq!(
            box_runs(&[1, 24, 200], &[0, 1, 0], &[1, 23, 200], place(0, 4_800)).len(),
            1
        );
        assert_eq!(
            box_runs(&[2, 24, 200], &[0, 1, 0], &[2, 23, 200], place(0, 9_600)).len(),
            2
        );
        assert_eq!(box_runs(&[], &[], &[], place(7, 1)).len(), 1);
    }

    #[test]
    fn joined_rows_alternate_between_the_parts() {
        let runs = joined_runs(&[place(10, 4), place(20, 2)], 2);
        assert_eq!(elements(&runs), [10, 11, 20, 12, 13, 21]);
    }
}
