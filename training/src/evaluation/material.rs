//! The held-out excerpts, and templates from the training side for baselines.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use idm_engine::{
    drum::{DRUM_COUNT, Drum},
    front_end::BAND_COUNT,
};
use rayon::prelude::*;

use super::{
    nmfd::{Analysis, HOP, TEMPLATE_FRAMES, Template},
    plain,
};
use crate::{
    config::DataConfig,
    kits::{self, Kit, SAMPLE_RATE_HZ, Sample, Sound, Split},
    performance::{self, Groove, Pattern, generate},
    random::Random,
    render::{Piece, RenderConfig, Renderer, Stage},
    synth,
};

/// Names the excerpts; changing it changes every figure.
const SEED: u64 = 0x1d3;
/// Strength of the random changes: milder than in training.
const WILDNESS: f32 = 0.4;
/// Procedural kits for templates where there are no sampled ones.
const TEMPLATE_KITS: u64 = 24;
/// Length of the other performances on the kits of plain material, and how many turns of the
/// kits they lie behind those that are measured.
const ANOTHER_S: f64 = 30.0;
const ANOTHER_TURN: u64 = 1 << 20;
/// Procedural kits and length of the patterns of plain material without data.
const PLAIN_KITS: u64 = 6;
const PATTERN_S: f64 = 30.0;

/// Folders that may lie in the data folder: kits, kits for validation only,
/// grooves.
pub(super) const KITS: [&str; 2] = ["drums", "drums_validation"];
pub(super) const GROOVES: &str = "grooves";

/// What systems are evaluated on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Material {
    /// Held-out kits as they are, human performances, summed dry.
    Plain,
    /// Everything varied: mixed kits, rooms, bleed, bus processing, other
    /// percussion.
    Hard,
    /// The plain excerpts, of which only kick and snare play the first half: what comes in
    /// later, as in songs.
    Late,
    /// The plain excerpts in stereo: panned, or recorded with close and overhead
    /// microphones, in a room.
    Stereo,
}

impl fmt::Display for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Material::Plain => "plain",
            Material::Hard => "hard",
            Material::Late => "late",
            Material::Stereo => "stereo",
        })
    }
}

/// Where an excerpt comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Name of the kit.
    pub kit: String,
    /// What kind of drums it has.
    pub kind: String,
    /// Style of the performance.
    pub style: String,
}

/// A held-out piece and what is known of it.
#[derive(Debug, Clone)]
pub struct Excerpt {
    /// Mixture, stems and hits.
    pub piece: Piece,
    /// Where they come from.
    pub labels: Labels,
    /// One sound per class from its onset on (empty where the kit has none), if
    /// one kit plays unchanged.
    pub true_kit: Option<[Vec<f32>; DRUM_COUNT]>,
    /// Half a minute of another performance on the same kit, at the same places, without
    /// stems: what a system may have heard before. Where the same kit can play it.
    pub another: Option<Piece>,
    /// The same on another kit, at other places.
    pub foreign: Option<Piece>,
}

impl Material {
    /// The first `count` excerpts, the same for the same arguments. Allocates;
    /// uses all threads.
    ///
    /// # Errors
    /// When `data` holds no kits or they cannot be loaded.
    pub fn excerpts(
        self,
        data: Option<&Path>,
        count: usize,
        excerpt_s: f64,
    ) -> Result<Vec<Excerpt>> {
        match self {
            Material::Plain => held_out_plain(data, count, excerpt_s),
            Material::Hard => held_out(data, count, excerpt_s),
            Material::Late => {
                of_whole_kits(Split::Valid, data, count, excerpt_s, Arrangement::Late)
            }
            Material::Stereo => held_out_stereo(data, count, excerpt_s),
        }
    }
}

/// Renders the hard held-out set: kits and grooves of the validation side in
/// `data`, mildly processed; without `data`, procedural kits that training never
/// draws. The same for the same arguments. Allocates; uses all threads.
///
/// # Errors
/// When `data` holds no kits of that side, or grooves but none of it, or they cannot be
/// loaded.
pub fn held_out(data: Option<&Path>, count: usize, excerpt_s: f64) -> Result<Vec<Excerpt>> {
    hard(Split::Valid, data, count, excerpt_s)
}

