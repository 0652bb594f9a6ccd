//! The command line: every option with its range and default.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use idm_engine::controls::{Controls, HitSource, Quality};
use idm_engine::front_end::HOP_S;
use idm_engine::midi_file::DEFAULT_TEMPO_BPM;
use idm_engine::note_map::NoteMap;

use crate::console;
use crate::drums::{self, DrumNumber, DrumSet, Rename};
use crate::hits::{self, HitFile, HitsRole};
use crate::outputs::folder_names;
use crate::own_samples::{KitFolder, OwnSample};
use crate::render::Settings;
use crate::sound_args::SoundArgs;
use crate::track_writer::Bits;
use crate::tracks::TrackSet;

/// Tempi of projects.
const TEMPI_BPM: std::ops::RangeInclusive<f64> = 10.0..=999.0;

/// Splits drum recordings into kick, snare, hats, toms and cymbals, writes down
/// what was played, and takes the kit out of the recording.
#[derive(Debug, Parser)]
#[command(name = "idm", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `idm` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write one WAV per drum, the residual, and the hits
    Separate(Box<SeparateArgs>),
    /// Write the hits only, as CSV and MIDI
    Transcribe(CommonArgs),
    /// Write the best one-shots as WAV and SFZ, with a picture of them
    Kit(CommonArgs),
}

impl Command {
    /// What all commands share.
    pub fn common_mut(&mut self) -> &mut CommonArgs {
        match self {
            Command::Separate(args) => &mut args.common,
            Command::Transcribe(args) | Command::Kit(args) => args,
        }
    }
}

/// Options that all commands share.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// Audio files: WAV (RF64 and BW64 too), AIFF, FLAC, MP3, Ogg Vorbis, M4A or CAF (AAC,
    /// Apple Lossless), mono or stereo, 8 to 192 kHz; patterns (*.wav) where the shell leaves
    /// them
    #[arg(required = true, value_name = "IN")]
    pub inputs: Vec<PathBuf>,

    /// Folder for the results: one folder in it per input and named after it, and after the
    /// folder of the input where several share a name. Files that an
    /// earlier run wrote there, which idm.json lists, are replaced; an input whose results
    /// would replace others is refused. Without idm.json, onsets.csv and onsets.mid beside
    /// residual.wav or beside the kit.sfz of `idm kit` tell that an earlier run was there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Folder with another model (transcriber.onnx, one_shots.onnx, model.toml)
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,

    /// Samples per block given to the engine; does not change the result
    #[arg(long, value_name = "N", default_value_t = 1024, allow_negative_numbers = true,
          value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub block: u32,

    /// Drums that the recording does not have (kick, snare, closed_hat, open_hat, high_tom,
    /// mid_tom, floor_tom, crash, ride, or the groups toms, hihat, cymbals): their sounds
    /// go to the others and the residual
    #[arg(long, value_name = "DRUM,…", value_delimiter = ',', value_parser = DrumSet::parse)]
    pub without: Vec<DrumSet>,

    /// What is heard as one drum is another: `crash=open_hat` where all hats are taken for
    /// crashes
    #[arg(long = "rename", value_name = "DRUM=DRUM,…", value_delimiter = ',',
          value_parser = Rename::parse)]
    pub renames: Vec<Rename>,

    /// How readily hits of a drum, a group or all count, 0 to 100 %: 50 is the model's
    /// own threshold
    #[arg(long = "sensitivity", value_name = "DRUM=PERCENT", value_parser = sensitivity)]
    pub sensitivities: Vec<DrumNumber>,

    /// Hits of a drum, a group or all that come sooner after the last one of the drum do not
    /// count, 5 to 250 ms [default: 30]
    #[arg(long = "gap", value_name = "DRUM=MS", value_parser = gap)]
    pub gaps_ms: Vec<DrumNumber>,

    /// Which instrument's notes MIDI files have, those written and those read
    #[arg(long, value_name = "MAP", default_value = NoteMap::GENERAL_MIDI.id,
          value_parser = note_map())]
    pub notes: NoteMap,

    /// Beats per minute of the MIDI files that are written: notes then lie on the bars of a
    /// project of that tempo
    #[arg(long, value_name = "BPM", default_value_t = DEFAULT_TEMPO_BPM, value_parser = tempo,
          allow_negative_numbers = true)]
    pub tempo: f64,

    /// Hits that are known.
    #[command(flatten)]
    pub known: KnownHitsArgs,

    /// How far the engine looks ahead, as the plugin does at this quality: high decides
    /// best, and its latency costs nothing on files
    #[arg(long, default_value = Quality::High.id(), value_parser = quality())]
    pub quality: Quality,

    /// Learn the kit from another recording of the same drums first (its first four minutes),
    /// as the plugin does: the first hits are then separated as well as later ones
    #[arg(long, value_name = "FILE")]
    pub learn_from: Option<PathBuf>,

    /// How often the file is heard; 1 is exactly the plugin, more let the kit be learnt
    /// first [default: 1, of `idm kit`: 2]
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u32).range(1..=16))]
    pub passes: Option<u32>,

    /// Print a summary as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

