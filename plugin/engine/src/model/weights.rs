//! The weights of a compiled network in memory.

use std::ops::Range;

use super::{
    aligned::Aligned,
    dense::Matrix,
    half,
    packing::{pack_full, pack_half},
    step::{Memory, Source},
};

/// Values start on cache lines.
pub(super) const ALIGNMENT: usize = 16;

/// The weights of a network. Immutable; all sessions share them.
#[derive(Debug)]
pub(super) struct Weights {
    full: Aligned<f32>,
    /// Two weights in each word.
    half: Aligned<u32>,
}

impl Weights {
    /// The weights at full size. Real-time safe.
    pub(super) fn full(&self) -> &[f32] {
        self.full.as_slice()
    }

    /// Size in bytes. Real-time safe.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.full.as_slice()) + size_of_val(self.half.as_slice())
    }
}

/// Where the matrix of a dense layer is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum MatrixPlace {
    /// At full size.
    Full(Range<usize>),
    /// At half size.
    Half(Range<usize>),
}

impl MatrixPlace {
    /// Number of weights.
    pub(super) fn len(&self) -> usize {
        match self {
            MatrixPlace::Full(floats) => floats.len(),
            MatrixPlace::Half(words) => 2 * words.len(),
        }
    }

    /// The packed weights from number `from` on, `count` of them or as many as
    /// there are; both are multiples of the narrowest panel. Real-time safe.
    pub(super) fn get<'a>(&self, weights: &'a Weights, from: usize, count: usize) -> Matrix<'a> {
        let part = |place: &Range<usize>, per_element: usize| {
            let start = place.start + from / per_element;
            start..place.end.min(start + count / per_element)
        };
        match self {
            MatrixPlace::Full(place) => Matrix::Full(&weights.full.as_slice()[part(place, 1)]),
            MatrixPlace::Half(place) => Matrix::Half(&weights.half.as_slice()[part(place, 2)]),
        }
    }
}

/// Weights under construction.
#[derive(Debug, Default)]
pub(super) struct WeightsBuilder {
    full: Vec<f32>,
    half: Vec<u32>,
}

impl WeightsBuilder {
    /// Appends what `fill` appends, at full size. Allocates.
    pub(super) fn append(&mut self, fill: impl FnOnce(&mut Vec<f32>)) -> Source {
        let start = self.full.len().next_multiple_of(ALIGNMENT);
        self.full.resize(start, 0.0);
        fill(&mut self.full);
        Source {
            memory: Memory::Weights,
            start,
            len: self.full.len() - start,
        }
    }

    /// Appends a matrix of `inputs` × `outputs` weights, `weight(input, output)`
    /// each: at half size if all of them are the same there, else at full size.
    /// Allocates.
    pub(super) fn append_matrix(
        &mut self,
        (inputs, outputs): (usize, usize),
        weight: impl Fn(usize, usize) -> f32,
    ) -> MatrixPlace {
        let sizes = (inputs, outputs);
        let fits = (0..inputs).all(|i| (0..outputs).all(|o| half::fits(weight(i, o))));
        if fits {
            let start = self.half.len().next_multiple_of(ALIGNMENT);
            self.half.resize(start, 0);
            pack_half(&mut self.half, sizes, weight);
            MatrixPlace::Half(start..self.half.len())
        } else {
            let place = self.append(|packed| pack_full(packed, sizes, weight));
            MatrixPlace::Full(place.start..place.start + place.len)
        }
    }

    /// The finished weights. Allocates.
    pub(super) fn finish(self) -> Weights {
        Weights {
            full: Aligned::from_slice(&self.full),
            half: Aligned::from_slice(&self.half),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_half_as_large_only_if_no_weight_changes() {
        let (inputs, outputs) = (3, 70);
        let whole = |i: usize, o: usize| (i * outputs + o) as f32 - 90.0;
        let mut builder = WeightsBuilder::default();
        let _ = builder.append(|packed| packed.extend([0.1; 5]));
        let half = builder.append_matrix((inputs, outputs), whole);
        // One weight among all, in the last bit that half size lacks.
        let odd = |i: usize, o: usize| {
            let weight = whole(i, o);
            if (i, o) == (2, 69) {
                f32::from_bits(weight.to_bits() | 0x8000)
            } else {
                weight
            }
        };
        let full = builder.append_matrix((inputs, outputs), odd);
        // Panels of 64 and 16 outputs.
        let len = inputs * (64 + 16);
        assert_eq!(half, MatrixPlace::Half(0..len / 2));
        assert_eq!(full, MatrixPlace::Full(16..16 + len));
        assert_eq!((half.len(), full.len()), (len, len));

        let weights = builder.finish();
        assert_eq!(weights.bytes(), 2 * len + 4 * (16 + len));
        let Matrix::Half(words) = half.get(&weights, 0, len) else {
            panic!("expected half size");
        };
        let Matrix::Full(floats) = full.get(&weights, 0, len) else {
            panic!("expected full size");
        };
        assert_eq!(half::low(words[0]), whole(0, 0));
        assert_eq!(half::high(words[0]), whole(0, 32));
        assert_eq!(
            floats[..64],
            (0..64).map(|o| whole(0, o)).collect::<Vec<_>>()
        );
        // The second panel, whose end is the end of the matrix.
        let second = 64 * inputs;
        assert_eq!(
            half.get(&weights, second, second),
            Matrix::Half(&words[second / 2..])
        );
        assert_eq!(
            full.get(&weights, second, second),
            Matrix::Full(&floats[second..])
        );
        assert_eq!(floats[second + 2 * 16 + 5], odd(2, 69));
    }
}
