//! The folders and files of a folder.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use egui::{Button, RichText, Ui};
use idm_engine::audio_file::is_called_audio;
use idm_engine::drum::Drum;
use idm_engine::model::is_model_folder;
use idm_engine::one_shots::own_drum;

use super::super::theme;
use super::Target;

/// A folder or a file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// Whether it is a file.
    pub is_file: bool,
    /// What is shown.
    pub title: String,
    /// Which need not be text.
    pub name: OsString,
    /// Whether it is the folder of a drum model, if one is wanted.
    pub is_model: bool,
}

impl Entry {
    /// Draws a row; true if it is clicked.
    pub fn show(&self, ui: &mut Ui, target: Target, is_on_pad: bool) -> bool {
        let slash = if self.is_file || self.title.ends_with('\\') {
            ""
        } else {
            "/"
        };
        let title = format!("{}{slash}", self.title);
        let text = match (target, self.drum()) {
            (Target::Pad(_), _) if self.is_file => RichText::new(title).color(theme::TEXT),
            (Target::Recording | Target::Stems, _) if self.is_file => {
                RichText::new(title).color(theme::TEXT)
            }
            (Target::Recording | Target::Stems, _) => RichText::new(title).color(theme::BRAND),
            (Target::Pad(drum), _) => RichText::new(title).color(theme::accent(drum)),
            (Target::Model, _) if self.is_model => {
                RichText::new(format!("{title}  ·  model")).color(theme::BRAND)
            }
            (Target::Model, _) => RichText::new(title).color(theme::TEXT),
            (Target::Kit, Some(drum)) => {
                RichText::new(format!("{title}  ·  {}", drum.name())).color(theme::accent(drum))
            }
            (Target::Kit, None) if self.is_file => RichText::new(title).color(theme::DIM),
            (Target::Kit, None) => RichText::new(title).color(theme::TEXT),
        };
        let row = Button::new(text)
            .selected(is_on_pad)
            .frame_when_inactive(is_on_pad)
            .truncate();
        ui.add(row).clicked()
    }

    /// The drum after which it is named.
    fn drum(&self) -> Option<Drum> {
        if self.is_file {
            let stem = Path::new(&self.name).file_stem().unwrap_or_default();
            own_drum(&stem.to_string_lossy())
        } else {
            own_drum(&self.title)
        }
    }
}

/// Folders, then audio files where such are of use for `target`, by name; hidden ones are left
/// out. The root of a drive lists the drives as well.
pub(super) fn list(folder: &Path, target: Target) -> std::io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    #[cfg(windows)]
    if folder.parent().is_none() {
        let drive = |name: String| Entry {
            is_file: false,
            title: name.clone(),
            name: name.into(),
            is_model: false,
        };
        entries.extend(crate::shim::windows::drives().into_iter().map(drive));
    }
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let title = name.to_string_lossy().into_owned();
        let path = entry.path();
        let is_file = !path.is_dir();
        let is_wanted = !is_file || (target != Target::Model && is_called_audio(&path));
        if !title.starts_with('.') && is_wanted {
            entries.push(Entry {
                is_file,
                title,
                name,
                is_model: target == Target::Model && is_model_folder(&path),
            });
        }
    }
    entries.sort_by_cached_key(|entry| (entry.is_file, entry.title.to_lowercase()));
    Ok(entries)
}
