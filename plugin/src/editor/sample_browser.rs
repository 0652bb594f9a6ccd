//! Choosing a sample of one's own for a pad.
//!
//! A list of our own and not the system's dialog: that would need a window of the
//! host's toolkit, which plugins cannot rely on.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use egui::{Align, Align2, Button, Context, Label, Layout, RichText, ScrollArea, Ui, Window};
use idm_engine::drum::Drum;
use idm_engine::one_shots::is_audio_file;

use super::theme;
use crate::kit_state::home_folder;
use crate::own_samples::Placing;

/// Most entries of a folder that are listed.
const MOST_ENTRIES: usize = 4_000;
const SIZE: [f32; 2] = [440.0, 340.0];

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    is_file: bool,
    /// What is shown.
    title: String,
    /// Which need not be text.
    name: OsString,
}

impl Entry {
    /// Draws a row; true if it is clicked.
    fn show(&self, ui: &mut Ui, drum: Drum) -> bool {
        let text = if self.is_file {
            RichText::new(&self.title).color(theme::TEXT)
        } else {
            let slash = if self.title.ends_with('\\') { "" } else { "/" };
            RichText::new(format!("{}{slash}", self.title)).color(theme::accent(drum))
        };
        let row = Button::new(text).frame_when_inactive(false).truncate();
        ui.add(row).clicked()
    }
}

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SampleWish {
    /// This file, or the files of this folder, on the pad.
    Load(PathBuf, Placing),
    /// The kit's one-shot again.
    Clear,
    /// What was on the pad before.
    Undo,
    /// Nothing more.
    Close,
}

/// The open list.
#[derive(Debug)]
pub struct SampleBrowser {
    drum: Drum,
    folder: PathBuf,
    entries: Vec<Entry>,
    /// What was wrong with the last file or folder.
    pub problem: String,
}

impl SampleBrowser {
    /// The list for `drum`, of `folder` or the nearest folder above that exists.
    pub fn new(drum: Drum, folder: &Path) -> Self {
        let existing = folder.ancestors().find(|folder| folder.is_dir());
        let mut browser = Self {
            drum,
            folder: PathBuf::new(),
            entries: Vec::new(),
            problem: String::new(),
        };
        browser.go(existing.unwrap_or(Path::new("/")).to_owned());
        browser
    }

    /// The drum whose pad it is for.
    pub fn drum(&self) -> Drum {
        self.drum
    }

