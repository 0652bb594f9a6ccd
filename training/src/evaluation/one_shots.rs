//! How near the engine's one-shots come to the kit that is played, as it
//! listens.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use idm_engine::{
    controls::Quality,
    drum::{DRUM_COUNT, Drum},
    experiment::Experiment,
    model::Model,
    one_shots::{Bank, OneShot},
};
use rayon::prelude::*;
use serde::Serialize;

use super::{
    material::Excerpt,
    metrics::log_spectral_distance_db,
    picture::draw_lines,
    report::{header, row},
    score::mean,
    stft::Stft,
    streaming::{bank_of, hear, new_engine},
};
use crate::kits::SAMPLE_RATE_HZ;

/// Bars after which the one-shots are looked at; a bar is two seconds, four
/// beats at 120 per minute.
const BARS: [usize; 4] = [0, 4, 8, 16];
const BAR_S: f64 = 2.0;
/// Stretch of a one-shot that is compared: what the ear takes for the drum.
const COMPARED_S: f64 = 0.5;
/// Hits of a drum from which its one-shot can have been learnt.
const FEWEST_HITS: usize = 2;

/// Seconds of every excerpt that the measurement needs.
pub const EXCERPT_S: f64 = BARS[BARS.len() - 1] as f64 * BAR_S;

/// Mean distances, one row per drum.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct OneShotQuality {
    /// What was evaluated on.
    pub material: String,
    /// Bars heard, per column.
    pub bars: Vec<usize>,
    /// Log-spectral distance in decibels per drum and column, over the
    /// excerpts that play the drum; none if there are none.
    pub distance_db: Vec<Vec<Option<f64>>>,
}

/// Log-spectral distance of `found` to `truth` over the first half second, both
/// brought to the same energy there; `None` if `truth` is silent.
pub fn one_shot_distance_db(stft: &mut Stft, truth: &OneShot, found: &OneShot) -> Option<f64> {
    let length = (COMPARED_S * SAMPLE_RATE_HZ) as usize;
    let start = |one_shot: &OneShot| {
        let mut samples = one_shot.channel(0).to_vec();
        samples.resize(length, 0.0);
        let energy: f32 = samples.iter().map(|s| s * s).sum();
        let gain = 1.0 / energy.sqrt().max(1e-9);
        samples.iter_mut().for_each(|sample| *sample *= gain);
        samples
    };
    log_spectral_distance_db(stft, &start(truth), &start(found))
}

impl OneShotQuality {
    /// Streams `excerpts`, whose kits must be known, through the engine and
    /// compares its bank with the kit before and after some bars. Allocates;
    /// uses all threads.
    ///
    /// # Errors
    /// When the engine cannot be made from `model`, or a kit is not known.
    pub fn new(material: &str, excerpts: &[Excerpt], model: &Arc<Model>) -> Result<OneShotQuality> {
        let tables: Vec<_> = excerpts
            .par_iter()
            .map(|excerpt| listen(excerpt, model))
            .collect::<Result<_>>()?;
        let distance_db = (0..DRUM_COUNT)
            .map(|drum| {
                let columns = 0..BARS.len();
                columns
                    .map(|column| mean(tables.iter().filter_map(|table| table[drum][column])))
                    .collect()
            })
            .collect();
        Ok(OneShotQuality {
            material: material.to_owned(),
            bars: BARS.to_vec(),
            distance_db,
        })
    }

    /// Mean over the drums per column.
    pub fn means_db(&self) -> Vec<Option<f64>> {
        (0..self.bars.len())
            .map(|column| mean(self.distance_db.iter().filter_map(|drum| drum[column])))
            .collect()
    }

    /// The table in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("One-shots on {}.\n\n", self.material);
        let columns: Vec<String> = self
            .bars
            .iter()
            .map(|bars| format!("after {bars} bars"))
            .collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        header(
            &mut text,
            "Log-spectral distance to the kit, dB",
            &columns,
            &[],
        );
        let cell = |value: &Option<f64>| {
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"))
        };
        for (drum, values) in Drum::ALL.iter().zip(&self.distance_db) {
            row(&mut text, drum.name(), values.iter().map(cell));
        }
        row(&mut text, "mean", self.means_db().iter().map(cell));
        text
    }

    /// Writes `one-shots.md`, `.json` and a picture, `one-shots.png`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{}: cannot be made", folder.display()))?;
        let write = |name: &str, content: String| {
            let path = folder.join(name);
            std::fs::write(&path, content)
                .with_context(|| format!("{}: cannot be written", path.display()))
        };
        write("one-shots.md", self.markdown())?;
        write("one-shots.json", serde_json::to_string_pretty(self)?)?;
        let path = folder.join("one-shots.png");
        let lines: Vec<(&str, Vec<(f64, f64)>)> = Drum::ALL
            .iter()
            .zip(&self.distance_db)
            .map(|(drum, values)| {
                let points = self.bars.iter().zip(values);
                let points = points.filter_map(|(&bars, value)| Some((bars as f64, (*value)?)));
                (drum.name(), points.collect())
            })
            .collect();
        draw_lines(
            &path,
            "Distance of the one-shots to the kit, dB, over bars heard",
            &lines,
        )
        .with_context(|| format!("{}: cannot be drawn", path.display()))
    }
}

