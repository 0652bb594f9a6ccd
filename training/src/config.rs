//! Settings of a training run, read from TOML and saved with the result.

mod check;

use std::{fs, ops::RangeInclusive, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};

use crate::{console, losses::LossConfig};

/// A training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the model.
    pub name: String,
    /// Names the initial weights and the sequence of examples.
    pub seed: u64,
    /// What is rendered.
    pub data: DataConfig,
    /// How weights move.
    pub optimiser: OptimiserConfig,
    /// How long training runs and what it reports.
    pub schedule: ScheduleConfig,
    /// What is minimised.
    pub loss: LossConfig,
}

/// Lengths of a piece in seconds that make sense: a longer one would not fit the memory
/// of most computers.
pub const PIECE_S: RangeInclusive<f64> = 1.0..=600.0;

/// What is rendered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Number of different procedural kits.
    pub procedural_kits: usize,
    /// Share of instruments from procedural kits where sampled ones exist.
    pub procedural_share: f32,
    /// Share of pieces that follow human performances where these exist.
    pub groove_share: f32,
    /// Share of instruments that are hybrids of two sounds: their sum, the lows of one
    /// and the highs of the other, or the attack of one and the body of the other; half
    /// of it in tame pieces.
    pub layered_share: f32,
    /// How much more often kits with many samples are drawn in training: the exponent
    /// of their number; 0 draws all alike (as validation does).
    pub depth_preference: f32,
    /// Least share of a training piece's sounds that come from one kit.
    pub least_loyalty: f32,
    /// Strength of all random changes, and how often grooves are moved to other
    /// drums: 0 none, 1 the training range.
    pub wildness: f32,
    /// Share of training pieces that are hardly changed: one kit, little room and bus
    /// processing, performances as they were played. Their single sounds are changed
    /// by anything between nothing and what `wildness` says, mostly little.
    pub tame_share: f32,
    /// `wildness` of tame training pieces: of their rooms, their bus and how their
    /// grooves are moved to other drums.
    pub tame_wildness: f32,
    /// Least share of a tame training piece's sounds that come from one kit.
    pub tame_loyalty: f32,
    /// How far single sounds of training pieces are made into others (gliding pitch,
    /// resonances, saturation, other decays): 0 none, 1 a lot; in tame pieces anything
    /// between nothing and this.
    pub reshaping: f32,
    /// Share of training pieces that begin amid the playing, while earlier hits ring.
    pub lead_share: f32,
    /// Share of training pieces with other instruments, hum or noise behind the drums.
    pub backdrop_share: f32,
    /// Share of training pieces whose snare and toms have gated reverberation.
    pub gate_share: f32,
    /// Share of training pieces with parallel compression: a crushed copy beside the mix.
    pub parallel_share: f32,
    /// Share of training pieces with two sections: the hand moves from hats to a ride or back,
    /// or some drums rest in one of them.
    pub sections_share: f32,
    /// How often hats and cymbals of training pieces are an acoustic kit's; above 0,
    /// those of sampled synthesisers are left out.
    pub acoustic_cymbals: f32,
    /// Share of training pieces in which pedal hats are as soft as the foot plays them, and
    /// duller than the closed hats that stand for them where a kit has none.
    pub foot_share: f32,
    /// Has no effect any more and is not written: every piece has one of the drums that a
    /// machine offers for a stroke.
    #[serde(skip_serializing, deserialize_with = "whatever")]
    pub steady_share: (),
    /// Length of a training piece in seconds.
    pub piece_s: f64,
    /// Pieces per step.
    pub batch: usize,
    /// How often each piece is used on average: the first time as rendered,
    /// later from the pool with another equalisation and level.
    pub uses: usize,
    /// Recent pieces that can be used again.
    pub pool: usize,
    /// Largest change of equalisation of reused pieces, in dB.
    pub reuse_equaliser_db: f32,
    /// How often each drum of a piece that is used again is changed on its own: other
    /// equalisation and level, now and then silence.
    pub reuse_drums_share: f32,
    /// Share of pieces cut from recordings where there are any; the others are
    /// rendered.
    pub recordings_share: f32,
    /// Take mask targets from stems beside the recordings instead of analysis
    /// by synthesis.
    pub recordings_stems: bool,
    /// Number of validation pieces.
    pub validation_pieces: usize,
    /// Length of a validation piece in seconds.
    pub validation_piece_s: f64,
}

/// Reads a setting of old that no longer means anything.
fn whatever<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer).map(drop)
}

/// What [`DataConfig::tame_wildness`] usually is.
const TAME_WILDNESS: f32 = 0.15;

