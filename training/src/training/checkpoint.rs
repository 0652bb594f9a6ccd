//! Saving and resuming a run exactly.
//!
//! A checkpoint is one file: the length of a JSON header, the header, then
//! weights, moments and averages as 32-bit floats.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::{Optimiser, Sources};
use crate::{
    config::Config,
    files::write_file,
    network::{NamedTensor, Weights, initial_weights},
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

    /// Reads the file at `path`, which holds the transcriber as it is now.
    ///
    /// # Errors
    /// As [`Checkpoint::load`], or a smaller or another network.
    pub fn load_transcriber(path: &Path) -> Result<Checkpoint> {
        let checkpoint = Checkpoint::load(path)?;
        checkpoint
            .weights
            .ensure_like(&initial_weights(0), "transcriber")
            .with_context(|| {
                format!(
                    "{} is not of this version's network; train --warm-start begins with what fits of it",
                    path.display()
                )
            })?;
        Ok(checkpoint)
    }

    /// Reads the file at `path`, whatever network it holds.
    ///
    /// # Errors
    /// A file that cannot be read, is no checkpoint of this version or holds what is no
    /// number: every step would leave that as it is.
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
        let size = |shape: &[usize]| {
            let sides = shape.iter();
            sides.fold(1, |size: usize, side| size.saturating_mul(*side))
        };
        let sizes = header.tensors.iter().map(|(_, shape)| size(shape));
        let count = sizes.fold(0, usize::saturating_add).saturating_mul(4);
        ensure!(
            rest.len() == count,
            "expected {count} numbers, found {}",
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
        for tensor in [&weights, &first, &second, &average]
            .into_iter()
            .flat_map(Weights::tensors)
        {
            if let Some(odd) = tensor.values.iter().find(|value| !value.is_finite()) {
                bail!("{}: expected numbers, found {odd}", tensor.name);
            }
        }
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

    fn some(weights: Weights) -> Checkpoint {
        Checkpoint {
            config: Config {
                name: "test".into(),
                ..Config::default()
            },
            progress: Progress {
                step: 17,
                elapsed_s: 3.5,
                history: vec![Record::default()],
            },
            optimiser: Optimiser::new(&weights),
            weights,
            sources: Some(Sources::given(Some(Path::new("/data")), &[])),
        }
    }

    #[test]
    fn comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.bin");
        let mut checkpoint = some(initial_weights(5));
        checkpoint.optimiser.steps = 17;
        checkpoint.optimiser.second.tensors_mut()[3].values[2] = 0.25;
        checkpoint.save(&path).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap(), checkpoint);
        assert_eq!(Checkpoint::load_transcriber(&path).unwrap(), checkpoint);
    }

    #[test]
    fn another_network_and_what_is_no_number_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.bin");
        let refused = |weights: Vec<NamedTensor>| {
            some(Weights::new(weights)).save(&path).unwrap();
            format!("{:#}", Checkpoint::load_transcriber(&path).unwrap_err())
        };
        let good = initial_weights(5).tensors().to_vec();
        let mut odd = good.clone();
        odd.pop();
        let expected = format!(
            "{} tensors of a transcriber, found {}",
            good.len(),
            odd.len()
        );
        let error = refused(odd);
        assert!(error.contains("checkpoint.bin is not of this version's network"));
        assert!(error.contains(&expected), "{error}");
        let mut odd = good.clone();
        odd[0].shape.reverse();
        let error = refused(odd);
        assert!(
            error.contains("expected conv1.weight [24, 1, 3, 5]")
                && error.contains("found conv1.weight [5, 3, 1, 24]"),
            "{error}"
        );
        let mut odd = good;
        odd[1].values[0] = f32::NAN;
        let error = refused(odd);
        assert!(
            error.contains("is damaged") && error.contains("conv1.bias: expected numbers"),
            "{error}"
        );
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
