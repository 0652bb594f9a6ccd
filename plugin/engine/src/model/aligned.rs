//! Numbers that start on a cache line.

/// A fixed-length block of numbers of four bytes (`f32` or `u32`) that starts on
/// a 64-byte boundary, so that no vector load at a multiple of sixteen of them
/// touches two cache lines.
#[derive(Debug)]
pub(super) struct Aligned<T> {
    storage: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// Bytes of a cache line, and of the widest vector.
    const LINE_BYTES: usize = 64;

    /// `len` zeros. Allocates.
    pub(super) fn zeros(len: usize) -> Aligned<T> {
        let slack = Self::LINE_BYTES / size_of::<T>();
        let storage = vec![T::default(); len + slack];
        // The heap block never moves, so the offset stays right.
        let start = storage.as_ptr().align_offset(Self::LINE_BYTES).min(slack);
        Aligned {
            storage,
            start,
            len,
        }
    }

    /// A copy of `values`. Allocates.
    pub(super) fn from_slice(values: &[T]) -> Aligned<T> {
        let mut block = Aligned::zeros(values.len());
        block.as_mut_slice().copy_from_slice(values);
        block
    }

    /// The numbers. Real-time safe.
    pub(super) fn as_slice(&self) -> &[T] {
        &self.storage[self.start..self.start + self.len]
    }

    /// The numbers. Real-time safe.
    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.storage[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_on_a_cache_line_wherever_it_is_moved() {
        let blocks: Vec<Aligned<f32>> = (0..50)
            .map(|len| Aligned::from_slice(&vec![1.5; len]))
            .collect();
        for (len, block) in blocks.iter().enumerate() {
            assert_eq!(block.as_slice().as_ptr().addr() % 64, 0);
            assert_eq!(block.as_slice(), vec![1.5; len]);
        }
    }
}