impl Default for DataConfig {
    fn default() -> Self {
        DataConfig {
            procedural_kits: 256,
            procedural_share: 0.4,
            groove_share: 0.7,
            layered_share: 0.15,
            depth_preference: 0.0,
            least_loyalty: 0.3,
            wildness: 1.0,
            tame_share: 0.0,
            tame_wildness: TAME_WILDNESS,
            tame_loyalty: 0.95,
            reshaping: 0.0,
            lead_share: 0.0,
            backdrop_share: 0.0,
            gate_share: 0.0,
            parallel_share: 0.0,
            sections_share: 0.0,
            acoustic_cymbals: 0.0,
            foot_share: 0.0,
            steady_share: (),
            piece_s: 6.0,
            batch: 16,
            uses: 2,
            pool: 256,
            reuse_equaliser_db: 6.0,
            reuse_drums_share: 0.0,
            recordings_share: 0.5,
            recordings_stems: false,
            validation_pieces: 24,
            validation_piece_s: 8.0,
        }
    }
}

/// How weights move: AdamW with a global limit of the gradient's norm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimiserConfig {
    /// Highest learning rate.
    pub learning_rate: f32,
    /// Learning rate at the end relative to the highest.
    pub final_share: f32,
    /// Steps of linear warm-up.
    pub warmup_steps: u64,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Weight decay (of matrices, not of biases).
    pub weight_decay: f32,
    /// Largest norm of the gradient of all weights together.
    pub clip_norm: f32,
    /// Decay of the averaged weights, which are the ones exported.
    pub average_decay: f32,
}

impl Default for OptimiserConfig {
    fn default() -> Self {
        OptimiserConfig {
            learning_rate: 2e-3,
            final_share: 0.02,
            warmup_steps: 60,
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.01,
            clip_norm: 1.0,
            average_decay: 0.995,
        }
    }
}

/// How long training runs and what it reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleConfig {
    /// Budget in minutes of training; the learning rate follows it. 0 if
    /// `steps` counts instead.
    pub minutes: f64,
    /// Budget in steps; 0 if `minutes` counts. Written without `minutes`, those are 0.
    pub steps: u64,
    /// Minutes between validations (and pictures of the curves).
    pub validate_minutes: f64,
    /// Minutes between checkpoints.
    pub checkpoint_minutes: f64,
    /// Share of steps that train the masks of the low and of the high head;
    /// the others train the standard head's.
    pub other_head_share: f32,
    /// Threads of a step: each takes a part of the batch, whose losses are means
    /// over the part, so that the weights depend on this number.
    pub threads: usize,
    /// Batches rendered ahead (about 3 MB per second of audio), at most 1024: lets
    /// rendering use a second core in the moments when it is free.
    pub batches_ahead: usize,
    /// Threads that render, at most 1024, and as many that put batches together; the weights do not
    /// depend on this number.
    pub render_threads: usize,
    /// Ends after this many validations in a row without a better F-measure (what pauses
    /// measure besides does not count) and keeps the best state as `best.bin`, which is then the one to export; 0 never
    /// ends early.
    pub patience: usize,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        ScheduleConfig {
            minutes: 80.0,
            steps: 0,
            validate_minutes: 6.0,
            checkpoint_minutes: 3.0,
            other_head_share: 0.2,
            threads: 1,
            batches_ahead: 4,
            render_threads: 1,
            patience: 0,
        }
    }
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// A file that cannot be read, is not TOML, has unknown fields or values
    /// that make no sense.
    pub fn read(path: &Path) -> Result<Config> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        let wrong = || format!("{} is not a configuration", path.display());
        let mut config: Config = toml::from_str(&text).with_context(wrong)?;
        let written: toml::Table = toml::from_str(&text).with_context(wrong)?;
        if counts_steps_alone(&written) {
            config.schedule.minutes = 0.0;
        }
        remark_on_the_past(&written, path);
        config.check()?;
        Ok(config)
    }

    /// The configuration as TOML, all values spelled out.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_else(|error| format!("# cannot be shown: {error}\n"))
    }

    /// The [`short_name`] of this configuration's TOML.
    pub fn hash(&self) -> String {
        short_name(self.to_toml().as_bytes())
    }
}

/// Tells that settings in `written`, read from `path`, have no effect any more.
pub(crate) fn remark_on_the_past(written: &toml::Table, path: &Path) {
    if has_steady_share(written) {
        console::remark(format!(
            "{}: data.steady_share has no effect any more: a drum machine's drum is one sample in \
             every piece",
            path.display()
        ));
    }
}

fn has_steady_share(written: &toml::Table) -> bool {
    let data = written.get("data").and_then(toml::Value::as_table);
    data.is_some_and(|data| data.contains_key("steady_share"))
}

/// Whether `written` has a budget in steps and none in minutes: the usual minutes are then
/// not meant.
pub(crate) fn counts_steps_alone(written: &toml::Table) -> bool {
    let setting = |key: &str| written.get("schedule")?.get(key);
    let steps = setting("steps").and_then(toml::Value::as_integer);
    steps.is_some_and(|steps| steps > 0) && setting("minutes").is_none()
}

