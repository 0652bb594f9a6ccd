//! Choosing a sample of one's own for a pad, or a folder of them for all.
//!
//! A list of our own and not the system's dialog: that would need a window of the
//! host's toolkit, which plugins cannot rely on.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use egui::{Align, Align2, Button, Context, Label, Layout, RichText, ScrollArea, Ui, Window};
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::one_shots::{OwnKitPlan, is_audio_file, own_drum};

use super::theme;
use crate::folders::home_folder;
use crate::own_samples::Placing;

/// Most entries of a folder that are listed.
const MOST_ENTRIES: usize = 4_000;
const SIZE: [f32; 2] = [440.0, 340.0];

/// What samples are chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The pad of a drum.
    Pad(Drum),
    /// The pads of all drums that a folder has samples of.
    Kit,
}

impl Target {
    /// The drums whose samples may change.
    pub fn drums(&self) -> &[Drum] {
        match self {
            Target::Pad(drum) => std::slice::from_ref(drum),
            Target::Kit => &Drum::ALL,
        }
    }

    fn title(self) -> String {
        match self {
            Target::Pad(drum) => format!("Sample for the {} pad", drum.name()),
            Target::Kit => "Kit of samples for all pads".to_owned(),
        }
    }
}

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
    fn show(&self, ui: &mut Ui, target: Target) -> bool {
        let slash = if self.is_file || self.title.ends_with('\\') {
            ""
        } else {
            "/"
        };
        let title = format!("{}{slash}", self.title);
        let text = match (target, self.drum()) {
            (Target::Pad(_), _) if self.is_file => RichText::new(title).color(theme::TEXT),
            (Target::Pad(drum), _) => RichText::new(title).color(theme::accent(drum)),
            (Target::Kit, Some(drum)) => {
                RichText::new(format!("{title}  ·  {}", drum.name())).color(theme::accent(drum))
            }
            (Target::Kit, None) if self.is_file => RichText::new(title).color(theme::DIM),
            (Target::Kit, None) => RichText::new(title).color(theme::TEXT),
        };
        let row = Button::new(text).frame_when_inactive(false).truncate();
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

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SampleWish {
    /// This file, or the files of this folder, on the pad or pads.
    Load(PathBuf, Placing),
    /// The learnt one-shots again.
    Clear,
    /// What was there before.
    Undo,
    /// Nothing more.
    Close,
}

/// The open list.
#[derive(Debug)]
pub struct SampleBrowser {
    target: Target,
    folder: PathBuf,
    entries: Vec<Entry>,
    /// Of how many drums the folder has samples, if all are wanted.
    kit_drums: usize,
    /// What was wrong with the last file or folder.
    pub problem: String,
}

impl SampleBrowser {
    /// The list for `target`, of `folder` or the nearest folder above that exists.
    pub fn new(target: Target, folder: &Path) -> Self {
        let existing = folder.ancestors().find(|folder| folder.is_dir());
        let mut browser = Self {
            target,
            folder: PathBuf::new(),
            entries: Vec::new(),
            kit_drums: 0,
            problem: String::new(),
        };
        browser.go(existing.unwrap_or(Path::new("/")).to_owned());
        browser
    }

    /// What it is for.
    pub fn target(&self) -> Target {
        self.target
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
                let plan = (self.target == Target::Kit).then(|| OwnKitPlan::of(&self.folder));
                let plan = plan.and_then(Result::ok).unwrap_or_default();
                self.kit_drums = plan.drums().count();
            }
            Err(error) => self.problem = format!("{}: {error}", folder.display()),
        }
    }

    /// Draws the list; `names` says what is on each pad, which may have had something else
    /// before.
    pub fn show(
        &mut self,
        context: &Context,
        names: &[Option<String>; DRUM_COUNT],
        can_undo: bool,
    ) -> Option<SampleWish> {
        let mut wish = None;
        let mut next = None;
        let mut is_open = true;
        Window::new(self.target.title())
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
                    wish = self.buttons(ui, names, can_undo);
                    let path = self.folder.display().to_string();
                    ui.add(Label::new(RichText::new(&path).color(theme::DIM)).truncate())
                        .on_hover_text(path);
                });
                ui.separator();
                if let Some(entry) = self.rows(ui) {
                    let path = self.folder.join(&entry.name);
                    let adds = ui.input(|input| input.modifiers.command);
                    match (self.target, entry.is_file) {
                        (_, false) => next = Some(path),
                        (Target::Pad(_), true) if adds => {
                            wish = Some(SampleWish::Load(path, Placing::Add));
                        }
                        (Target::Pad(_), true) => {
                            wish = Some(SampleWish::Load(path, Placing::Replace));
                        }
                        (Target::Kit, true) => {}
                    }
                }
                if self.problem.is_empty() {
                    ui.colored_label(theme::DIM, self.help());
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

impl SampleBrowser {
    /// What can be done with the folder as a whole and with what is on the pads.
    fn buttons(
        &self,
        ui: &mut Ui,
        names: &[Option<String>; DRUM_COUNT],
        can_undo: bool,
    ) -> Option<SampleWish> {
        let mut wish = None;
        let all = match self.target {
            Target::Pad(_) => {
                let files = self.entries.iter().filter(|entry| entry.is_file).count();
                let hint = "Puts all files of this folder on the pad: the harder a hit, the \
                            louder the sample; samples alike in level take turns.";
                (files > 1).then(|| (format!("All {files}"), hint))
            }
            Target::Kit => {
                let count = self.kit_drums;
                let plural = if count == 1 { "" } else { "s" };
                let hint = "Puts the files that are named after drums, and those in folders \
                            that are, on the pads of these drums; other pads stay as they are.";
                (count > 0).then(|| (format!("Load {count} drum{plural}"), hint))
            }
        };
        if let Some((label, hint)) = all
            && ui.button(label).on_hover_text(hint).clicked()
        {
            wish = Some(SampleWish::Load(self.folder.clone(), Placing::Replace));
        }
        let mut present = self
            .target
            .drums()
            .iter()
            .filter_map(|drum| names[drum.index()].as_deref());
        if let Some(name) = present.next() {
            let hint = match self.target {
                Target::Pad(_) => format!("Takes {name} off the pad."),
                Target::Kit => "Takes the samples off all pads.".to_owned(),
            };
            if ui.button("Back to the kit").on_hover_text(hint).clicked() {
                wish = Some(SampleWish::Clear);
            }
        }
        let hint = match self.target {
            Target::Pad(_) => "Brings back what was on the pad before.",
            Target::Kit => "Takes the last change of samples back.",
        };
        if can_undo && ui.button("Undo").on_hover_text(hint).clicked() {
            wish = Some(SampleWish::Undo);
        }
        wish
    }

    /// The folders and files; answers which is clicked.
    fn rows(&self, ui: &mut Ui) -> Option<&Entry> {
        let mut clicked = None;
        let spacing = ui.spacing();
        let least = ui.text_style_height(&egui::TextStyle::Button) + 2.0 * spacing.button_padding.y;
        let height = spacing.interact_size.y.max(least);
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .max_height(SIZE[1] - 90.0)
            .id_salt(&self.folder)
            .show_rows(ui, height, self.entries.len(), |ui, rows| {
                let across = Layout::top_down_justified(Align::LEFT);
                ui.with_layout(across, |ui| {
                    for entry in &self.entries[rows] {
                        if entry.show(ui, self.target) {
                            clicked = Some(entry);
                        }
                    }
                });
            });
        if self.entries.is_empty() {
            let text = "No folder and no audio file (WAV, AIFF, FLAC, MP3, Ogg) here.";
            ui.colored_label(theme::DIM, text);
        }
        clicked
    }

    fn help(&self) -> String {
        match self.target {
            Target::Pad(_) => format!(
                "A click puts a file on the pad and plays it; with {} it joins those there.",
                if cfg!(target_os = "macos") {
                    "⌘"
                } else {
                    "Ctrl"
                }
            ),
            Target::Kit if self.kit_drums == 0 => {
                "Go to a folder whose files are named after drums (kick, HH open, Tom 1); saved \
                 kits are in Music/Inverse Drum Machine."
                    .to_owned()
            }
            Target::Kit => "Coloured files and folders are named after a drum.".to_owned(),
        }
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
        let mut browser = SampleBrowser::new(Target::Pad(Drum::Kick), &folder.join("not/there"));
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
        let browser = SampleBrowser::new(Target::Pad(Drum::Kick), root);
        let drive = browser.entries.iter().find(|entry| entry.title == "C:\\");
        assert_eq!(root.join(&drive.unwrap().name), root);
    }
}