impl CommonArgs {
    /// How files are rendered that are heard `passes` times if the user does not say. Says
    /// what is left out of the hits.
    ///
    /// # Errors
    /// Hits of one recording for several inputs; a file that cannot be read.
    pub fn settings(&self, passes: u32) -> Result<Settings, String> {
        let (source, given) = self.known.given(self)?;
        if let Some(left_out) = &given.left_out {
            let option = self.known.role().option();
            console::complain(format_args!("idm: {option}: {left_out}"));
        }
        Ok(Settings {
            quality: self.quality,
            block_samples: self.block as usize,
            passes: self.passes.unwrap_or(passes),
            controls: Controls {
                hits: source,
                ..self.heard()
            },
            own: Vec::new(),
            hits: given.hits,
            hits_role: self.known.role(),
            hits_snap: self.known.snap,
            hits_until_s: self.known.hits_until,
        })
    }

    /// How drums are heard, whoever says when they are hit.
    pub fn heard(&self) -> Controls {
        let (readily, gaps_ms) = (&self.sensitivities, &self.gaps_ms);
        drums::controls(&self.without, readily, gaps_ms, &self.renames)
    }
}

/// Reads `DRUM=PERCENT` of a sensitivity.
fn sensitivity(text: &str) -> Result<DrumNumber, String> {
    DrumNumber::percent(text, 0.0..=100.0)
}

/// Reads `DRUM=MS` of a gap.
fn gap(text: &str) -> Result<DrumNumber, String> {
    DrumNumber::parse(text, "MS", 5.0..=250.0)
}

/// Reads a tempo.
fn tempo(text: &str) -> Result<f64, String> {
    let bpm = text.parse().ok().filter(|bpm| TEMPI_BPM.contains(bpm));
    let (least, most) = (TEMPI_BPM.start(), TEMPI_BPM.end());
    bpm.ok_or_else(|| format!("expected {least} to {most}, found {text:?}"))
}

/// Options of `idm separate`.
#[derive(Debug, Args)]
pub struct SeparateArgs {
    /// Shared options.
    #[command(flatten)]
    pub common: CommonArgs,

    /// Where the sound of a drum comes from
    #[arg(long, value_enum, default_value_t = Mode::Separated)]
    pub mode: Mode,

    /// Play an audio file in place of a drum (kick, snare, closed_hat, open_hat,
    /// high_tom, mid_tom, floor_tom, crash, ride) at the level of its hits, or those of a
    /// folder: the harder the hit the louder the sample, alike ones in turn; may be
    /// given once per drum
    #[arg(long = "sample", value_name = "DRUM=PATH", value_parser = OwnSample::parse)]
    pub samples: Vec<OwnSample>,

    /// Play a folder of samples in place of the drums after which its files (or folders in
    /// it) are named, as `idm kit` and the plugin write them; --sample goes before it
    #[arg(long, value_name = "FOLDER", value_parser = KitFolder::parse)]
    pub sample_kit: Option<KitFolder>,

    /// How drums sound.
    #[command(flatten)]
    pub sound: SoundArgs,

    /// Five groups (kick, snare, toms, hihat, cymbals) instead of nine drums
    #[arg(long)]
    pub groups: bool,

    /// Write these tracks only: drums, groups (without --groups: the drums in them), all (of
    /// these) or residual. The others are heard as well
    #[arg(long, value_name = "TRACK,…", value_delimiter = ',', value_parser = TrackSet::parse)]
    pub only: Vec<TrackSet>,

    /// Bits of the samples in the WAV files. With 24 all stems of an input are turned down alike
    /// if one of them is above full scale, which is told
    #[arg(long, value_enum, default_value_t = Bits::Float)]
    pub bits: Bits,
}

/// Hits that are known, all of them or where hearing was wrong.
#[derive(Debug, Args)]
pub struct KnownHitsArgs {
    /// The hits of the recording, as CSV (time_s,class,velocity) or MIDI file, in place
    /// of those that would be heard: onsets.csv or onsets.mid, corrected by hand. All of
    /// them: a drum is taken to sound nowhere else. For one input
    #[arg(long, value_name = "FILE")]
    pub hits: Option<PathBuf>,

    /// Where the hits of --hits are on a grid or were recorded late: each begins where its drum
    /// begins within 20 ms, if it does
    #[arg(long, requires = "hits")]
    pub snap: bool,