/// A short name for `content`: its FNV-1a, in hexadecimal.
pub fn short_name(content: &[u8]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for &byte in content {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_configuration_reads_and_survives_its_own_text() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
        let mut count = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let config = Config::read(&entry.unwrap().path()).unwrap();
            let again: Config = toml::from_str(&config.to_toml()).unwrap();
            assert_eq!(again, config);
            assert_eq!(again.hash(), config.hash());
            count += 1;
        }
        assert!(count >= 2);
    }

    #[test]
    fn settings_of_old_are_read_and_forgotten() {
        let text = "name = \"x\"\n[data]\nsteady_share = 0.4\nfoot_share = 0.5\n";
        let old: Config = toml::from_str(text).unwrap();
        assert_eq!(old.data.foot_share, 0.5);
        assert!(!old.to_toml().contains("steady_share"));
        assert!(has_steady_share(&toml::from_str(text).unwrap()));
        assert!(!has_steady_share(&toml::from_str(&old.to_toml()).unwrap()));
        // As checkpoints have it.
        let mut header = serde_json::to_value(&old).unwrap();
        header["data"]["steady_share"] = 0.4.into();
        assert_eq!(serde_json::from_value::<Config>(header).unwrap(), old);
    }

    #[test]
    fn steps_alone_are_a_budget() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        let read = |schedule: &str| {
            fs::write(&path, format!("name = \"x\"\n[schedule]\n{schedule}\n")).unwrap();
            Config::read(&path).map(|config| (config.schedule.minutes, config.schedule.steps))
        };
        assert_eq!(read("steps = 5").unwrap(), (0.0, 5));
        assert_eq!(read("minutes = 3.0").unwrap(), (3.0, 0));
        assert_eq!(read("").unwrap(), (80.0, 0));
        let both = read("steps = 5\nminutes = 3.0").unwrap_err().to_string();
        assert!(both.contains("minutes = 3 and steps = 5"), "{both}");
        assert_eq!(read("steps = 0").unwrap(), (80.0, 0));
    }

    #[test]
    fn errors_name_the_field() {
        let mut config = Config {
            name: "x".to_owned(),
            ..Config::default()
        };
        config.schedule.steps = 5;
        assert!(
            config
                .check()
                .unwrap_err()
                .to_string()
                .contains("minutes = 80")
        );
        config.schedule.minutes = 0.0;
        config.check().unwrap();
        for rate in [-1.0, f32::NAN, f32::INFINITY] {
            config.optimiser.learning_rate = rate;
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains("optimiser.learning_rate"), "{error}");
        }
        config.optimiser.learning_rate = 1e-3;
        config.data.batch = 0;
        assert!(
            config
                .check()
                .unwrap_err()
                .to_string()
                .contains("data.batch")
        );
        config.data.batch = 2;
        config.schedule.render_threads = 0;
        assert!(
            config
                .check()
                .unwrap_err()
                .to_string()
                .contains("schedule.render_threads")
        );
        config.schedule.render_threads = 1;
        config.check().unwrap();
        type Slip = fn(&mut Config);
        let slips: [(&str, Slip); 14] = [
            ("schedule.batches_ahead: expected 0 to 1024, found", |c| {
                c.schedule.batches_ahead = usize::MAX;
            }),
            ("schedule.render_threads: expected 1 to 1024", |c| {
                c.schedule.render_threads = 100_000;
            }),
            ("data.wildness: expected 0 to 1, found NaN", |c| {
                c.data.wildness = f32::NAN;
            }),
            ("data.layered_share: expected 0 to 1, found -1", |c| {
                c.data.layered_share = -1.0;
            }),
            ("data.procedural_share", |c| c.data.procedural_share = 1.5),
            ("data.groove_share", |c| c.data.groove_share = 70.0),
            ("data.recordings_share", |c| c.data.recordings_share = 2.0),
            ("data.least_loyalty", |c| c.data.least_loyalty = f32::NAN),
            ("data.piece_s: expected 1 to 600, found 6000", |c| {
                c.data.piece_s = 6000.0;
            }),
            ("data.validation_piece_s", |c| {
                c.data.validation_piece_s = f64::NAN;
            }),
            ("data.validation_pieces: expected 1 to", |c| {
                c.data.validation_pieces = 0;
            }),
            ("data.batch", |c| c.data.batch = 1_000_000),
            ("optimiser.clip_norm", |c| c.optimiser.clip_norm = 0.0),
            ("schedule.validate_minutes", |c| {
                c.schedule.validate_minutes = f64::NAN;
            }),
        ];
        for (expected, slip) in slips {
            let mut config = config.clone();
            slip(&mut config);
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let unknown = toml::from_str::<Config>("nam = \"x\"").unwrap_err();
        assert!(unknown.to_string().contains("nam"));
    }
}