    /// The folder that is listed.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn go(&mut self, folder: PathBuf) {
        match list(&folder) {
            Ok(mut entries) => {
                self.folder = folder;
                self.problem.clear();
                if entries.len() > MOST_ENTRIES {
                    self.problem = format!("The first {MOST_ENTRIES} of {}", entries.len());
                    entries.truncate(MOST_ENTRIES);
                }
                self.entries = entries;
            }
            Err(error) => self.problem = format!("{}: {error}", folder.display()),
        }
    }

    /// Draws the list; `current` is the sample on the pad, which may have had another before.
    pub fn show(
        &mut self,
        context: &Context,
        current: Option<&str>,
        can_undo: bool,
    ) -> Option<SampleWish> {
        let mut wish = None;
        let mut next = None;
        let mut is_open = true;
        Window::new(format!("Sample for the {} pad", self.drum.name()))
            .open(&mut is_open)
            .collapsible(false)
            .resizable(false)
            .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
            .fixed_size(SIZE)
            .show(context, |ui| {
                ui.horizontal(|ui| {
                    if ui.button("Up").clicked() {
                        next = self.folder.parent().map(Path::to_owned);
                    }
                    if ui.button("Home").clicked() {
                        next = Some(home_folder());
                    }
                    let files = self.entries.iter().filter(|entry| entry.is_file).count();
                    if files > 1
                        && ui
                            .button(format!("All {files}"))
                            .on_hover_text(
                                "Puts all files of this folder on the pad: the harder a hit, \
                                 the louder the sample; samples alike in level take turns.",
                            )
                            .clicked()
                    {
                        wish = Some(SampleWish::Load(self.folder.clone(), Placing::Replace));
                    }
                    if let Some(name) = current
                        && ui
                            .button("Back to the kit")
                            .on_hover_text(format!("Takes {name} off the pad."))
                            .clicked()
                    {
                        wish = Some(SampleWish::Clear);
                    }
                    if can_undo
                        && ui
                            .button("Undo")
                            .on_hover_text("Brings back what was on the pad before.")
                            .clicked()
                    {
                        wish = Some(SampleWish::Undo);
                    }
                    let path = self.folder.display().to_string();
                    ui.add(Label::new(RichText::new(&path).color(theme::DIM)).truncate())
                        .on_hover_text(path);
                });
                ui.separator();
                let height = ui.text_style_height(&egui::TextStyle::Body);
                ScrollArea::vertical()
                    .auto_shrink([false, false])
                    .max_height(SIZE[1] - 90.0)
                    .id_salt(&self.folder)
                    .show_rows(ui, height, self.entries.len(), |ui, rows| {
                        let across = Layout::top_down_justified(Align::LEFT);
                        ui.with_layout(across, |ui| {
                            for entry in &self.entries[rows] {
                                if entry.show(ui, self.drum) {
                                    let path = self.folder.join(&entry.name);
                                    if entry.is_file {
                                        let adds = ui.input(|input| input.modifiers.command);
                                        let placing = if adds {
                                            Placing::Add
                                        } else {
                                            Placing::Replace
                                        };
                                        wish = Some(SampleWish::Load(path, placing));
                                    } else {
                                        next = Some(path);
                                    }
                                }
                            }
                        });
                    });
                if self.entries.is_empty() {
                    let text = "No folder and no audio file (WAV, AIFF, FLAC, MP3, Ogg) here.";
                    ui.colored_label(theme::DIM, text);
                }
                if self.problem.is_empty() {
                    let text = format!(
                        "A click puts a file on the pad and plays it; with {} it joins those there.",
                        if cfg!(target_os = "macos") { "⌘" } else { "Ctrl" }
                    );
                    ui.colored_label(theme::DIM, text);
                } else {
                    ui.add(Label::new(
                        RichText::new(&self.problem).color(theme::WARNING),
                    ));
                }
            });
        if let Some(folder) = next {
            self.go(folder);
        }
        if !is_open || context.input(|input| input.key_pressed(egui::Key::Escape)) {
            return Some(SampleWish::Close);
        }
        wish
    }
}

/// Folders, then audio files, by name; hidden ones are left out. The root of a
/// drive lists the drives as well.
fn list(folder: &Path) -> std::io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    #[cfg(windows)]
    if folder.parent().is_none() {
        let drive = |name: String| Entry {
            is_file: false,
            title: name.clone(),
            name: name.into(),
        };
        entries.extend(crate::shim::windows::drives().into_iter().map(drive));
    }
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let title = name.to_string_lossy().into_owned();
        let path = entry.path();
        let is_file = !path.is_dir();
        if !title.starts_with('.') && (!is_file || is_audio_file(&path)) {
            entries.push(Entry {
                is_file,
                title,
                name,
            });
        }
    }
    entries.sort_by_cached_key(|entry| (entry.is_file, entry.title.to_lowercase()));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_first_and_only_audio_is_listed() {
        let folder = std::env::temp_dir().join(format!("idm-browser-{}", std::process::id()));
        fs::create_dir_all(folder.join("kicks")).unwrap();
        fs::create_dir_all(folder.join(".hidden")).unwrap();
        for name in ["b.WAV", "A.flac", "notes.txt"] {
            fs::write(folder.join(name), b"").unwrap();
        }
        let mut browser = SampleBrowser::new(Drum::Kick, &folder.join("not/there"));
        assert_eq!(browser.folder(), folder);
        let names: Vec<&str> = browser.entries.iter().map(|e| e.title.as_str()).collect();
        assert_eq!(names, ["kicks", "A.flac", "b.WAV"]);
        // A folder that cannot be listed leaves the list as it is.
        browser.go(folder.join("notes.txt"));
        assert_eq!(browser.folder(), folder);
        assert!(browser.problem.contains("notes.txt"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    #[cfg(windows)]
    fn one_drive_leads_to_another() {
        let root = Path::new("C:\\");
        let browser = SampleBrowser::new(Drum::Kick, root);
        let drive = browser.entries.iter().find(|entry| entry.title == "C:\\");
        assert_eq!(root.join(&drive.unwrap().name), root);
    }
}
