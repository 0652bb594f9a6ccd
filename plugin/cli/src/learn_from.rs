//! The kit of another recording, with which all inputs begin.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use idm_engine::from_file::{KitFromFile, KitHearing, MOST_HEARD_S, kit_from_file};
use idm_engine::learner::LearntKit;
use idm_engine::model::Model;
use serde::Serialize;

use crate::args::CommonArgs;
use crate::interrupt;
use crate::progress::Progress;
use crate::summary::lossy;

/// Steps of the progress bar.
const STEPS: f32 = 1_000.0;

/// A kit and where it comes from.
#[derive(Debug, Clone, Serialize)]
pub struct KitOfAnother {
    /// The recording.
    #[serde(serialize_with = "lossy")]
    file: PathBuf,
    /// The drums that were learnt from it.
    drums: Vec<&'static str>,
    /// How much of it was heard, in seconds.
    heard_s: f64,
    /// All of them.
    #[serde(skip)]
    pub kit: LearntKit,
}

/// Learns the kit of the recording that the user names, if there is one; says which drums it
/// has.
///
/// # Errors
/// A file that cannot be read, or of which nothing can be learnt; Ctrl-C.
pub fn kit(
    args: &CommonArgs,
    model: &Arc<Model>,
    progress: &Progress,
) -> Result<Option<KitOfAnother>> {
    let Some(path) = &args.learn_from else {
        return Ok(None);
    };
    let name = format!("--learn-from {}", path.display());
    if path.is_dir() {
        bail!("{name}: expected an audio file, found a folder");
    }
    let hearing = KitHearing {
        quality: args.quality,
        controls: args.heard(),
        lessons: Vec::new(),
    };
    let bar = progress.file("--learn-from");
    bar.set_length(STEPS as u64);
    let mut go_on = |share: f32| {
        bar.set_position((STEPS * share) as u64);
        match interrupt::check() {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let learnt = kit_from_file(path, model, &hearing, &mut go_on);
    bar.finish_and_clear();
    // Whoever stopped it is told so in the words of all inputs.
    interrupt::check()?;
    let learnt = learnt.with_context(|| name.clone())?;
    let another = KitOfAnother::new(path.clone(), learnt, &name, progress);
    Ok(Some(another))
}

impl KitOfAnother {
    fn new(file: PathBuf, learnt: KitFromFile, name: &str, progress: &Progress) -> KitOfAnother {
        let drums = learnt.kit.drums.iter().map(|learnt| learnt.drum);
        let names: Vec<String> = drums.clone().map(|drum| drum.name().to_string()).collect();
        let part = if learnt.is_part {
            format!(", from the first {MOST_HEARD_S:.0} s")
        } else {
            String::new()
        };
        progress.print_error(&format!("idm: {name}: learnt {}{part}", names.join(", ")));
        KitOfAnother {
            file,
            drums: drums.map(|drum| drum.file_stem()).collect(),
            heard_s: learnt.heard_s,
            kit: learnt.kit,
        }
    }
}
