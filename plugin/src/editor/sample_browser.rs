//! Choosing a sample of one's own for a pad, a folder of them for all, a recording to learn
//! from or to separate, or the folder of a drum model.
//!
//! A list of our own and not the system's dialog: that would need a window of the
//! host's toolkit, which plugins cannot rely on.

use std::path::{Path, PathBuf};

use egui::{
    Align, Align2, Context, Key, Label, Layout, Modifiers, Rect, RichText, ScrollArea, Ui, Window,
};
use idm_engine::drum::DRUM_COUNT;
use idm_engine::model::is_model_folder;
use idm_engine::one_shots::OwnKitPlan;

use super::theme;
use crate::folders::home_folder;
use crate::own_samples::Placing;

mod entries;
mod pasted;
mod target;

use entries::{Entry, list};
use pasted::pasted;
pub use pasted::paths;
pub use target::Target;

/// Most entries of a folder that are listed.
const MOST_ENTRIES: usize = 4_000;
const SIZE: [f32; 2] = [440.0, 340.0];

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SampleWish {
    /// These files, or the files of these folders, on the pad or pads.
    Load(Vec<PathBuf>, Placing),
    /// The kit that is played in this file.
    Learn(PathBuf),
    /// The stems of this file.
    Stems(PathBuf),
    /// The drum model in this folder.
    Model(PathBuf),
    /// The learnt one-shots again.
    Clear,
    /// What was there before.
    Undo,
    /// What was taken back.
    Redo,
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
    /// Whether the folder is that of a drum model, if one is wanted.
    is_model: bool,
    /// The file that was put on the pad last.
    on_pad: Option<usize>,
    /// Whether the list is to show it.
    is_sought: bool,
    /// Where it was drawn.
    rect: Rect,
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
            is_model: false,
            on_pad: None,
            is_sought: false,
            rect: Rect::NOTHING,
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

    /// Where it was drawn, in points.
    pub fn rect(&self) -> Rect {
        self.rect
    }

    /// Lists another folder.
    pub fn go(&mut self, folder: PathBuf) {
        match list(&folder, self.target) {
            Ok(mut entries) => {
                self.folder = folder;
                self.problem.clear();
                if entries.len() > MOST_ENTRIES {
                    self.problem = format!("The first {MOST_ENTRIES} of {}", entries.len());
                    entries.truncate(MOST_ENTRIES);
                }
                self.entries = entries;
                self.on_pad = None;
                let plan = (self.target == Target::Kit).then(|| OwnKitPlan::of(&self.folder));
                let plan = plan.and_then(Result::ok).unwrap_or_default();
                self.kit_drums = plan.drums().count();
                self.is_model = self.target == Target::Model && is_model_folder(&self.folder);
            }
            Err(error) => self.problem = format!("{}: {error}", folder.display()),
        }
    }

    /// Draws the list; `names` says what is on each pad, and `steps` whether there is a step
    /// back from that, and one on.
    pub fn show(
        &mut self,
        context: &Context,
        names: &[Option<String>; DRUM_COUNT],
        steps: [bool; 2],
    ) -> Option<SampleWish> {
        let mut wish = None;
        let mut next = None;
        let mut is_open = true;
        let window = Window::new(self.target.title())
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
                    let step = self.step(ui);
                    wish = self.buttons(ui, names, steps);
                    wish = step.or(wish.take());
                    let path = self.folder.display().to_string();
                    ui.add(Label::new(RichText::new(&path).color(theme::DIM)).truncate())
                        .on_hover_text(path);
                });
                ui.separator();
                if let Some(index) = self.rows(ui) {
                    let entry = &self.entries[index];
                    let path = self.folder.join(&entry.name);
                    if entry.is_file {
                        self.on_pad = Some(index);
                    }
                    let adds = ui.input(|input| input.modifiers.command);
                    match (self.target, self.entries[index].is_file) {
                        (Target::Model, false) if is_model_folder(&path) => {
                            wish = Some(SampleWish::Model(path));
                        }
                        (_, false) => next = Some(path),
                        (Target::Pad(_), true) if adds => {
                            wish = Some(SampleWish::Load(vec![path], Placing::Add));
                        }
                        (Target::Pad(_), true) => {
                            wish = Some(SampleWish::Load(vec![path], Placing::Replace));
                        }
                        (Target::Kit | Target::Model, true) => {}
                        (Target::Recording, true) => wish = Some(SampleWish::Learn(path)),
                        (Target::Stems, true) => wish = Some(SampleWish::Stems(path)),
                    }
                }
                if self.problem.is_empty() {
                    ui.colored_label(theme::DIM, self.target.help(self.kit_drums));
                } else {
                    ui.add(Label::new(
                        RichText::new(&self.problem).color(theme::WARNING),
                    ));
                }
            });
        self.rect = window.map_or(Rect::NOTHING, |window| window.response.rect);
        if let Some(text) = pasted(context) {
            wish = self.take(&text);
        } else if let Some(folder) = next {
            self.go(folder);
        }
        if !is_open || context.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            return Some(SampleWish::Close);
        }
        wish
    }
}

