//! Saving and resuming a run exactly.
//!
//! A checkpoint is one file: the length of a JSON header, the header, then
//! weights, moments and averages as 32-bit floats.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::Optimiser;
use crate::{
    config::Config,
    export::{Sources, write_file},
    network::{NamedTensor, Weights},
};

/// Marks the file and its version.
const MAGIC: &[u8; 8] = b"IDMCKPT1";

/// A line of the history.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
pub struct Record {
    /// Steps done.
    pub step: u64,
    /// Minutes of training.
    pub minutes: f64,
    /// Mean loss since the last record.
    pub loss: f64,
    /// Mean mask error of sounding stems since the last record, in dB.
    pub distortion_db: f64,
    /// Onset F-measure on validation pieces, five groups, 50 ms, if measured.
    pub validation_f: Option<f64>,
}

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Seconds of training so far, over all sessions.
    pub elapsed_s: f64,
    /// What was measured on the way.
    pub history: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    config: Config,
    progress: Progress,
    optimiser_steps: u64,
    #[serde(default)]
    sources: Option<Sources>,
    tensors: Vec<(String, Vec<usize>)>,
}

/// The complete state of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Settings.
    pub config: Config,
    /// Position.
    pub progress: Progress,
    /// Trained weights.
    pub weights: Weights,
    /// Moments and averaged weights.
    pub optimiser: Optimiser,
    /// What the weights learnt from; older files do not tell.
    pub sources: Option<Sources>,
}

impl Checkpoint {
    /// Writes the file at `path`; a crash leaves the previous one.
    ///
    /// # Errors
    /// Failing file operations.
    pub fn save(&self, path: &Path) -> Result<()> {
        let header = Header {
            config: self.config.clone(),
            progress: self.progress.clone(),
            optimiser_steps: self.optimiser.steps,
            sources: self.sources.clone(),
            tensors: self
                .weights
                .tensors()
                .iter()
                .map(|tensor| (tensor.name.clone(), tensor.shape.clone()))
                .collect(),
        };
        let header = serde_json::to_vec(&header).context("cannot describe the checkpoint")?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header);
        let Optimiser {
            first,
            second,
            average,
            ..
        } = &self.optimiser;
        for set in [&self.weights, first, second, average] {
            for tensor in set.tensors() {
                bytes.extend(tensor.values.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
        write_file(path, &bytes)
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// A file that cannot be read or is no checkpoint of this version.
    pub fn load(path: &Path) -> Result<Checkpoint> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Checkpoint::parse(&bytes).with_context(|| format!("{} is damaged", path.display()))
    }

    fn parse(bytes: &[u8]) -> Result<Checkpoint> {
        ensure!(
            bytes.len() >= 16 && &bytes[..8] == MAGIC,
            "expected a checkpoint that begins with {}, found another file",
            String::from_utf8_lossy(MAGIC)
        );
        let mut length = [0; 8];
        length.copy_from_slice(&bytes[8..16]);
        let end = usize::try_from(u64::from_le_bytes(length))
            .ok()
            .and_then(|length| length.checked_add(16))
            .filter(|&end| end <= bytes.len())
            .context("the header is longer than the file")?;
        let header: Header = serde_json::from_slice(&bytes[16..end]).context("bad header")?;
        let mut rest = bytes[end..].chunks_exact(4).map(|chunk| {
            let mut value = [0; 4];
            value.copy_from_slice(chunk);
            f32::from_le_bytes(value)
        });
        let count: usize = header
            .tensors
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        ensure!(
            rest.len() == 4 * count,
            "expected {} numbers, found {}",
            4 * count,
            rest.len()
        );
        let mut set = || {
            let tensors = header.tensors.iter().map(|(name, shape)| NamedTensor {
                name: name.clone(),
                shape: shape.clone(),
                values: rest.by_ref().take(shape.iter().product()).collect(),
            });
            Weights::new(tensors.collect())
        };
        let (weights, first, second, average) = (set(), set(), set(), set());
        Ok(Checkpoint {
            config: header.config,
            progress: header.progress,
            weights,
            optimiser: Optimiser {
                steps: header.optimiser_steps,
                first,
                second,
                average,
            },
            sources: header.sources,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::initial_weights;

    #[test]
    fn comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.bin");
        let weights = initial_weights(5);
        let mut optimiser = Optimiser::new(&weights);
        optimiser.steps = 17;
        optimiser.second.tensors_mut()[3].values[2] = 0.25;
        let checkpoint = Checkpoint {
            config: Config {
                name: "test".into(),
                ..Config::default()
            },
            progress: Progress {
                step: 17,
                elapsed_s: 3.5,
                history: vec![Record::default()],
            },
            weights,
            optimiser,
            sources: Some(Sources::given(Some(Path::new("/data")), &[])),
        };
        checkpoint.save(&path).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap(), checkpoint);
    }

    #[test]
    fn older_headers_do_not_tell_the_sources() {
        let text = serde_json::json!({
            "config": Config::default(),
            "progress": Progress::default(),
            "optimiser_steps": 3,
            "tensors": [],
        });
        let header: Header = serde_json::from_value(text).unwrap();
        assert_eq!((header.optimiser_steps, header.sources), (3, None));
    }

    #[test]
    fn damage_is_refused_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.bin");
        for damaged in [
            &b"short"[..],
            b"IDMCKPT1\xff\xff\xff\xff\xff\xff\xff\xff{}",
            b"IDMCKPT1\x02\0\0\0\0\0\0\0{}",
        ] {
            fs::write(&path, damaged).unwrap();
            let error = Checkpoint::load(&path).unwrap_err();
            assert!(
                error.to_string().contains("checkpoint.bin is damaged"),
                "{error}"
            );
        }
    }
}
