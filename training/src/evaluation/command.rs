//! `idm-train evaluate`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use idm_engine::{model::Model, note_map::NoteMap};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use super::{
    breakdown::Breakdown,
    corrections,
    diagnosis::Diagnosis,
    golden::Golden,
    material::{self, Excerpt, GROOVES, KITS, Material, generic_templates},
    one_shots::{self, OneShotQuality},
    recorded,
    report::Report,
    robustness::Robustness,
    rows::System,
    score::score,
    systems::Estimate,
};
use crate::{recordings::note_map, render::Piece};

/// Length of an excerpt that nobody asks for otherwise.
const EXCERPT_DEFAULT_S: f64 = 10.0;

/// Options of `idm-train evaluate`.
#[derive(Debug, Clone, Args)]
pub struct EvaluateArgs {
    /// Folder with drums/ (kits in drums/valid/ are held out, or those of which kits.csv
    /// says so), drums_validation/ and grooves/; without it the excerpts are procedural
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder of the model
    #[arg(long, value_name = "DIR", default_value = "presets/models/default")]
    pub model: PathBuf,
    /// Rows of the tables, separated by commas; all by default
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SYSTEM,…")]
    pub systems: Vec<System>,
    /// What is evaluated on, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', value_name = "MATERIAL,…", default_values_t = [
        Material::Plain,
        Material::Hard,
    ])]
    pub material: Vec<Material>,
    /// Number of excerpts of each material
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub excerpts: u32,
    /// Length of an excerpt in seconds: 10 by default; of recordings so many from their
    /// beginning, all by default
    #[arg(long)]
    pub seconds: Option<f64>,
    /// Number of threads; all cores by default
    #[arg(long)]
    pub threads: Option<usize>,
    /// Folder for the tables (Markdown, JSON) and pictures
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Measure the engine in changed conditions (level, rate, compression, room,
    /// dulling) instead
    #[arg(long, conflicts_with_all = ["systems"])]
    pub robustness: bool,
    /// Measure how near the one-shots come to the kit while the engine listens
    /// (plain material) instead
    #[arg(long, conflicts_with_all = ["robustness", "systems", "material", "seconds"])]
    pub one_shots: bool,
    /// Measure what comes after the first seconds when a user corrects those, instead
    #[arg(long, value_name = "SECONDS", conflicts_with_all = [
        "robustness", "one_shots", "systems",
    ])]
    pub corrected: Option<f64>,
    /// Measure what it brings when a user settles so many moments, those that are most in
    /// doubt, instead
    #[arg(long, value_name = "MOMENTS", conflicts_with_all = [
        "robustness", "one_shots", "corrected", "systems",
    ])]
    pub settled: Option<usize>,
    /// Measure what it brings when a user says of so many drums, all of which are taken for
    /// others, what they are, instead
    #[arg(long, value_name = "DRUMS", conflicts_with_all = [
        "robustness", "one_shots", "corrected", "settled", "systems",
    ])]
    pub renamed: Option<usize>,
    /// Measure on recordings of your own instead: folders as `train --recordings` takes them,
    /// MP3 and its like too, with stems beside them or without
    #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with_all = [
        "robustness", "one_shots", "corrected", "settled", "renamed", "material", "excerpts",
    ])]
    pub recordings: Vec<PathBuf>,
    /// Which instrument's notes MIDI files of recordings have
    #[arg(long, value_name = "MAP", default_value = NoteMap::GENERAL_MIDI.id,
          value_parser = note_map())]
    pub notes: NoteMap,
    /// Write the golden figures that a test compares with to this file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "robustness", "one_shots", "corrected", "settled", "renamed", "recordings", "data", "systems",
        "material", "excerpts", "seconds", "out",
    ])]
    pub golden: Option<PathBuf>,
}

impl EvaluateArgs {
    /// Length of an excerpt in seconds.
    fn seconds(&self) -> f64 {
        self.seconds.unwrap_or(EXCERPT_DEFAULT_S)
    }
}

