//! `idm-train export`.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use idm_engine::{
    drum::Drum,
    model::{ModelMeta, Thresholds},
    note_map::NoteMap,
};

use crate::{
    bank::{bank_sources, load_bank, procedural_bank},
    config::Config,
    console::figure,
    export::{DEFAULT_THRESHOLDS, describe, export_model, model_in, round_matrices},
    kits::Split,
    network::{Head, Network, Weights, initial_weights},
    recordings::note_map,
    training::{
        Checkpoint, DataFolders, NO_VALIDATION_KITS, Sources, Validation, calibrate, calibrate_on,
        licences_of, model_folder, open_recordings, renderer, warm_start,
    },
};

/// First validation piece for thresholds; training watches others.
const FIRST_CALIBRATION_PIECE: u64 = 2_000_000;

/// Share of tame pieces among those: thresholds must suit kits as they are and
/// kits that were worked on.
const CALIBRATION_TAME_SHARE: f32 = 0.5;

/// Writes a model that the plugin loads. The weights of its large matrices are
/// rounded to eight bits of precision, which makes the plugin faster.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// Checkpoint of the run; without it, untrained weights are written.
    #[arg(long)]
    pub checkpoint: Option<PathBuf>,
    /// Weights to mix in: an earlier checkpoint or model that the run started from
    /// (a smaller one is grown first); needs --checkpoint. Between such weights lie better ones than
    /// either on material of both (Wortsman et al. 2022).
    #[arg(long)]
    pub blend: Option<PathBuf>,
    /// Share of those weights.
    #[arg(long, default_value_t = 0.5, requires = "blend")]
    pub blend_share: f32,
    /// Folder of a learnt bank (`idm-train bank`), or of a model whose one-shots are kept, with
    /// what chooses among them; that learnt with the transcriber of the bank, so the checkpoint
    /// is best one that began with that. Without it, the one-shots are those of our synthesiser.
    #[arg(long)]
    pub bank: Option<PathBuf>,
    /// Folder with drums/ and grooves/, for thresholds on unseen kits. Its licences are
    /// those of the model only where the checkpoint does not tell what it learnt from.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Folders of recordings with their hits, for thresholds on those that are held out (in
    /// folders called valid, validation or test), of the drums that are hit in them.
    #[arg(long, num_args = 1.., value_name = "DIR")]
    pub recordings: Vec<PathBuf>,
    /// Which instrument's notes MIDI files of recordings have.
    #[arg(long, value_name = "MAP", default_value = NoteMap::GENERAL_MIDI.id,
          value_parser = note_map())]
    pub notes: NoteMap,
    /// Pieces to choose the thresholds on; 0 keeps fixed ones.
    #[arg(long, default_value_t = 240)]
    pub pieces: usize,
    /// Folder of the model; without --replace, one that holds none yet.
    #[arg(long)]
    pub out: PathBuf,
    /// Replace the model in the folder.
    #[arg(long, requires = "checkpoint")]
    pub replace: bool,
}

/// Runs the command.
///
/// # Errors
/// Unusable files or material, or a model that the engine refuses.
pub fn run(args: &ExportArgs) -> Result<()> {
    ensure_free(args)?;
    let folders = match &args.data {
        Some(folder) => DataFolders::inside(folder)?,
        None => DataFolders::default(),
    };
    let (config, mut weights, trained, sources) = match &args.checkpoint {
        Some(path) => {
            let checkpoint = Checkpoint::load_transcriber(path)?;
            (
                checkpoint.config,
                checkpoint.optimiser.average,
                true,
                checkpoint.sources,
            )
        }
        None => {
            let config = Config {
                name: "untrained".to_owned(),
                ..Config::default()
            };
            (config, initial_weights(1), false, Some(Sources::default()))
        }
    };
    if let Some(path) = &args.blend {
        ensure!(
            trained,
            "--blend: expected --checkpoint with the weights to mix with, found none; \
             untrained ones are no use"
        );
        ensure!(
            (0.0..=1.0).contains(&args.blend_share),
            "--blend-share: expected 0 to 1, found {}",
            args.blend_share
        );
        let other = warm_start(path, weights.clone())?;
        weights = weights.blended(&other, args.blend_share);
    }
    // Before the thresholds are chosen: they shall suit the network that is written.
    round_matrices(&mut weights);
    // Before the long part: what cannot be read or written is not measured.
    let classes = match &args.bank {
        Some(folder) => load_bank(folder, &mut weights)?,
        None => procedural_bank(1),
    };
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))?;
    let thresholds = if trained && args.pieces > 0 {
        choose_thresholds(args, &config, &folders, &weights)?
    } else {
        say!("thresholds are fixed ones");
        [DEFAULT_THRESHOLDS; 3]
    };
    ensure!(!config.name.is_empty(), "the model has no name");
    let parts = [
        Some(sources),
        args.blend.as_deref().map(Sources::of_weights),
        args.bank.as_deref().map(bank_sources),
    ];
    let licences = licences_of(parts.into_iter().flatten(), args.data.as_deref());
    let mut meta = describe(&config.name, &config.hash(), licences, thresholds);
    keep_evidence(args, &mut meta);
    export_model(&args.out, &weights, &classes, &meta)?;
    say!("wrote {}", args.out.display());
    Ok(())
}

