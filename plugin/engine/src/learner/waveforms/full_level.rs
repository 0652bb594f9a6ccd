//! How loud a drum is at its hardest.

/// Hits that count.
const HITS: usize = 16;

/// The level that a hit of velocity 1 would have, by the last hits: their median, since a hit
/// that another drum hides in can be far too loud.
#[derive(Debug, Clone, Copy, Default)]
pub struct FullLevel {
    levels: [f32; HITS],
    known: usize,
    next: usize,
}

impl FullLevel {
    /// As if this `level` had been heard all the time.
    pub fn kept(level: f32) -> FullLevel {
        FullLevel {
            levels: [level; HITS],
            known: HITS,
            next: 0,
        }
    }

    /// A hit that says `level`.
    pub fn hear(&mut self, level: f32) {
        self.levels[self.next] = level;
        self.next = (self.next + 1) % HITS;
        self.known = (self.known + 1).min(HITS);
    }

    /// What they say; 0 if there were none.
    pub fn level(&self) -> f32 {
        let mut levels = self.levels;
        let known = &mut levels[..self.known];
        known.sort_by(f32::total_cmp);
        known.get(known.len() / 2).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hit_that_is_far_too_loud_is_no_matter() {
        let mut full = FullLevel::default();
        assert_eq!(full.level(), 0.0);
        full.hear(9.0);
        assert_eq!(full.level(), 9.0);
        for level in [1.0, 1.1, 0.9] {
            full.hear(level);
        }
        assert_eq!(full.level(), 1.1);
    }

    #[test]
    fn a_drum_that_becomes_softer_is_followed_and_a_kept_one_slowly() {
        let mut full = FullLevel::kept(2.0);
        for _ in 0..HITS / 2 - 1 {
            full.hear(1.0);
        }
        assert_eq!(full.level(), 2.0);
        for _ in 0..2 {
            full.hear(1.0);
        }
        assert_eq!(full.level(), 1.0);
    }
}