/// Evaluates, prints the tables and writes what is asked for.
///
/// # Errors
/// When material or model cannot be loaded, or a file cannot be written.
pub fn run(args: EvaluateArgs) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.unwrap_or(0))
        .build()
        .context("threads cannot be started")?;
    ensure!(
        args.seconds
            .is_none_or(|seconds| seconds.is_finite() && seconds > 0.0),
        "--seconds: expected more than 0, found {}",
        args.seconds()
    );
    pool.install(|| {
        if let Some(path) = &args.golden {
            let golden = Golden::measure(&load_model(&args.model)?)?;
            for figure in &golden.figures {
                say!("{}: {}", figure.name, figure.value);
            }
            return golden.write(path);
        }
        if args.one_shots {
            return one_shots(&args);
        }
        if args.robustness {
            return robustness(&args);
        }
        let reports = match (args.corrected, args.settled, args.renamed) {
            _ if !args.recordings.is_empty() => vec![recorded::evaluate(&args)?],
            (None, None, None) => evaluate(&args)?,
            _ => corrected(&args)?,
        };
        for report in &reports {
            say!("{}", report.markdown());
        }
        if let Some(folder) = &args.out {
            Report::write_all(&reports, folder)?;
        }
        Ok(())
    })
}

/// The model in `folder`. Allocates.
///
/// # Errors
/// When it cannot be loaded; where there is none, that its default lies in the repository.
pub(crate) fn load_model(folder: &Path) -> Result<Arc<Model>> {
    ensure!(
        folder.is_dir(),
        "{}: expected the folder of a model, found none; pass --model DIR (the default is \
         relative to the repository)",
        folder.display()
    );
    Ok(Arc::new(Model::load(folder)?))
}

fn one_shots(args: &EvaluateArgs) -> Result<()> {
    let model = load_model(&args.model)?;
    let data = args.data.as_deref();
    let excerpts = Material::Plain.excerpts(data, args.excerpts as usize, one_shots::EXCERPT_S)?;
    let material = describe(Material::Plain, &excerpts, data);
    let table = OneShotQuality::new(&material, &excerpts, &model)?;
    say!("{}", table.markdown());
    if let Some(folder) = &args.out {
        table.write(folder)?;
    }
    Ok(())
}

fn robustness(args: &EvaluateArgs) -> Result<()> {
    let model = load_model(&args.model)?;
    let data = args.data.as_deref();
    for &material in &args.material {
        ensure!(
            material != Material::Stereo,
            "robustness is measured in mono: expected plain or hard material, found {material}"
        );
        let excerpts = material.excerpts(data, args.excerpts as usize, args.seconds())?;
        let table = Robustness::new(&describe(material, &excerpts, data), &excerpts, &model)?;
        say!("{}", table.markdown());
        if let Some(folder) = &args.out {
            table.write(folder)?;
        }
    }
    Ok(())
}

fn corrected(args: &EvaluateArgs) -> Result<Vec<Report>> {
    if let Some(seconds) = args.corrected {
        ensure!(
            seconds > 0.0 && seconds < args.seconds(),
            "--corrected: expected some of the {} s of an excerpt, found {seconds} s",
            args.seconds()
        );
    }
    let model = load_model(&args.model)?;
    let data = args.data.as_deref();
    let table = |&material: &Material| {
        let excerpts = material.excerpts(data, args.excerpts as usize, args.seconds())?;
        let described = describe(material, &excerpts, data);
        match (args.corrected, args.renamed) {
            (Some(seconds), _) => corrections::table(&described, &excerpts, &model, seconds),
            (_, Some(count)) => corrections::table_of_names(&described, &excerpts, &model, count),
            _ => {
                let count = args.settled.unwrap_or_default();
                corrections::table_of_doubt(&described, &excerpts, &model, count)
            }
        }
    };
    args.material.iter().map(table).collect()
}

/// What is evaluated on, in words; begins with the material's name.
pub(crate) fn describe(material: Material, excerpts: &[Excerpt], data: Option<&Path>) -> String {
    let seconds: f64 = excerpts
        .iter()
        .map(|excerpt| material::duration_s(&excerpt.piece))
        .sum();
    let has = |name: &str| data.is_some_and(|data| data.join(name).is_dir());
    let source = match (KITS.iter().any(|name| has(name)), has(GROOVES)) {
        (true, true) => "validation kits and grooves",
        (true, false) => "validation kits and generated patterns",
        (false, true) => "procedural kits and validation grooves",
        (false, false) => "procedural kits",
    };
    format!(
        "{material} material: {} excerpts, {seconds:.0} s, of {source}",
        excerpts.len()
    )
}