/// Thresholds of `weights` on held-out pieces; says which these are.
fn choose_thresholds(
    args: &ExportArgs,
    config: &Config,
    folders: &DataFolders,
    weights: &Weights,
) -> Result<[Thresholds; 3]> {
    let material = renderer(config, folders, Split::Valid)?.with_tame_share(CALIBRATION_TAME_SHARE);
    let recordings = open_recordings(
        config,
        &args.recordings,
        &args.notes,
        &material,
        Split::Valid,
    )?;
    // What cannot be read is no reason to measure the rendered ones first.
    let recorded = recordings
        .map(|recordings| {
            let piece_s = config.data.validation_piece_s;
            Validation::of_recordings(&recordings, args.pieces, piece_s)
        })
        .transpose()?;
    let kits = if !material.kits().is_empty() {
        "kits of the data folder that are held out"
    } else if args.data.is_some() {
        say!("{NO_VALIDATION_KITS}");
        "procedural kits"
    } else {
        "procedural kits (--data names others)"
    };
    let mut network = Network::default();
    let mut measure = |what: &str, validation: &Validation| {
        let scores = validation.measure(&mut network, weights);
        for head in Head::ALL {
            let scores = &scores.heads[head.index()];
            say!(
                "{} head, {what}: onset F {} pooled, {} mean of the groups",
                head.name(),
                figure(scores.pooled_f(), 3),
                figure(scores.macro_f(), 3)
            );
        }
        scores
    };
    let rendered = Validation::new(&material, FIRST_CALIBRATION_PIECE, args.pieces);
    let rendered = measure("rendered", &rendered);
    let Some(recorded) = recorded else {
        if !args.recordings.is_empty() {
            say!("no recording is held out (put some into a folder called validation/)");
        }
        say!(
            "thresholds are chosen on {} pieces with {kits}",
            args.pieces
        );
        return Ok(calibrate(&rendered));
    };
    let recorded = measure("recorded", &recorded);
    let (thresholds, heard) = calibrate_on(&recorded, &rendered);
    let heard: Vec<&str> = heard.into_iter().map(Drum::name).collect();
    match heard.is_empty() {
        true => say!("the recordings that are held out have too few hits"),
        false => say!(
            "thresholds of {} are chosen on {} passages of recordings that are held out",
            heard.join(", "),
            args.pieces
        ),
    }
    say!(
        "thresholds of all {}drums are chosen on {} pieces with {kits}",
        if heard.is_empty() { "" } else { "other " },
        args.pieces
    );
    Ok(thresholds)
}

/// The evidence of the model that is replaced, or else of the one that is mixed in or whose
/// one-shots are kept, stays until it is weighed anew.
fn keep_evidence(args: &ExportArgs, meta: &mut ModelMeta) {
    let models = [&args.blend, &args.bank];
    let models = models.into_iter().flatten();
    let models = models.filter_map(|path| model_folder(path));
    let folders = [args.out.as_path()].into_iter().chain(models);
    let mut before = folders.filter_map(|folder| {
        let text = fs::read_to_string(folder.join("model.toml")).ok()?;
        let before = ModelMeta::parse(&text).ok()?;
        Some((folder, before)).filter(|(_, before)| before.evidence.is_some())
    });
    match before.next() {
        Some((folder, before)) => {
            meta.evidence = before.evidence;
            meta.evidence_low = before.evidence_low;
            meta.evidence_high = before.evidence_high;
            say!(
                "the evidence counts as in {}; `idm-train weigh` weighs it anew",
                folder.display()
            );
        }
        None => say!("nothing but the network counts; `idm-train weigh` weighs other evidence"),
    }
}

