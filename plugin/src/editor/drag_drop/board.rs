//! What window and thread tell each other.

use std::sync::{Arc, Mutex};

use egui::{Pos2, Rect};

use super::meaning::{Files, Meaning, Place, meaning};
use crate::lock::lock;

/// Drops that wait for a frame: nobody drops more.
const MOST_DROPS: usize = 8;

/// A part of the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zone {
    /// What is there.
    pub place: Place,
    /// Where, in points.
    pub rect: Rect,
}

/// What is carried over the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// What the pointer is over.
    pub place: Place,
    /// What it carries; none as long as nobody knows.
    pub files: Option<Arc<Files>>,
}

/// What was let go over the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    /// Where.
    pub place: Place,
    /// What.
    pub files: Arc<Files>,
}

/// How it stands with what is dragged out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Progress {
    /// Nothing is.
    #[default]
    Nothing,
    /// Nobody takes it at this place.
    Refused,
    /// Somebody would. Elsewhere the system says so by itself.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    Accepted,
}

#[derive(Debug)]
struct Notes {
    zones: Vec<Zone>,
    pixels_per_point: f32,
    carried: Option<Carried>,
    dropped: Vec<Dropped>,
    progress: Progress,
}

/// A board on which both write; nobody holds it for long.
#[derive(Debug, Clone)]
pub struct Board(Arc<Mutex<Notes>>);

impl Default for Board {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Notes {
            zones: Vec::new(),
            pixels_per_point: 1.0,
            carried: None,
            dropped: Vec::new(),
            progress: Progress::default(),
        })))
    }
}

impl Board {
    /// The window's parts, the uppermost first; answers what is carried over them.
    pub(super) fn lay_out(&self, zones: Vec<Zone>, pixels_per_point: f32) -> Option<Carried> {
        let notes = &mut *lock(&self.0);
        notes.zones = zones;
        notes.pixels_per_point = pixels_per_point;
        notes.carried.clone()
    }

    /// What is at a place of the window, in physical pixels.
    pub fn place_at(&self, x: f32, y: f32) -> Place {
        let notes = lock(&self.0);
        let point = Pos2::new(x, y) / notes.pixels_per_point.max(0.01);
        let found = notes.zones.iter().find(|zone| zone.rect.contains(point));
        found.map_or(Place::Elsewhere, |zone| zone.place)
    }

    /// Says what is carried over the window; answers whether it would be taken. As long as
    /// nobody knows what it is, it would be.
    pub fn carry(&self, carried: Option<Carried>) -> bool {
        let is_taken = carried.as_ref().is_some_and(|carried| {
            let files = carried.files.as_deref();
            files.is_none_or(|files| meaning(carried.place, files).is_taken())
        });
        lock(&self.0).carried = carried;
        is_taken
    }

    /// Leaves what was let go to the window, which also says why it takes nothing; answers
    /// whether it takes it.
    pub fn drop_files(&self, dropped: Dropped) -> bool {
        let is_taken = !matches!(meaning(dropped.place, &dropped.files), Meaning::Nothing(_));
        let mut notes = lock(&self.0);
        notes.carried = None;
        if notes.dropped.len() < MOST_DROPS {
            notes.dropped.push(dropped);
        }
        is_taken
    }

    pub(super) fn take_dropped(&self) -> Vec<Dropped> {
        std::mem::take(&mut lock(&self.0).dropped)
    }

    /// How it stands with what is dragged out.
    pub fn set_progress(&self, progress: Progress) {
        lock(&self.0).progress = progress;
    }

    /// The same.
    pub fn progress(&self) -> Progress {
        lock(&self.0).progress
    }
}

#[cfg(test)]
mod tests {
    use egui::pos2;
    use idm_engine::drum::Drum;

    use super::super::meaning::Kind;
    use super::*;

    #[test]
    fn the_uppermost_part_under_the_pointer_is_meant_whatever_the_zoom() {
        let board = Board::default();
        let zone = |place, min, max| Zone {
            place,
            rect: Rect::from_min_max(min, max),
        };
        let pad = zone(Place::Pad(Drum::Snare), pos2(10.0, 10.0), pos2(30.0, 20.0));
        let list = zone(Place::Kit, pos2(20.0, 0.0), pos2(40.0, 40.0));
        board.lay_out(vec![list, pad], 2.0);
        assert_eq!(board.place_at(30.0, 30.0), Place::Pad(Drum::Snare));
        assert_eq!(board.place_at(50.0, 30.0), Place::Kit);
        assert_eq!(board.place_at(5.0, 5.0), Place::Elsewhere);
        board.lay_out(vec![pad], 1.0);
        assert_eq!(board.place_at(25.0, 15.0), Place::Pad(Drum::Snare));
    }

    #[test]
    fn what_is_unknown_is_welcome_and_what_is_not_only_its_like() {
        let board = Board::default();
        let mut carried = Carried {
            place: Place::Pad(Drum::Kick),
            files: None,
        };
        assert!(board.carry(Some(carried.clone())));
        let files = Files(vec![("/tmp/a.txt".into(), Kind::Other)]);
        carried.files = Some(Arc::new(files));
        assert!(!board.carry(Some(carried.clone())));
        assert_eq!(board.lay_out(vec![], 1.0), Some(carried));
        assert!(!board.carry(None));
        assert_eq!(board.lay_out(vec![], 1.0), None);
    }
}
