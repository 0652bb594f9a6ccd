//! Writes pieces as files, so that one can listen to what training hears.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use idm_engine::{
    audio_file::{AudioBuffer, write_wav},
    drum::{Drum, RESIDUAL},
    hit_file::write_csv,
    midi_file::{Grid, MidiNote, write_midi},
};
use rayon::prelude::*;

use crate::{
    config::{Config, DataConfig, PIECE_S},
    kits::{SAMPLE_RATE_HZ, Split},
    random::Random,
    render::{Hit, Piece, RenderConfig, Renderer, Stage, channels},
    training::{DataFolders, ensure_some, renderer},
};

/// Names the places of a piece's drums.
const STAGE: u64 = 0x57;

/// Options of `idm-train render`.
#[derive(Debug, Clone, Args)]
pub struct RenderArgs {
    /// Folder for the pieces, one that holds none yet
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Settings of a training run (training/configs/*.toml), whose pieces are rendered:
    /// its `[data]` and its seed
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder with drums/ and grooves/; without it everything is procedural
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Number of pieces
    #[arg(long, default_value_t = 8)]
    pub pieces: u64,
    /// Length of a piece in seconds; 10, or that of --config
    #[arg(long)]
    pub seconds: Option<f64>,
    /// Names the sequence of pieces; 1, or that of --config
    #[arg(long)]
    pub seed: Option<u64>,
    /// Strength of the random changes, 0 to 1; 1, or that of --config
    #[arg(long)]
    pub wildness: Option<f32>,
    /// Use the validation side of kits and grooves
    #[arg(long)]
    pub validation: bool,
    /// Place the drums between two channels: panned, or heard by close and overhead
    /// microphones, in a room
    #[arg(long)]
    pub stereo: bool,
}

/// Renders pieces into folders `000000`, `000001`, …, each with `mix.wav`, one
/// WAV per class that is played, `residual.wav`, `onsets.csv` (`time_s`,
/// `class`, `velocity` 0-127) and `onsets.mid`.
///
/// # Errors
/// When settings make no sense or contradict each other, the material cannot be loaded or
/// a file cannot be written.
pub fn run(args: &RenderArgs) -> Result<()> {
    let config = settings(args)?;
    let folders = match &args.data {
        Some(folder) => DataFolders::inside(folder)?,
        None => DataFolders::default(),
    };
    let split = if args.validation {
        Split::Valid
    } else {
        Split::Train
    };
    ensure_no_pieces(&args.out)?;
    let renderer = if args.config.is_some() {
        renderer(&config, &folders, split)?
    } else {
        Renderer::new(&RenderConfig {
            kit_folders: folders.kits.clone(),
            groove_folder: folders.grooves.clone(),
            split,
            seed: config.seed,
            data: config.data.clone(),
        })?
    };
    ensure_some(&folders, &renderer, split)?;
    let (kits, grooves) = renderer.material();
    say!("{kits} sampled kits, {grooves} grooves");
    (0..args.pieces).into_par_iter().try_for_each(|index| {
        let folder = args.out.join(format!("{index:06}"));
        let mut piece = renderer.piece(index);
        if args.stereo {
            let random = &mut Random::new(&[config.seed, index, STAGE]);
            Stage::draw(random).place_piece(&mut piece);
        }
        write_piece(&piece, &folder)
            .with_context(|| format!("{}: cannot be written", folder.display()))
    })?;
    say!("{} pieces in {}", args.pieces, args.out.display());
    Ok(())
}

/// Refuses a folder with pieces: stems of drums that a new one does not have would stay in
/// its folder.
fn ensure_no_pieces(out: &Path) -> Result<()> {
    let is_piece = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        name.len() >= 6 && name.iter().all(u8::is_ascii_digit) && path.is_dir()
    };
    // What is not there yet holds nothing.
    let entries = fs::read_dir(out).into_iter().flatten().flatten();
    if let Some(piece) = entries.map(|entry| entry.path()).filter(is_piece).min() {
        bail!(
            "--out: expected a folder without pieces, found {}: choose another or delete them",
            piece.display()
        );
    }
    Ok(())
}

/// What `args` ask for.
fn settings(args: &RenderArgs) -> Result<Config> {
    let mut config = match &args.config {
        Some(path) => Config::read(path)?,
        None => Config {
            seed: 1,
            data: DataConfig {
                piece_s: 10.0,
                ..DataConfig::default()
            },
            ..Config::default()
        },
    };
    if let Some(seed) = args.seed {
        config.seed = seed;
    }
    if let Some(seconds) = args.seconds {
        ensure!(
            PIECE_S.contains(&seconds),
            "--seconds: expected {} to {}, found {seconds}",
            PIECE_S.start(),
            PIECE_S.end()
        );
        config.data.piece_s = seconds;
        config.data.validation_piece_s = seconds;
    }
    if let Some(wildness) = args.wildness {
        ensure!(
            (0.0..=1.0).contains(&wildness),
            "--wildness: expected 0 to 1, found {wildness}"
        );
        ensure!(
            args.config.is_none() || !args.validation,
            "--wildness: expected none with --config and --validation, found {wildness}; \
             validation pieces are as wild whatever training is"
        );
        config.data.wildness = wildness;
    }
    Ok(config)
}

fn write_piece(piece: &Piece, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let write = |name: &str, signal: &[f32]| {
        let audio = AudioBuffer {
            sample_rate_hz: SAMPLE_RATE_HZ,
            channels: channels(signal, piece.channels)[..piece.channels.min(2)]
                .iter()
                .map(|channel| channel.to_vec())
                .collect(),
        };
        write_wav(folder.join(format!("{name}.wav")), &audio)
    };
    write("mix", &piece.mix)?;
    for (stem, signal) in piece.stems.iter().enumerate() {
        let is_hit = piece.hits.iter().any(|hit| hit.drum.index() == stem);
        if stem == RESIDUAL || is_hit || signal.iter().any(|s| *s != 0.0) {
            let name = Drum::from_index(stem).map_or("residual", Drum::file_stem);
            write(name, signal)?;
        }
    }
    let hits = piece.hits.iter();
    let table = write_csv(hits.map(|hit| (time_s(hit), hit.drum, midi_velocity(hit))));
    fs::write(folder.join("onsets.csv"), table)?;
    fs::write(folder.join("onsets.mid"), midi(piece)?)?;
    Ok(())
}

fn time_s(hit: &Hit) -> f64 {
    hit.sample as f64 / SAMPLE_RATE_HZ
}

fn midi_velocity(hit: &Hit) -> u8 {
    (hit.velocity * 127.0).round().clamp(1.0, 127.0) as u8
}

/// Notes of General MIDI.
fn midi(piece: &Piece) -> Result<Vec<u8>> {
    let notes: Vec<MidiNote> = piece
        .hits
        .iter()
        .map(|hit| MidiNote {
            time_s: time_s(hit),
            key: hit.drum.gm_note(),
            velocity: midi_velocity(hit),
        })
        .collect();
    let length_s = piece.length() as f64 / SAMPLE_RATE_HZ;
    Ok(write_midi(&notes, length_s, &Grid::default(), "drums")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::performance::load_grooves;

    #[test]
    fn files_hold_what_was_rendered() {
        let folder = tempfile::tempdir().unwrap();
        let args = RenderArgs {
            out: folder.path().to_owned(),
            config: None,
            data: None,
            pieces: 1,
            seconds: Some(2.0),
            seed: Some(4),
            wildness: Some(1.0),
            validation: false,
            stereo: false,
        };
        run(&args).unwrap();
        let again = run(&args).unwrap_err().to_string();
        assert!(
            again.contains("expected a folder without pieces, found") && again.contains("000000"),
            "{again}"
        );
        let wide = RenderArgs {
            out: folder.path().join("wide"),
            stereo: true,
            ..args.clone()
        };
        run(&wide).unwrap();
        let wide = idm_engine::audio_file::read(wide.out.join("000000/mix.wav")).unwrap();
        assert_eq!((wide.channels.len(), wide.frames()), (2, 88_200));
        assert_ne!(wide.channels[0], wide.channels[1]);
        let piece = folder.path().join("000000");
        let mix = idm_engine::audio_file::read(piece.join("mix.wav")).unwrap();
        assert_eq!(mix.frames(), 88_200);
        let table = fs::read_to_string(piece.join("onsets.csv")).unwrap();
        let midi = load_grooves(&piece).unwrap();
        assert_eq!(midi[0].events.len(), table.lines().count() - 1);
        for (event, line) in midi[0].events.iter().zip(table.lines().skip(1)) {
            let time_s: f64 = line.split(',').next().unwrap().parse().unwrap();
            assert!((event.time_s - time_s).abs() < 0.001, "{line} {event:?}");
        }
    }

    #[test]
    fn a_configuration_is_heard_as_training_hears_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.toml");
        fs::write(
            &file,
            "name = \"x\"\nseed = 9\n[data]\nprocedural_kits = 2\npiece_s = 3.0\nwildness = 0.4\n",
        )
        .unwrap();
        let args = RenderArgs {
            out: folder.path().join("heard"),
            config: Some(file.clone()),
            data: None,
            pieces: 1,
            seconds: None,
            seed: None,
            wildness: None,
            validation: false,
            stereo: false,
        };
        run(&args).unwrap();
        let mix = idm_engine::audio_file::read(args.out.join("000000/mix.wav")).unwrap();
        let config = Config::read(&file).unwrap();
        let trained = renderer(&config, &DataFolders::default(), Split::Train).unwrap();
        let piece = trained.piece(0);
        assert_eq!(mix.frames(), piece.length());
        let far = |(written, heard): (&f32, &f32)| (written - heard).abs() > 1e-3;
        assert!(!mix.channels[0].iter().zip(&piece.mix).any(far));

        let changed = settings(&RenderArgs {
            seconds: Some(5.0),
            seed: Some(2),
            wildness: Some(0.1),
            ..args.clone()
        })
        .unwrap();
        assert_eq!(
            (changed.data.piece_s, changed.seed, changed.data.wildness),
            (5.0, 2, 0.1)
        );
        let refused = |args: RenderArgs| run(&args).unwrap_err().to_string();
        let conflict = refused(RenderArgs {
            wildness: Some(0.5),
            validation: true,
            ..args.clone()
        });
        assert!(conflict.contains("--wildness: expected none"), "{conflict}");
        for seconds in [0.0, 601.0, f64::NAN] {
            let error = refused(RenderArgs {
                seconds: Some(seconds),
                ..args.clone()
            });
            assert!(error.contains("--seconds: expected 1 to 600"), "{error}");
        }
        let missing = refused(RenderArgs {
            data: Some(folder.path().join("nowhere")),
            ..args
        });
        assert!(missing.contains("drums/ or grooves/"), "{missing}");
    }
}
