//! Drums that the user calls by another name: the network's words with its drums renamed.
//!
//! It hears *that* something is struck far better than *what*: in a kit with unusual sounds it
//! may take all kicks for floor toms. Who listens sees that at once.

use crate::{
    drum::{DRUM_COUNT, Drum, STEM_COUNT},
    front_end::BAND_COUNT,
};

/// The surest that the network can be: only what is given by hand is certain.
const SUREST: f32 = 1.0 - f32::EPSILON;

/// What the network says of a frame, within what probabilities and shares can be. Real-time
/// safe after construction.
#[derive(Debug)]
pub struct Renamed {
    /// Per drum as heard: what it is.
    names: [Drum; DRUM_COUNT],
    /// Per class: the logarithm of the odds at which it is a hit.
    thresholds: [f32; DRUM_COUNT],
    onset: [f32; DRUM_COUNT],
    velocity: [f32; DRUM_COUNT],
    /// Class by class; empty if the network gives none.
    mask: Vec<f32>,
}

impl Renamed {
    /// All drums are what they are heard as; `strict` are the thresholds of their hits.
    /// Allocates.
    pub fn new(strict: &[f32; DRUM_COUNT], has_mask: bool) -> Renamed {
        let mask = if has_mask { STEM_COUNT * BAND_COUNT } else { 0 };
        Renamed {
            names: Drum::ALL,
            thresholds: strict.map(log_odds),
            onset: [0.0; DRUM_COUNT],
            velocity: [0.0; DRUM_COUNT],
            mask: vec![0.0; mask],
        }
    }

    /// Says what each drum as heard is. Real-time safe.
    pub fn set(&mut self, names: [Drum; DRUM_COUNT]) {
        self.names = names;
    }

    /// Takes what the network says of a frame. Real-time safe.
    pub fn take(&mut self, onset: &[f32], velocity: &[f32], mask: Option<&[f32]>) {
        if let Some(mask) = mask.filter(|mask| mask.len() == self.mask.len()) {
            for (share, given) in self.mask.iter_mut().zip(mask) {
                *share = within(*given, 1.0);
            }
        }
        for (probability, given) in self.onset.iter_mut().zip(onset) {
            *probability = within(*given, SUREST);
        }
        self.velocity.copy_from_slice(&velocity[..DRUM_COUNT]);
        if self.names == Drum::ALL {
            return;
        }
        let onset = std::mem::take(&mut self.onset);
        if !self.mask.is_empty() {
            self.mask[..DRUM_COUNT * BAND_COUNT].fill(0.0);
        }
        for (heard, name) in self.names.into_iter().enumerate() {
            let class = name.index();
            let probability = self.of_class(onset[heard], heard, class);
            if probability > self.onset[class] {
                self.onset[class] = probability;
                self.velocity[class] = velocity[heard];
            }
            if let (Some(given), false) = (mask, self.mask.is_empty()) {
                let given = &given[heard * BAND_COUNT..][..BAND_COUNT];
                let sums = &mut self.mask[class * BAND_COUNT..][..BAND_COUNT];
                for (sum, share) in sums.iter_mut().zip(given) {
                    *sum += within(*share, 1.0);
                }
            }
        }
    }

    /// A probability of one class as one of another: what just made a hit still does.
    fn of_class(&self, probability: f32, heard: usize, class: usize) -> f32 {
        if heard == class || probability <= 0.0 {
            return probability;
        }
        let shift = self.thresholds[class] - self.thresholds[heard];
        1.0 / (1.0 + (-log_odds(probability) - shift).exp())
    }

    /// Onset probability per class. Real-time safe.
    pub fn onset(&self) -> &[f32; DRUM_COUNT] {
        &self.onset
    }

    /// Velocity per class. Real-time safe.
    pub fn velocity(&self) -> &[f32; DRUM_COUNT] {
        &self.velocity
    }

    /// Share of each class and the residual in each band, if the network gives masks.
    /// Real-time safe.
    pub fn mask(&self) -> Option<&[f32]> {
        (!self.mask.is_empty()).then_some(&self.mask)
    }
}

/// `value` between 0 and `most`; 0 for what is no number.
fn within(value: f32, most: f32) -> f32 {
    if value > 0.0 { value.min(most) } else { 0.0 }
}