impl SampleBrowser {
    /// Goes to the folder or file that `text` is the path of; files go on the pad, together.
    fn take(&mut self, text: &str) -> Option<SampleWish> {
        let paths = paths(text);
        let Some(path) = paths.first() else {
            self.problem = "What was copied is no file, no folder and no whole path.".to_owned();
            return None;
        };
        if path.is_dir() {
            self.go(path.clone());
            let is_it = self.is_model && self.folder == *path;
            return is_it.then(|| SampleWish::Model(path.clone()));
        }
        if !path.exists() {
            self.problem = format!("{}: there is no such file", path.display());
            return None;
        }
        self.show_file(path);
        match self.target {
            Target::Pad(_) => Some(SampleWish::Load(paths, Placing::Replace)),
            Target::Kit => None,
            Target::Recording => Some(SampleWish::Learn(path.clone())),
            Target::Stems => Some(SampleWish::Stems(path.clone())),
            // A click on one of its files in a file manager means the folder.
            Target::Model => self
                .is_model
                .then(|| SampleWish::Model(self.folder.clone())),
        }
    }

    /// Goes to a file that is put on the pad.
    pub fn show_file(&mut self, path: &Path) {
        if let Some(folder) = path.parent() {
            self.go(folder.to_owned());
        }
        self.on_pad = self.entries.iter().position(|entry| {
            let name = path.file_name();
            entry.is_file && name == Some(entry.name.as_os_str())
        });
        self.is_sought = self.on_pad.is_some();
    }

    /// The file before or after the last one, by buttons or arrow keys.
    fn step(&mut self, ui: &mut Ui) -> Option<SampleWish> {
        if !matches!(self.target, Target::Pad(_)) || !self.entries.iter().any(|e| e.is_file) {
            return None;
        }
        let hint = "The file before it in this folder (arrow up).";
        let is_back = ui.button("‹").on_hover_text(hint).clicked();
        let hint = "The next file of this folder (arrow down).";
        let is_on = ui.button("›").on_hover_text(hint).clicked();
        let (up, down) = ui.input_mut(|input| {
            let mut is_pressed = |key| input.consume_key(Modifiers::NONE, key);
            (is_pressed(Key::ArrowUp), is_pressed(Key::ArrowDown))
        });
        let index = self.neighbour(match (is_back || up, is_on || down) {
            (true, false) => false,
            (false, true) => true,
            _ => return None,
        })?;
        self.on_pad = Some(index);
        self.is_sought = true;
        let path = self.folder.join(&self.entries[index].name);
        Some(SampleWish::Load(vec![path], Placing::Replace))
    }

    /// The file after the one that is on the pad, or before it.
    fn neighbour(&self, is_after: bool) -> Option<usize> {
        let files = self.entries.iter().position(|entry| entry.is_file)?..self.entries.len();
        let index = match (self.on_pad, is_after) {
            (None, true) => files.start,
            (None, false) => files.end - 1,
            (Some(index), true) => index + 1,
            (Some(index), false) => index.checked_sub(1)?,
        };
        files.contains(&index).then_some(index)
    }

    /// What can be done with the folder as a whole and with what is on the pads.
    fn buttons(
        &self,
        ui: &mut Ui,
        names: &[Option<String>; DRUM_COUNT],
        steps: [bool; 2],
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
            Target::Recording | Target::Stems | Target::Model => None,
        };
        if self.is_model {
            let hint = "Takes the drum model that is in this folder.";
            if ui.button("Load model").on_hover_text(hint).clicked() {
                wish = Some(SampleWish::Model(self.folder.clone()));
            }
        }
        if let Some((label, hint)) = all
            && ui.button(label).on_hover_text(hint).clicked()
        {
            wish = Some(SampleWish::Load(
                vec![self.folder.clone()],
                Placing::Replace,
            ));
        }
        let mut present = self
            .target
            .drums()
            .iter()
            .filter_map(|drum| names[drum.index()].as_deref());
        if let Some(name) = present.next() {
            let hint = match self.target {
                Target::Pad(_) => format!("Takes {name} off the pad."),
                _ => "Takes the samples off all pads.".to_owned(),
            };
            if ui.button("Back to the kit").on_hover_text(hint).clicked() {
                wish = Some(SampleWish::Clear);
            }
        }
        let hint = self.target.undo_hint();
        let [can_undo, can_redo] = steps;
        if can_undo && ui.button("Undo").on_hover_text(hint).clicked() {
            wish = Some(SampleWish::Undo);
        }
        let hint = "Takes the step again that you took back.";
        if can_redo && ui.button("Redo").on_hover_text(hint).clicked() {
            wish = Some(SampleWish::Redo);
        }
        wish
    }

    /// The folders and files; answers which is clicked.
    fn rows(&mut self, ui: &mut Ui) -> Option<usize> {
        let mut clicked = None;
        let spacing = ui.spacing();
        let least = ui.text_style_height(&egui::TextStyle::Button) + 2.0 * spacing.button_padding.y;
        let height = spacing.interact_size.y.max(least);
        let pitch = height + spacing.item_spacing.y;
        let mut area = ScrollArea::vertical();
        if let Some(index) = self.on_pad.filter(|_| std::mem::take(&mut self.is_sought)) {
            let above = 0.4 * (SIZE[1] - 90.0);
            area = area.vertical_scroll_offset((index as f32 * pitch - above).max(0.0));
        }
        area.auto_shrink([false, false])
            .max_height(SIZE[1] - 90.0)
            .id_salt(&self.folder)
            .show_rows(ui, height, self.entries.len(), |ui, rows| {
                let across = Layout::top_down_justified(Align::LEFT);
                ui.with_layout(across, |ui| {
                    for index in rows {
                        let is_on_pad = self.on_pad == Some(index);
                        if self.entries[index].show(ui, self.target, is_on_pad) {
                            clicked = Some(index);
                        }
                    }
                });
            });
        if self.entries.is_empty() {
            let text = self.target.nothing_here();
            ui.colored_label(theme::DIM, text);
        }
        clicked
    }
}

#[cfg(test)]
mod tests;