/// Distance per drum and column of one excerpt.
fn listen(
    excerpt: &Excerpt,
    model: &Arc<Model>,
) -> Result<[[Option<f64>; BARS.len()]; DRUM_COUNT]> {
    let kit = excerpt
        .true_kit
        .as_ref()
        .context("the kit of this material is not known")?;
    let truth = bank_of(kit)?;
    let experiment = Experiment::default();
    let mut engine = new_engine(SAMPLE_RATE_HZ, Quality::Standard, model, experiment)?;
    let mut stft = Stft::new(1024, 256);
    let mut distances = [[None; BARS.len()]; DRUM_COUNT];
    let mut heard = 0;
    for (column, bars) in BARS.into_iter().enumerate() {
        let until = (bars as f64 * BAR_S * SAMPLE_RATE_HZ) as usize;
        let until = until.min(excerpt.piece.mix.len());
        if until > heard {
            hear(&mut engine, &excerpt.piece.mix[heard..until]);
            heard = until;
        }
        // Drums that are hardly played are left out of every column alike.
        let found = distances_db(&mut stft, &truth, engine.bank(), |drum| {
            is_played(excerpt, drum)
        });
        for (row, distance) in distances.iter_mut().zip(found) {
            row[column] = distance;
        }
    }
    Ok(distances)
}

/// Whether `excerpt` plays `drum` often enough to learn it, and its kit is
/// known to have it.
pub(crate) fn is_played(excerpt: &Excerpt, drum: Drum) -> bool {
    let hits = excerpt.piece.hits.iter();
    let has = |kit: &[Vec<f32>; DRUM_COUNT]| !kit[drum.index()].is_empty();
    excerpt.true_kit.as_ref().is_some_and(has)
        && hits.filter(|hit| hit.drum == drum).count() >= FEWEST_HITS
}

/// Distance of `found` to `truth` per drum, where `is_wanted`. Allocates.
pub(crate) fn distances_db(
    stft: &mut Stft,
    truth: &Bank,
    found: &Bank,
    is_wanted: impl Fn(Drum) -> bool,
) -> [Option<f64>; DRUM_COUNT] {
    Drum::ALL.map(|drum| {
        let (truth, found) = (truth.one_shot(drum), found.one_shot(drum));
        is_wanted(drum)
            .then(|| one_shot_distance_db(stft, truth, found))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn tone(omega: f32, gain: f32) -> OneShot {
        let samples = (0..30_000)
            .map(|n| gain * (n as f32 * omega).sin() * (-(n as f32) / 6_000.0).exp())
            .collect();
        OneShot::new(SAMPLE_RATE_HZ, vec![samples]).unwrap()
    }

    #[test]
    fn distance_ignores_level_and_hears_pitch() {
        let mut stft = Stft::new(1024, 256);
        let truth = tone(0.05, 0.5);
        let mut distance =
            |other: &OneShot| one_shot_distance_db(&mut stft, &truth, other).unwrap();
        assert!(distance(&tone(0.05, 0.1)) < 0.1);
        let near = distance(&tone(0.055, 0.5));
        let far = distance(&tone(0.3, 0.5));
        assert!(near > 0.5 && far > near, "{near} {far}");
    }

    #[test]
    fn a_bank_is_compared_drum_by_drum() {
        let mut random = Random::new(&[1]);
        let mut kit = || -> [Vec<f32>; DRUM_COUNT] {
            std::array::from_fn(|_| (0..9_000).map(|_| random.bipolar()).collect())
        };
        let truth = kit();
        let mut other = kit();
        other[3].clone_from(&truth[3]);
        let banks = [bank_of(&truth).unwrap(), bank_of(&other).unwrap()];
        let mut stft = Stft::new(1024, 256);
        let distances = distances_db(&mut stft, &banks[0], &banks[1], |drum| drum != Drum::Ride);
        assert!(distances[3].unwrap() < 1e-3);
        assert!(distances[0].unwrap() > 2.0);
        assert_eq!(distances[Drum::Ride.index()], None);
    }
}