fn log_odds(probability: f32) -> f32 {
    let probability = probability.clamp(1e-6, 1.0 - 1e-6);
    (probability / (1.0 - probability)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: [f32; DRUM_COUNT] = [0.5, 0.5, 0.5, 0.4, 0.5, 0.3, 0.5, 0.6, 0.5];

    /// Every class has its number of tenths, and its number of hundredths of every band.
    fn words() -> ([f32; DRUM_COUNT], [f32; DRUM_COUNT], Vec<f32>) {
        let onset = std::array::from_fn(|class| class as f32 / 10.0);
        let velocity = std::array::from_fn(|class| 1.0 - class as f32 / 10.0);
        let mask = (0..STEM_COUNT * BAND_COUNT).map(|n| (n / BAND_COUNT) as f32 / 100.0);
        (onset, velocity, mask.collect())
    }

    fn renamed(names: &[(Drum, Drum)]) -> Renamed {
        let mut renamed = Renamed::new(&STRICT, true);
        let mut all = Drum::ALL;
        for (heard, name) in names {
            all[heard.index()] = *name;
        }
        renamed.set(all);
        let (onset, velocity, mask) = words();
        renamed.take(&onset, &velocity, Some(&mask));
        renamed
    }

    #[test]
    fn words_that_cannot_be_are_brought_to_what_can() {
        let mut renamed = Renamed::new(&STRICT, true);
        let mut mask = vec![0.1; STEM_COUNT * BAND_COUNT];
        mask[..3].copy_from_slice(&[-1.0, f32::NAN, 2.0]);
        let onset = [1.0, 1.5, -0.5, f32::NAN, 0.5, 0.0, 0.0, 0.0, 0.0];
        for names in [Drum::ALL, Drum::ALL.map(|_| Drum::Kick)] {
            renamed.set(names);
            renamed.take(&onset, &[0.0; DRUM_COUNT], Some(&mask));
            let given = renamed.onset();
            assert!(
                given.iter().all(|value| (0.0..1.0).contains(value)),
                "{given:?}"
            );
            let shares = renamed.mask().unwrap();
            assert!(shares.iter().all(|share| (0.0..2.0).contains(share)));
        }
    }

    #[test]
    fn without_other_names_nothing_changes() {
        let (onset, velocity, mask) = words();
        let renamed = renamed(&[]);
        assert_eq!(renamed.onset(), &onset);
        assert_eq!(renamed.velocity(), &velocity);
        assert_eq!(renamed.mask(), Some(&mask[..]));
        let mut without = Renamed::new(&STRICT, false);
        without.take(&onset, &velocity, None);
        assert_eq!(without.mask(), None);
    }

    #[test]
    fn a_drum_of_another_name_is_that_drum_and_no_more_itself() {
        let renamed = renamed(&[(Drum::FloorTom, Drum::Kick)]);
        assert_eq!(renamed.onset()[Drum::Kick.index()], 0.6);
        assert_eq!(renamed.velocity()[Drum::Kick.index()], 1.0 - 0.6);
        assert_eq!(renamed.onset()[Drum::FloorTom.index()], 0.0);
        let share = |stem: usize| renamed.mask().unwrap()[stem * BAND_COUNT + 7];
        assert!((share(Drum::Kick.index()) - 0.06).abs() < 1e-6);
        assert_eq!(share(Drum::FloorTom.index()), 0.0);
        assert_eq!(share(DRUM_COUNT), 0.09, "the residual stays");
        assert_eq!(share(Drum::Ride.index()), 0.08);
    }

    #[test]
    fn two_may_be_one_and_two_may_change_places() {
        let both = renamed(&[(Drum::OpenHat, Drum::ClosedHat)]);
        assert!(both.onset()[Drum::ClosedHat.index()] > 0.3);
        let share = both.mask().unwrap()[Drum::ClosedHat.index() * BAND_COUNT];
        assert!((share - 0.05).abs() < 1e-6);
        let swapped = renamed(&[(Drum::Snare, Drum::HighTom), (Drum::HighTom, Drum::Snare)]);
        assert!((swapped.onset()[Drum::Snare.index()] - 0.4).abs() < 1e-6);
        assert!((swapped.onset()[Drum::HighTom.index()] - 0.1).abs() < 1e-6);
    }

    #[test]
    fn what_just_made_a_hit_still_does() {
        let mut renamed = Renamed::new(&STRICT, false);
        let mut names = Drum::ALL;
        names[Drum::Crash.index()] = Drum::MidTom;
        renamed.set(names);
        let mut onset = [0.0; DRUM_COUNT];
        onset[Drum::Crash.index()] = 0.6;
        renamed.take(&onset, &[0.5; DRUM_COUNT], None);
        assert!((renamed.onset()[Drum::MidTom.index()] - 0.3).abs() < 1e-5);
        onset = [0.0; DRUM_COUNT];
        renamed.take(&onset, &[0.5; DRUM_COUNT], None);
        assert_eq!(renamed.onset(), &[0.0; DRUM_COUNT]);
    }
}