/// The same of either side.
///
/// # Errors
/// As [`held_out`].
pub fn hard(
    split: Split,
    data: Option<&Path>,
    count: usize,
    excerpt_s: f64,
) -> Result<Vec<Excerpt>> {
    let mut config = RenderConfig {
        split,
        seed: SEED,
        data: DataConfig {
            procedural_kits: 64,
            procedural_share: 1.0,
            groove_share: 0.8,
            layered_share: 0.0,
            wildness: WILDNESS,
            piece_s: excerpt_s,
            ..DataConfig::default()
        },
        ..RenderConfig::default()
    };
    if let Some(data) = data {
        config.kit_folders = kit_folders(data)?;
        if !config.kit_folders.is_empty() {
            config.data.procedural_share = 0.0;
        }
        let grooves = data.join(GROOVES);
        config.groove_folder = grooves.is_dir().then_some(grooves);
    }
    let renderer = Renderer::new(&config)?;
    if let Some(data) = data {
        if !config.kit_folders.is_empty() {
            let kits = renderer.kits().len();
            ensure_some(data, split, "kits", kits, || all_kits(&config.kit_folders))?;
        }
        if let Some(folder) = &config.groove_folder {
            let (_, grooves) = renderer.material();
            ensure_some(data, split, "performances", grooves, || {
                Ok(performance::load_grooves(folder)?.len())
            })?;
        }
    }
    Ok((0..count as u64)
        .into_par_iter()
        .map(|index| Excerpt {
            piece: renderer.piece(index),
            labels: Labels {
                kit: "mixed".to_owned(),
                kind: "mixed".to_owned(),
                style: "mixed".to_owned(),
            },
            true_kit: None,
            another: None,
            foreign: None,
        })
        .collect())
}

/// The plain held-out set: whole kits of the validation side take turns at
/// excerpts of its performances; what `data` has none of are procedural kits and generated
/// patterns. The same for the same arguments. Allocates; uses all threads.
///
/// # Errors
/// When `data` holds no whole kit or no performance, or they cannot be loaded.
pub fn held_out_plain(data: Option<&Path>, count: usize, excerpt_s: f64) -> Result<Vec<Excerpt>> {
    plain_of(Split::Valid, data, count, excerpt_s)
}

/// The same of either side.
///
/// # Errors
/// As [`held_out_plain`].
pub fn plain_of(
    split: Split,
    data: Option<&Path>,
    count: usize,
    excerpt_s: f64,
) -> Result<Vec<Excerpt>> {
    of_whole_kits(split, data, count, excerpt_s, Arrangement::Plain)
}

/// What is made of the plain set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrangement {
    /// Nothing.
    Plain,
    /// All but kick and snare enter halfway.
    Late,
    /// It is placed between two channels.
    Placed,
}

/// The plain set as `arrangement` has it.
fn of_whole_kits(
    split: Split,
    data: Option<&Path>,
    count: usize,
    excerpt_s: f64,
    arrangement: Arrangement,
) -> Result<Vec<Excerpt>> {
    let is_placed = arrangement == Arrangement::Placed;
    let entrance_s = match arrangement {
        Arrangement::Late => 0.5 * excerpt_s,
        Arrangement::Plain | Arrangement::Placed => 0.0,
    };
    let mut kits: Vec<Kit> = Vec::new();
    let mut grooves = Vec::new();
    let folders = data.map(kit_folders).transpose()?.unwrap_or_default();
    if let Some(data) = data.filter(|_| !folders.is_empty()) {
        for folder in &folders {
            kits.extend(kits::load_folder(folder)?);
        }
        let here = kits.iter().filter(|kit| kit.split == split).count();
        ensure_some(data, split, "kits", here, || Ok(kits.len()))?;
    } else {
        kits.extend((0..PLAIN_KITS).map(|n| synth::kit((1 << 32) + n, split)));
    }
    if let Some(data) = data.filter(|data| data.join(GROOVES).is_dir()) {
        grooves = performance::load_grooves(&data.join(GROOVES))?;
        let all = grooves.len();
        grooves.retain(|groove| groove.split == split);
        ensure_some(data, split, "performances", grooves.len(), || Ok(all))?;
    } else {
        grooves.extend(Pattern::ALL.into_iter().enumerate().map(|(n, pattern)| {
            let events = generate(pattern, PATTERN_S, &mut Random::new(&[SEED, n as u64]));
            Groove {
                name: format!("{n}_{pattern:?}_").to_lowercase(),
                split,
                duration_s: PATTERN_S,
                events,
            }
        }));
    }
    kits.retain(|kit| kit.split == split);
    let whole: Vec<&Kit> = kits.iter().filter(|kit| plain::is_whole(kit)).collect();
    ensure!(
        !whole.is_empty(),
        "plain material: expected {} kits with kick, snare, hat, tom and cymbal, found 0 of {}",
        split.word(),
        kits.len()
    );
    let kits = whole.len() as u64;
    let kit_of = |index: u64| plain::kit_of(whole[(index % kits) as usize], SEED, index);
    (0..count as u64)
        .into_par_iter()
        .map(|index| {
            let kit = kit_of(index);
            let made = plain::excerpt_from(&kit, &grooves, SEED, index, excerpt_s, entrance_s);
            let mut excerpt =
                made.with_context(|| format!("no performance fills an excerpt of {excerpt_s} s"))?;
            let stage_of = |index| Stage::draw(&mut Random::new(&[SEED, index, 0x57]));
            if is_placed {
                stage_of(index).place_piece(&mut excerpt.piece);
                excerpt.true_kit = None;
            }
            let heard_before = |kit: &Kit, index: u64| {
                let later = index + kits * ANOTHER_TURN;
                let mut piece = plain::excerpt(kit, &grooves, SEED, later, ANOTHER_S)?.piece;
                if is_placed {
                    stage_of(index).place_piece(&mut piece);
                }
                piece.stems = Default::default();
                Some(piece)
            };
            excerpt.another = heard_before(&kit, index);
            // With one kit there is no other.
            let has_other = kits > 1;
            excerpt.foreign = has_other
                .then(|| heard_before(&kit_of(index + 1), index + 1))
                .flatten();
            Ok(excerpt)
        })
        .collect()
}

