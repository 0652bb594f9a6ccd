//! What is done with samples of the user's own.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use egui::Context;
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::one_shots::OwnKitPlan;
use nice_plug::prelude::ParamSetter;

use super::controls::set;
use super::drag_drop::{Meaning, Place};
use super::notice::Notice;
use super::sample_browser::{SampleBrowser, SampleWish, Target};
use crate::folders::kits_folder;
use crate::link::Shared;
use crate::lock::lock;
use crate::model_choice::ModelChoice;
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

/// What the user wants that concerns no samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskWish {
    /// The kit is to be learnt from this file.
    Learn(PathBuf),
    /// The stems of this file are to be written.
    Stems(PathBuf),
    /// The kit from before that was learnt.
    Undo,
    /// The drum model in this folder.
    Model(PathBuf),
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

    /// Opens the list of drum models, where that of the project is.
    pub fn open_models(&mut self, model: &ModelChoice) {
        self.open(Target::Model);
        if let (Some(folder), Some(browser)) = (model.folder(), &mut self.browser)
            && let Some(parent) = folder.parent().filter(|parent| parent.is_dir())
        {
            browser.go(parent.to_owned());
        }
    }

    /// Draws the list, if it is open, and does what the user wants there; answers what
    /// concerns no samples.
    pub fn show(
        &mut self,
        context: &Context,
        setter: &ParamSetter<'_>,
        params: &IdmParams,
        shared: &Shared,
    ) -> Option<DeskWish> {
        let loads = params.format.loads();
        if std::mem::replace(&mut self.loads, loads) != loads {
            // The blends of another state are its user's own.
            self.blended = Default::default();
        }
        let browser = self.browser.as_mut()?;
        let (own, target) = (&params.own_samples, browser.target());
        let wish = browser.show(context, &own.names(), steps(params, target));
        // Models are elsewhere than samples.
        if target != Target::Model && self.folder.as_deref() != Some(browser.folder()) {
            self.folder = Some(browser.folder().to_owned());
            last_folder().clone_from(&self.folder);
        }
        let changed = match wish {
            None => return None,
            Some(SampleWish::Close) => {
                self.browser = None;
                return None;
            }
            Some(SampleWish::Learn(path)) => return Some(DeskWish::Learn(path)),
            Some(SampleWish::Stems(path)) => return Some(DeskWish::Stems(path)),
            Some(SampleWish::Model(folder)) => return Some(DeskWish::Model(folder)),
            Some(SampleWish::Load(paths, placing)) => {
                let loaded = self.load(target, &paths, placing, setter, params, shared);
                if let Some(browser) = &mut self.browser {
                    browser.problem = loaded.map_or_else(|error| error, |(_, left_out)| left_out);
                }
                return None;
            }
            Some(SampleWish::Clear) => {
                own.clear(target.drums());
                own.last_changed()
            }
            Some(SampleWish::Undo) => {
                match target {
                    Target::Pad(drum) => own.undo(&[drum]),
                    Target::Kit => own.undo(&own.next_undo()),
                    Target::Recording => return Some(DeskWish::Undo),
                    Target::Stems | Target::Model => return None,
                }
                own.last_changed()
            }
            Some(SampleWish::Redo) => {
                match target {
                    Target::Pad(drum) => own.redo(&[drum]),
                    Target::Kit => own.redo(&own.next_redo()),
                    Target::Recording | Target::Stems | Target::Model => return None,
                }
                own.last_changed()
            }
        };
        self.follow_all(setter, params, &changed);
        None
    }

    /// Puts files on a pad, or a kit on all; answers which drums have other samples now, and
    /// what was left out.
    fn load(
        &mut self,
        target: Target,
        paths: &[PathBuf],
        placing: Placing,
        setter: &ParamSetter<'_>,
        params: &IdmParams,
        shared: &Shared,
    ) -> Result<(Vec<Drum>, String), String> {
        let (drums, left_out) = load(&params.own_samples, target, paths, placing)?;
        if let Target::Pad(drum) = target {
            shared.audition(drum, AUDITION_VELOCITY);
        }
        self.follow_all(setter, params, &drums);
        Ok((drums, left_out))
    }

    /// Does what it means that something was dropped on the window; answers what became of
    /// it, if the list does not show that.
    pub fn take_dropped(
        &mut self,
        place: Place,
        meaning: Meaning,
        setter: &ParamSetter<'_>,
        params: &IdmParams,
        shared: &Shared,
    ) -> Option<Notice> {
        let (target, paths) = match meaning {
            Meaning::Nothing(why) => return Some(Notice::failed(why)),
            Meaning::Show(folder) => {
                self.browser.as_mut()?.go(folder);
                return None;
            }
            Meaning::Samples(drum, paths) => (Target::Pad(drum), paths),
            Meaning::Kit(folder) => (Target::Kit, vec![folder]),
            // Not a matter of samples.
            Meaning::Learn(_) | Meaning::Stems(_) | Meaning::Model(_) => return None,
        };
        let loaded = self.load(target, &paths, Placing::Replace, setter, params, shared);
        if let (Some(browser), Ok(_), [file]) = (&mut self.browser, &loaded, &paths[..])
            && matches!(place, Place::List(_))
        {
            browser.show_file(file);
        }
        Some(match loaded {
            Ok((drums, left_out)) => {
                let what = in_words(target, &drums, &params.own_samples);
                Notice::done(
                    [what, left_out]
                        .join(". ")
                        .trim_end_matches(". ")
                        .to_owned(),
                )
            }
            Err(error) => Notice::failed(error),
        })
    }

    fn follow_all(&mut self, setter: &ParamSetter<'_>, params: &IdmParams, drums: &[Drum]) {
        let names = params.own_samples.names();
        for drum in drums {
            self.follow(setter, params, *drum, names[drum.index()].is_some());
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
    paths: &[PathBuf],
    placing: Placing,
) -> Result<(Vec<Drum>, String), String> {
    match target {
        Target::Pad(drum) => Ok((vec![drum], own.load_all(drum, paths, placing)?)),
        Target::Kit => {
            let folder = paths.first().map_or(Path::new(""), PathBuf::as_path);
            let plan = OwnKitPlan::of(folder).map_err(|error| error.to_string())?;
            own.load_kit(&plan)
        }
        Target::Recording | Target::Stems => Err("A recording is no sample".to_owned()),
        Target::Model => Err("A model is no sample".to_owned()),
    }
}

/// What pads play now.
fn in_words(target: Target, drums: &[Drum], own: &OwnSamples) -> String {
    let names = own.names();
    match (target, drums) {
        (Target::Pad(drum), _) | (Target::Kit, &[drum]) => {
            let name = names[drum.index()].as_deref().unwrap_or_default();
            format!("The {} pad plays {name}", drum.name().to_lowercase())
        }
        (Target::Kit | Target::Recording | Target::Stems | Target::Model, drums) => {
            let name = drums
                .first()
                .and_then(|drum| names[drum.index()].as_deref());
            let (count, name) = (drums.len(), name.unwrap_or_default());
            format!("{count} pads play samples of {name}")
        }
    }
}

/// Whether there is a step back, and one on.
fn steps(params: &IdmParams, target: Target) -> [bool; 2] {
    let own = &params.own_samples;
    match target {
        Target::Recording => [params.kit.can_undo(), false],
        Target::Stems | Target::Model => [false; 2],
        Target::Pad(drum) => [own.can_undo(drum), own.can_redo(drum)],
        Target::Kit => [!own.next_undo().is_empty(), !own.next_redo().is_empty()],
    }
}