/// Refuses a folder with a model that is not to be replaced; untrained weights never
/// replace any.
fn ensure_free(args: &ExportArgs) -> Result<()> {
    let Some(file) = model_in(&args.out) else {
        return Ok(());
    };
    let file = file.display();
    ensure!(
        args.checkpoint.is_some(),
        "--out: expected a folder without a model for untrained weights (no --checkpoint), \
         found {file}"
    );
    ensure!(
        args.replace,
        "--out: expected a folder without a model, or --replace, found {file}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn untrained(out: &Path) -> ExportArgs {
        ExportArgs {
            checkpoint: None,
            blend: None,
            blend_share: 0.5,
            bank: None,
            data: None,
            recordings: Vec::new(),
            notes: NoteMap::default(),
            pieces: 0,
            out: out.to_owned(),
            replace: false,
        }
    }

    #[test]
    fn untrained_weights_are_not_blended() {
        let folder = tempfile::tempdir().unwrap();
        let args = ExportArgs {
            blend: Some(folder.path().to_owned()),
            ..untrained(&folder.path().join("model"))
        };
        let error = run(&args).unwrap_err().to_string();
        assert!(error.contains("expected --checkpoint"), "{error}");
        assert!(!args.out.exists());
    }

    #[test]
    fn a_model_is_replaced_only_when_asked_and_never_by_untrained_weights() {
        let folder = tempfile::tempdir().unwrap();
        let args = untrained(&folder.path().join("model"));
        run(&args).unwrap();
        let mut names: Vec<_> = fs::read_dir(&args.out)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["model.toml", "one_shots.onnx", "transcriber.onnx"]);
        let before = fs::read(args.out.join("model.toml")).unwrap();

        for replace in [false, true] {
            let error = run(&ExportArgs {
                replace,
                ..args.clone()
            })
            .unwrap_err();
            let error = error.to_string();
            assert!(error.contains("for untrained weights"), "{error}");
        }
        // Refused before the checkpoint is read, and read where that is asked for.
        let checkpoint = folder.path().join("nowhere.bin");
        let trained = ExportArgs {
            checkpoint: Some(checkpoint),
            ..args.clone()
        };
        let error = run(&trained).unwrap_err().to_string();
        assert!(error.contains("or --replace, found"), "{error}");
        let asked = ExportArgs {
            replace: true,
            ..trained
        };
        let error = format!("{:#}", run(&asked).unwrap_err());
        assert!(error.contains("nowhere.bin"), "{error}");
        assert_eq!(fs::read(args.out.join("model.toml")).unwrap(), before);
    }
    #[test]
    fn evidence_is_kept_of_the_model_that_is_mixed_in() {
        let folder = tempfile::tempdir().unwrap();
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../presets/models/default");
        let text = fs::read_to_string(model.join("model.toml")).unwrap();
        let shipped = ModelMeta::parse(&text).unwrap();
        assert!(shipped.evidence.is_some());
        let args = untrained(folder.path());
        let kept = |args: ExportArgs| {
            let mut meta = describe("test", "00", Vec::new(), [DEFAULT_THRESHOLDS; 3]);
            keep_evidence(&args, &mut meta);
            meta.evidence
        };
        for blend in [model.clone(), model.join("transcriber.onnx")] {
            let blend = Some(blend);
            let args = args.clone();
            assert_eq!(kept(ExportArgs { blend, ..args }), shipped.evidence);
        }
        let bank = Some(model);
        let with_bank = ExportArgs {
            bank,
            ..args.clone()
        };
        assert_eq!(kept(with_bank), shipped.evidence);
        let blend = Some(folder.path().join("checkpoint.bin"));
        assert_eq!(kept(ExportArgs { blend, ..args }), None);
    }
}