/// The plain held-out set, placed between two channels. The same for the same
/// arguments. Allocates; uses all threads.
///
/// # Errors
/// As [`held_out_plain`].
pub fn held_out_stereo(data: Option<&Path>, count: usize, excerpt_s: f64) -> Result<Vec<Excerpt>> {
    of_whole_kits(Split::Valid, data, count, excerpt_s, Arrangement::Placed)
}

/// Refuses `data` without any `things` on the side that is asked for: what is measured
/// would be something else.
fn ensure_some(
    data: &Path,
    split: Split,
    things: &str,
    found: usize,
    all: impl FnOnce() -> Result<usize>,
) -> Result<()> {
    if found > 0 {
        return Ok(());
    }
    bail!(
        "{}: expected {} {things}, found 0 of {}; validation ones are those in drums/valid/ \
         and grooves/valid/, or of which the column split of kits.csv and grooves.csv says so",
        data.display(),
        split.word(),
        all()?
    )
}

/// How many kits `folders` hold on both sides.
fn all_kits(folders: &[PathBuf]) -> Result<usize> {
    let counts = folders
        .iter()
        .map(|folder| Ok(kits::load_folder(folder)?.len()));
    counts.sum()
}

/// The folders of kits in `data`; none where it has performances only.
fn kit_folders(data: &Path) -> Result<Vec<PathBuf>> {
    let folders: Vec<PathBuf> = KITS
        .iter()
        .map(|name| data.join(name))
        .filter(|path| path.is_dir())
        .collect();
    ensure!(
        !folders.is_empty() || data.join(GROOVES).is_dir(),
        "{}: expected a folder with drums/ or grooves/ inside",
        data.display()
    );
    Ok(folders)
}

/// One template per class: the mean over the training kits of `data` (else over
/// procedural ones) of the band magnitudes of a hit. Allocates.
///
/// # Errors
/// When the kits cannot be loaded.
pub fn generic_templates(data: Option<&Path>) -> Result<Vec<Template>> {
    let mut kits: Vec<Kit> = Vec::new();
    if let Some(data) = data {
        let drums = data.join(KITS[0]);
        if drums.is_dir() {
            kits = kits::load_folder(&drums)?;
            kits.retain(|kit| kit.split == Split::Train);
        }
    }
    let hits: Vec<Vec<Sample>> = Drum::ALL
        .into_par_iter()
        .map(|drum| {
            let sound = Sound::of_drum(drum);
            let loudest_of = |samples: &[Sample]| samples.last().cloned();
            let mut hits: Vec<Sample> = kits
                .iter()
                .filter_map(|kit| loudest_of(&kit.sounds[sound.index()]))
                .collect();
            if hits.is_empty() {
                hits = (0..TEMPLATE_KITS)
                    .filter_map(|seed| loudest_of(&synth::samples(seed, sound)))
                    .collect();
            }
            hits
        })
        .collect();
    debug_assert_eq!(hits.len(), DRUM_COUNT);
    Ok(hits.par_iter().map(|hits| mean_template(hits)).collect())
}

/// Mean magnitudes of hits that begin in the centre of frame 0, each of unit
/// energy.
fn mean_template(hits: &[Sample]) -> Template {
    let mut analysis = Analysis::new();
    let mut mean = vec![0.0; TEMPLATE_FRAMES * BAND_COUNT];
    for hit in hits {
        let onset = (hit.onset as usize).min(hit.audio.len());
        let mut signal = hit.audio[onset..].to_vec();
        signal.resize(HOP * TEMPLATE_FRAMES, 0.0);
        let (_, magnitudes) = analysis.analyse(&signal);
        let energy: f32 = magnitudes.iter().map(|m| m * m).sum();
        let scale = 1.0 / (energy.sqrt().max(1e-9) * hits.len() as f32);
        for (mean, value) in mean.iter_mut().zip(&magnitudes) {
            *mean += scale * value;
        }
    }
    Template(mean)
}

/// The two template frames nearest to a hit at `sample`.
pub fn frames_of(sample: usize) -> [usize; 2] {
    [sample / HOP, sample / HOP + 1]
}

/// Length of `piece` in seconds.
pub fn duration_s(piece: &Piece) -> f64 {
    piece.length() as f64 / SAMPLE_RATE_HZ
}
