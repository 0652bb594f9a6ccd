//! What is done with samples of the user's own.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use egui::Context;
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::one_shots::OwnKitPlan;
use nice_plug::prelude::ParamSetter;

use super::controls::set;
use super::sample_browser::{SampleBrowser, SampleWish, Target};
use crate::folders::kits_folder;
use crate::link::Shared;
use crate::lock::lock;
use crate::own_samples::{OwnSamples, Placing};
use crate::params::IdmParams;

/// How hard a new sample is played for its user.
const AUDITION_VELOCITY: f32 = 0.9;

/// The list of samples, if it is open, and what outlives the window.
#[derive(Debug)]
pub struct SampleDesk {
    /// The open list.
    pub browser: Option<SampleBrowser>,
    /// The folder to begin with; none: the one that was looked at last.
    pub folder: Option<PathBuf>,
    /// Drums whose blend a sample has moved.
    blended: [bool; DRUM_COUNT],
    /// States that were loaded before.
    loads: u64,
}

/// The folder that was looked at last in any instance.
static LAST_FOLDER: Mutex<Option<PathBuf>> = Mutex::new(None);

impl Default for SampleDesk {
    fn default() -> Self {
        Self {
            browser: None,
            folder: None,
            blended: [false; DRUM_COUNT],
            loads: 0,
        }
    }
}

impl SampleDesk {
    /// Opens the list for `target`.
    pub fn open(&mut self, target: Target) {
        let folder = self.folder.clone().or_else(|| last_folder().clone());
        let folder = folder.unwrap_or_else(kits_folder);
        self.browser = Some(SampleBrowser::new(target, &folder));
    }

    /// Draws the list, if it is open, and does what the user wants there.
    pub fn show(
        &mut self,
        context: &Context,
        setter: &ParamSetter<'_>,
        params: &IdmParams,
        shared: &Shared,
    ) {
        let loads = params.format.loads();
        if std::mem::replace(&mut self.loads, loads) != loads {
            // The blends of another state are its user's own.
            self.blended = Default::default();
        }
        let Some(browser) = &mut self.browser else {
            return;
        };
        let (own, target) = (&params.own_samples, browser.target());
        let wish = browser.show(context, &own.names(), can_undo(own, target));
        if self.folder.as_deref() != Some(browser.folder()) {
            self.folder = Some(browser.folder().to_owned());
            last_folder().clone_from(&self.folder);
        }
        let changed = match wish {
            None => return,
            Some(SampleWish::Close) => {
                self.browser = None;
                return;
            }
            Some(SampleWish::Load(path, placing)) => match load(own, target, &path, placing) {
                Ok((drums, left_out)) => {
                    browser.problem = left_out;
                    if let Target::Pad(drum) = target {
                        shared.audition(drum, AUDITION_VELOCITY);
                    }
                    drums
                }
                Err(error) => {
                    browser.problem = error;
                    return;
                }
            },
            Some(SampleWish::Clear) => {
                own.clear(target.drums());
                own.last_changed()
            }
            Some(SampleWish::Undo) => {
                match target {
                    Target::Pad(drum) => own.undo(&[drum]),
                    Target::Kit => own.undo(&own.last_changed()),
                }
                own.last_changed()
            }
        };
        let names = own.names();
        for drum in changed {
            self.follow(setter, params, drum, names[drum.index()].is_some());
        }
    }

    /// A sample that nobody hears would be a riddle: a drum that is only separated plays
    /// its new one. Without one it is separated again, if nobody has moved its fader since.
    fn follow(
        &mut self,
        setter: &ParamSetter<'_>,
        params: &IdmParams,
        drum: Drum,
        has_sample: bool,
    ) {
        let blend = &params.drums[drum.index()].blend;
        let blended = &mut self.blended[drum.index()];
        if has_sample && blend.value() == 0.0 {
            set(setter, blend, 1.0);
            *blended = true;
        } else if !has_sample && std::mem::take(blended) && blend.value() == 1.0 {
            set(setter, blend, 0.0);
        }
    }
}

fn last_folder() -> MutexGuard<'static, Option<PathBuf>> {
    lock(&LAST_FOLDER)
}

/// Answers which drums have other samples now, and what was left out.
fn load(
    own: &OwnSamples,
    target: Target,
    path: &Path,
    placing: Placing,
) -> Result<(Vec<Drum>, String), String> {
    match target {
        Target::Pad(drum) => Ok((vec![drum], own.load(drum, path, placing)?)),
        Target::Kit => {
            let plan = OwnKitPlan::of(path).map_err(|error| error.to_string())?;
            own.load_kit(&plan)
        }
    }
}

fn can_undo(own: &OwnSamples, target: Target) -> bool {
    match target {
        Target::Pad(drum) => own.can_undo(drum),
        Target::Kit => own.last_changed().iter().any(|drum| own.can_undo(*drum)),
    }
}
