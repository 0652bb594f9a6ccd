//! What the list is opened for, and what it says then.

use idm_engine::audio_file::FORMATS;
use idm_engine::drum::Drum;

/// What samples are chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The pad of a drum.
    Pad(Drum),
    /// The pads of all drums that a folder has samples of.
    Kit,
    /// The kit that is played in a recording.
    Recording,
    /// The stems of a recording.
    Stems,
    /// The drum model.
    Model,
}

impl Target {
    /// The drums whose samples may change.
    pub fn drums(&self) -> &[Drum] {
        match self {
            Target::Pad(drum) => std::slice::from_ref(drum),
            Target::Kit => &Drum::ALL,
            Target::Recording | Target::Stems | Target::Model => &[],
        }
    }

    pub(super) fn title(self) -> String {
        match self {
            Target::Pad(drum) => format!("Sample for the {} pad", drum.name()),
            Target::Kit => "Kit of samples for all pads".to_owned(),
            Target::Recording => "Recording to learn the kit from".to_owned(),
            Target::Stems => "Recording to write the stems of".to_owned(),
            Target::Model => "Folder of a drum model".to_owned(),
        }
    }

    /// What *Undo* does there.
    pub(super) fn undo_hint(self) -> &'static str {
        match self {
            Target::Pad(_) => "Brings back what was on the pad before.",
            Target::Kit => "Takes the last change of samples back.",
            Target::Recording => {
                "Brings back the kit from before the last recording, or from before it was \
                                  forgotten."
            }
            Target::Stems | Target::Model => "",
        }
    }

    /// What a folder without entries says.
    pub(super) fn nothing_here(self) -> String {
        match self {
            Target::Model => "No folder here.".to_owned(),
            _ => format!("No folder and no audio file ({FORMATS}) here."),
        }
    }

    /// What can be done in the list, of a folder with samples of `kit_drums` drums.
    pub(super) fn help(self, kit_drums: usize) -> String {
        let key = if cfg!(target_os = "macos") {
            "⌘"
        } else {
            "Ctrl"
        };
        match self {
            Target::Pad(_) => format!(
                "A click or arrow key puts a file on the pad and plays it; with {key} a click \
                 adds it. {key}+V takes files or a path that you copied elsewhere."
            ),
            Target::Recording => format!(
                "A click on a recording of the kit's drums, such as this song's drum bus or a \
                 soundcheck, learns its sounds. {key}+V takes a path that you copied elsewhere."
            ),
            Target::Stems => format!(
                "A click on a recording, such as this song's drum bus, writes a WAV of each drum \
                 to Music/Inverse Drum Machine, as the settings are now. {key}+V takes a path \
                 that you copied elsewhere."
            ),
            Target::Kit if kit_drums == 0 => {
                "Go to a folder whose files are named after drums (kick, HH open, Tom 1); saved \
                 kits are in Music/Inverse Drum Machine."
                    .to_owned()
            }
            Target::Kit => "Coloured files and folders are named after a drum.".to_owned(),
            Target::Model => format!(
                "Coloured folders are models, as idm-train export writes them: a click takes one. \
                 {key}+V takes a path that you copied elsewhere."
            ),
        }
    }
}
