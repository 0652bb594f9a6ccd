//! `idm-train export`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use super::{DEFAULT_THRESHOLDS, data_licences, describe, export_model, round_matrices};
use crate::{
    bank::{load_bank, procedural_bank},
    config::Config,
    kits::Split,
    network::{Head, Network, initial_weights},
    training::{Checkpoint, DataFolders, Validation, calibrate, renderer, warm_start},
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
    /// (a smaller one is grown first). Between such weights lie better ones than
    /// either on material of both (Wortsman et al. 2022).
    #[arg(long)]
    pub blend: Option<PathBuf>,
    /// Share of those weights.
    #[arg(long, default_value_t = 0.5, requires = "blend")]
    pub blend_share: f32,
    /// Folder of a learnt bank (`idm-train bank`); without it, the one-shots
    /// are those of our synthesiser.
    #[arg(long)]
    pub bank: Option<PathBuf>,
    /// Folder with drums/ and grooves/, for thresholds on unseen kits.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Pieces to choose the thresholds on; 0 keeps fixed ones.
    #[arg(long, default_value_t = 240)]
    pub pieces: usize,
    /// Folder of the model.
    #[arg(long)]
    pub out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// Unusable files or material, or a model that the engine refuses.
pub fn run(args: &ExportArgs) -> Result<()> {
    let folders = match &args.data {
        Some(folder) => DataFolders::inside(folder)?,
        None => DataFolders::default(),
    };
    let (config, mut weights, trained) = match &args.checkpoint {
        Some(path) => {
            let checkpoint = Checkpoint::load(path)?;
            (checkpoint.config, checkpoint.optimiser.average, true)
        }
        None => {
            let config = Config {
                name: "untrained".to_owned(),
                ..Config::default()
            };
            (config, initial_weights(1), false)
        }
    };
    if let Some(path) = &args.blend {
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
    let mut thresholds = [DEFAULT_THRESHOLDS; 3];
    if trained && args.pieces > 0 {
        // As often as drummers play each drum, not as often as training does.
        let mut natural = config.clone();
        natural.data.groove_share = 1.0;
        let material =
            renderer(&natural, &folders, Split::Valid)?.with_tame_share(CALIBRATION_TAME_SHARE);
        let validation = Validation::new(&material, FIRST_CALIBRATION_PIECE, args.pieces);
        let scores = validation.measure(&mut Network::default(), &weights);
        for head in Head::ALL {
            let scores = &scores.heads[head.index()];
            println!(
                "{} head: onset F {:.3} pooled, {:.3} mean of five groups",
                head.name(),
                scores.pooled_f(),
                scores.macro_f()
            );
        }
        thresholds = calibrate(&scores);
    }
    ensure!(!config.name.is_empty(), "the model has no name");
    let licences = data_licences(folders.any());
    let meta = describe(&config.name, &config.hash(), licences, thresholds);
    let classes = match &args.bank {
        Some(folder) => load_bank(folder, &mut weights)?,
        None => procedural_bank(1),
    };
    export_model(&args.out, &weights, &classes, &meta)?;
    println!("wrote {}", args.out.display());
    Ok(())
}
