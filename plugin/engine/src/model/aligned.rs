//! Floats that start on a cache line.

/// A fixed-length block of `f32` that starts on a 64-byte boundary, so that no
/// vector load at a multiple of sixteen floats touches two cache lines.
#[derive(Debug)]
pub(super) struct AlignedFloats {
    storage: Vec<f32>,
    start: usize,
    len: usize,
}

impl AlignedFloats {
    /// Bytes of a cache line, and of the widest vector.
    const LINE_BYTES: usize = 64;

    /// `len` zeros. Allocates.
    pub(super) fn zeros(len: usize) -> AlignedFloats {
        let slack = Self::LINE_BYTES / size_of::<f32>();
        let storage = vec![0.0; len + slack];
        // The heap block never moves, so the offset stays right.
        let start = storage.as_ptr().align_offset(Self::LINE_BYTES).min(slack);
        AlignedFloats {
            storage,
            start,
            len,
        }
    }

    /// A copy of `values`. Allocates.
    pub(super) fn from_slice(values: &[f32]) -> AlignedFloats {
        let mut block = AlignedFloats::zeros(values.len());
        block.as_mut_slice().copy_from_slice(values);
        block
    }

    /// The floats. Real-time safe.
    pub(super) fn as_slice(&self) -> &[f32] {
        &self.storage[self.start..self.start + self.len]
    }

    /// The floats. Real-time safe.
    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.storage[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_on_a_cache_line_wherever_it_is_moved() {
        let blocks: Vec<AlignedFloats> = (0..50)
            .map(|len| AlignedFloats::from_slice(&vec![1.5; len]))
            .collect();
        for (len, block) in blocks.iter().enumerate() {
            assert_eq!(block.as_slice().as_ptr().addr() % 64, 0);
            assert_eq!(block.as_slice(), vec![1.5; len]);
        }
    }
}