/// Evaluates the systems that `args` names on each material, on all threads of
/// the pool. Allocates.
///
/// # Errors
/// When material or model cannot be loaded.
pub fn evaluate(args: &EvaluateArgs) -> Result<Vec<Report>> {
    let all = <System as clap::ValueEnum>::value_variants();
    let systems = if args.systems.is_empty() {
        all
    } else {
        &args.systems
    };
    let data = args.data.as_deref();
    let model = if systems.iter().any(|system| system.needs_model()) {
        Some(load_model(&args.model)?)
    } else {
        None
    };
    let templates = if systems.iter().any(|system| system.needs_templates()) {
        generic_templates(data)?
    } else {
        Vec::new()
    };
    let mut reports = Vec::new();
    for &material in &args.material {
        let excerpts = material.excerpts(data, args.excerpts as usize, args.seconds())?;
        let known_kit = excerpts.iter().all(|excerpt| excerpt.true_kit.is_some());
        let has_others = excerpts
            .iter()
            .all(|e| e.another.is_some() && e.foreign.is_some());
        let mut evaluation = Evaluation::new(&excerpts, model.as_ref());
        let rows = systems.iter().filter(|system| {
            (known_kit || !system.needs_kit())
                && (has_others || !system.needs_another())
                && (material == Material::Stereo || !system.needs_stereo())
        });
        for &system in rows {
            let start = Instant::now();
            let bar = progress(excerpts.len(), system.label());
            let estimates: Vec<Estimate> = excerpts
                .par_iter()
                .map(|excerpt| {
                    let estimate = system.run(excerpt, model.as_ref(), &templates);
                    estimate.inspect(|_| bar.inc(1))
                })
                .collect::<Result<_>>()?;
            evaluation.add(system, estimates);
            bar.finish_and_clear();
            complain!(
                "{material}: {}: {:.1} s",
                system.label(),
                start.elapsed().as_secs_f64()
            );
        }
        reports.push(evaluation.report(describe(material, &excerpts, data)));
    }
    Ok(reports)
}

/// Scores of one material as they come in.
struct Evaluation<'a> {
    excerpts: &'a [Excerpt],
    pieces: Vec<&'a Piece>,
    model: Option<&'a Arc<Model>>,
    report: Report,
    network: Option<Vec<Estimate>>,
    ours: Option<Vec<Estimate>>,
}

impl<'a> Evaluation<'a> {
    fn new(excerpts: &'a [Excerpt], model: Option<&'a Arc<Model>>) -> Evaluation<'a> {
        Evaluation {
            excerpts,
            pieces: excerpts.iter().map(|excerpt| &excerpt.piece).collect(),
            model,
            report: Report::default(),
            network: None,
            ours: None,
        }
    }

    fn add(&mut self, system: System, mut estimates: Vec<Estimate>) {
        let references: Vec<&Estimate> = estimates.iter().collect();
        let scores = score(system.label(), &self.pieces, &references);
        self.report.systems.push(scores);
        if system == System::Ours {
            let breakdown = Breakdown::new(system.label(), self.excerpts, &estimates);
            self.report.breakdown = Some(breakdown);
        }
        for estimate in &mut estimates {
            estimate.stems = Vec::new();
        }
        match system {
            System::Ours => self.ours = Some(estimates),
            System::Network => self.network = Some(estimates),
            _ => {}
        }
    }

    fn report(mut self, material: String) -> Report {
        self.report.material = material;
        if let (Some(ours), Some(network), Some(model)) = (&self.ours, &self.network, self.model) {
            let strict = &model.meta().thresholds.strict;
            self.report.diagnosis = Some(Diagnosis::new(&self.pieces, ours, network, strict));
        }
        self.report
    }
}

/// A bar that counts to `length`.
pub(super) fn progress(length: usize, message: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64)
        .with_style(style)
        .with_message(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_says_how_lists_are_written_and_where_kits_are_held_out() {
        let help = EvaluateArgs::augment_args(clap::Command::new("evaluate"))
            .render_long_help()
            .to_string();
        for expected in ["<SYSTEM,…>", "<MATERIAL,…>", "drums/valid/"] {
            assert!(help.contains(expected), "{expected}: {help}");
        }
    }

    #[test]
    fn a_missing_model_is_asked_for() {
        let error = load_model(Path::new("nowhere/model")).unwrap_err();
        assert!(error.to_string().contains("pass --model"), "{error}");
    }
}
