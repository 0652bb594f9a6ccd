//! What a run found, for people and for machines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use idm_engine::audio_file::Shortfall;
use idm_engine::controls::Quality;
use idm_engine::drum::Drum;
use serde::{Serialize, Serializer};

use crate::learn_from::KitOfAnother;
use crate::render::{Differences, Rendered, Settings};

/// Level reported where a difference is exactly zero.
const SILENCE_DBFS: f64 = -300.0;

/// What became of one input.
#[derive(Debug, Serialize)]
pub struct FileSummary {
    /// The input as given; what is no text in it is replaced.
    #[serde(serialize_with = "lossy")]
    pub input: PathBuf,
    /// Folder of the results; absent if it failed.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "maybe_lossy"
    )]
    pub output: Option<PathBuf>,
    /// Why it failed; absent if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Figures; absent if it failed.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
}

/// Writes a path; what is no text in it is replaced.
///
/// # Errors
/// Those of the serializer.
pub fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

fn maybe_lossy<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => lossy(path, serializer),
        None => serializer.serialize_none(),
    }
}

/// Figures of one file.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Sample rate of input and results.
    pub sample_rate_hz: f64,
    /// Channels of input and results.
    pub channels: usize,
    /// Length of input and results.
    pub frames: u64,
    /// The same in seconds.
    pub duration_s: f64,
    /// The engine's quality.
    pub quality: Quality,
    /// How often the file was heard.
    pub passes: u32,
    /// The engine's latency, which the results no longer have.
    pub latency_samples: usize,
    /// Accepted hits per class.
    pub hits: BTreeMap<&'static str, usize>,
    /// Accepted hits of all classes.
    pub hits_total: usize,
    /// What corrected hits had against those that were heard; absent if there were none.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub differences: Option<Differences>,
    /// Length that the input announces, where less of it could be read and it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_frames: Option<u64>,
    /// Whether the input was read to its end, as far as one can tell.
    pub is_whole: bool,
    /// Largest sample of the input; -300 for silence.
    pub peak_dbfs: f64,
    /// Samples of the input that are NaN or infinite and count as silence.
    pub not_finite: u64,
    /// Largest sample of the difference between the sum of all stems and the
    /// input; -300 where they are equal. Absent in resynthesis, whose stems
    /// do not sum to the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_test_dbfs: Option<f64>,
    /// By how much all stems were turned down to become integers, 0 or less; absent where they
    /// did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain_db: Option<f64>,
    /// Drums of the kit that was learnt; absent in other commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kit: Option<Vec<KitDrum>>,
    /// One-shots that were not worth a file, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What standard error was told about this file.
    pub warnings: Vec<String>,
    /// Time spent on this file.
    pub wall_s: f64,
    /// Duration of the file over the time spent, all passes included.
    pub times_real_time: f64,
}

/// One drum of a learnt kit.
#[derive(Debug, Serialize)]
pub struct KitDrum {
    /// The class.
    pub class: &'static str,
    /// WAV files from soft to loud.
    pub samples: Vec<String>,
    /// Hits that went into them.
    pub hits: u32,
    /// 0 to 1: how many hits, how clear and how alike.
    pub confidence: f32,
}

impl Figures {
    /// Figures of a rendering that took `wall`.
    pub fn new(rendered: &Rendered, settings: &Settings, wall: Duration) -> Figures {
        let duration_s = rendered.frames as f64 / rendered.format.sample_rate_hz;
        let wall_s = wall.as_secs_f64();
        let hits: BTreeMap<_, _> = Drum::ALL
            .into_iter()
            .map(|drum| {
                let count = rendered.onsets.iter().filter(|onset| onset.drum == drum);
                (drum.file_stem(), count.count())
            })
            .collect();
        Figures {
            sample_rate_hz: rendered.format.sample_rate_hz,
            channels: rendered.format.channels,
            frames: rendered.frames,
            duration_s,
            quality: settings.quality,
            passes: settings.passes,
            latency_samples: rendered.latency_samples,
            hits,
            hits_total: rendered.onsets.len(),
            differences: rendered.differences,
            expected_frames: match rendered.shortfall {
                Some(Shortfall::Frames { expected }) => Some(expected),
                Some(Shortfall::NoEnd | Shortfall::Unfinished) | None => None,
            },
            is_whole: rendered.shortfall.is_none(),
            peak_dbfs: dbfs(rendered.input.peak),
            not_finite: rendered.input.not_finite,
            null_test_dbfs: settings.is_separated().then(|| dbfs(rendered.null_peak)),
            gain_db: None,
            kit: None,
            left_out: Vec::new(),
            warnings: Vec::new(),
            wall_s,
            times_real_time: duration_s / wall_s.max(1e-9),
        }
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let mut line = counted(self.hits_total, "hit");
        let played: Vec<String> = Drum::ALL
            .into_iter()
            .map(|drum| (drum, self.hits[drum.file_stem()]))
            .filter(|&(_, count)| count > 0)
            .map(|(drum, count)| format!("{} {count}", drum.file_stem()))
            .collect();
        if !played.is_empty() {
            line += &format!(" ({})", played.join(", "));
        }
        if let Some(kit) = &self.kit {
            let samples: usize = kit.iter().map(|drum| drum.samples.len()).sum();
            let (samples, drums) = (counted(samples, "one-shot"), counted(kit.len(), "drum"));
            line += &format!(", {samples} of {drums}");
        }
        if !self.left_out.is_empty() {
            line += &format!(", left out: {}", self.left_out.join("; "));
        }
        if let Some(null_dbfs) = self.null_test_dbfs {
            line += &format!(", null test {null_dbfs:.1} dBFS");
        }
        line + &format!(", {:.1} x real time", self.times_real_time)
    }
}

/// What became of a whole run.
#[derive(Debug, Serialize)]
pub struct RunSummary {
    /// The subcommand.
    pub command: &'static str,
    /// Version of this program.
    pub version: &'static str,
    /// Name and version of the model.
    pub model: String,
    /// Time spent on the whole run.
    pub wall_s: f64,
    /// The recording whose kit all inputs began with; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learnt_from: Option<KitOfAnother>,
    /// How many inputs failed.
    pub failed: usize,
    /// The inputs in the order given.
    pub files: Vec<FileSummary>,
}

fn dbfs(amplitude: f32) -> f64 {
    (20.0 * f64::from(amplitude).log10()).max(SILENCE_DBFS)
}

/// A number of things.
pub fn counted(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_finite() {
        assert_eq!(dbfs(0.0), -300.0);
        assert_eq!(dbfs(1.0), 0.0);
        assert!((dbfs(1e-6) + 120.0).abs() < 1e-3);
    }
}