    /// Take the hits of the first seconds only from --hits, and listen after them, with
    /// what those hits taught: correct the first bars, and the rest follows
    #[arg(long, value_name = "SECONDS", requires = "hits", value_parser = seconds,
          allow_negative_numbers = true)]
    pub hits_until: Option<f64>,

    /// The hits as they should have been heard, as --hits reads them: onsets.csv or onsets.mid
    /// of a run with the same options, with hits deleted, added or moved. The recording is
    /// heard first, and only what differs by a hit or by more than 22 ms is corrected; all
    /// else stays as heard, velocities too. For one input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hits", "hits_until"])]
    pub corrected: Option<PathBuf>,
}

/// Reads a time of more than 0 s.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text
        .parse()
        .ok()
        .filter(|s: &f64| s.is_finite() && *s > 0.0);
    seconds.ok_or_else(|| format!("expected more than 0 s, found {text:?}"))
}

impl KnownHitsArgs {
    /// The file of hits and what it is for.
    pub fn file(&self) -> Option<(HitsRole, &Path)> {
        let all = self.hits.as_deref().map(|path| (HitsRole::All, path));
        let corrected = self.corrected.as_deref();
        all.or(corrected.map(|path| (HitsRole::Corrected, path)))
    }

    /// What the file of hits is for.
    fn role(&self) -> HitsRole {
        self.file().map(|(role, _)| role).unwrap_or_default()
    }

    /// Who says when a drum is hit, and the hits.
    ///
    /// # Errors
    /// Hits of one recording for several inputs; a file that cannot be read.
    fn given(&self, common: &CommonArgs) -> Result<(HitSource, HitFile), String> {
        let Some((role, path)) = self.file() else {
            return Ok((HitSource::Heard, HitFile::default()));
        };
        let option = role.option();
        match common.inputs.len() {
            1 => {
                let hits = hits::read(path, &common.notes);
                let mut file = hits.map_err(|error| format!("{option}: {error}"))?;
                if role == HitsRole::Corrected {
                    return Ok((HitSource::Heard, file));
                }
                if let Some(until_s) = self.hits_until {
                    let hits = file.hits.iter().filter(|hit| hit.time_s < until_s);
                    file.hits = hits.copied().collect();
                    if file.hits.is_empty() {
                        let name = path.display();
                        return Err(format!(
                            "--hits-until: expected hits of drums in the first {until_s} s, found none in {name}"
                        ));
                    }
                    // There its hits stay as they are: the rest would have no place.
                    let results = common.out.join(&folder_names(&common.inputs)[0]);
                    let place = path.canonicalize().ok();
                    let folder = place.as_deref().and_then(Path::parent);
                    if folder.is_some() && folder == results.canonicalize().ok().as_deref() {
                        let name = path.display();
                        return Err(format!(
                            "--hits-until: expected another --out than the folder of {name}, in which only the first hits are right"
                        ));
                    }
                }
                Ok((HitSource::Given, file))
            }
            inputs => Err(format!("{option}: expected one input, found {inputs}")),
        }
    }
}

/// Where the sound of a drum comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// From the recording: all files together are the input
    Separated,
    /// From the one-shots, played again where the drum was hit
    Resynth,
}

impl Mode {
    /// The engine's blend of this mode: 0 separated, 1 resynthesised.
    pub fn blend(self) -> f32 {
        match self {
            Mode::Separated => 0.0,
            Mode::Resynth => 1.0,
        }
    }
}

/// A map of MIDI notes, as an option.
fn note_map() -> impl TypedValueParser<Value = NoteMap> {
    let ids = NoteMap::ALL.map(|map| PossibleValue::new(map.id).help(map.name));
    PossibleValuesParser::new(ids).try_map(|id| NoteMap::named(&id).ok_or("no map of this name"))
}

/// The engine's quality, as an option.
fn quality() -> impl TypedValueParser<Value = Quality> {
    let ids = Quality::ALL.map(|quality| {
        let look_ahead_ms = 1e3 * HOP_S * quality.look_ahead_frames() as f64;
        PossibleValue::new(quality.id()).help(format!("{look_ahead_ms:.0} ms of look-ahead"))
    });
    PossibleValuesParser::new(ids).try_map(|id| {
        let quality = Quality::ALL.into_iter().find(|quality| quality.id() == id);
        quality.ok_or("no quality of this name")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn files_are_heard_once_as_well_as_can_be() {
        let cli = Cli::parse_from(["idm", "separate", "a.wav", "b.wav", "--out", "o"]);
        let Command::Separate(args) = cli.command else {
            panic!("separate");
        };
        assert_eq!(args.common.inputs.len(), 2);
        assert_eq!((args.mode, args.common.passes), (Mode::Separated, None));
        assert_eq!(args.common.quality, Quality::High);
    }
}
