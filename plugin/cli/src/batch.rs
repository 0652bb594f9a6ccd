//! Many inputs, several at a time; a failure concerns its own file only.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use idm_engine::audio_file::is_called_audio;
use idm_engine::model::Model;
use indicatif::ProgressBar;
use rayon::prelude::*;

use crate::args::CommonArgs;
use crate::console;
use crate::hits::HitsRole;
use crate::interrupt;
use crate::learn_from::{self, KitOfAnother};
use crate::outputs::{self, OutputFolder, Protected, Written};
use crate::progress::Progress;
use crate::render::{self, Rendered, Settings, Sink};
use crate::summary::{Figures, FileSummary, RunSummary};

/// Everything went well.
const OK: u8 = 0;
/// At least one input failed; the others have their results.
const SOME_FAILED: u8 = 1;
/// The call itself was wrong; nothing was done. Clap uses it too.
const USAGE: u8 = 2;

/// One input with all it needs.
#[derive(Debug)]
pub struct Job<'a> {
    /// The file.
    pub input: &'a Path,
    /// Where its results go.
    pub outputs: OutputFolder<'a>,
    /// The model that all jobs share.
    pub model: &'a Arc<Model>,
    /// The kit with which it begins.
    kit: Option<&'a KitOfAnother>,
    /// What the file of hits is for, if there is one.
    hits_role: HitsRole,
    bar: ProgressBar,
    progress: &'a Progress,
    /// What was said about this input.
    said: Mutex<Vec<String>>,
}

impl Job<'_> {
    /// Renders the input into `sink`; says what was not as it was meant.
    ///
    /// # Errors
    /// As [`render::render`], or stems that do not add up to the input.
    pub fn render(&self, settings: &Settings, sink: &mut dyn Sink) -> Result<Rendered> {
        let source = render::Source {
            path: self.input,
            model: self.model,
            kit: self.kit.map(|another| &another.kit),
        };
        let rendered = render::render(&source, settings, sink, &|done, total| {
            self.show(done, total);
        })?;
        let rate_hz = rendered.format.sample_rate_hz;
        let warnings = rendered.missing().into_iter();
        for warning in warnings.chain(rendered.input.warnings(rate_hz)) {
            self.say(&format!("{}: {warning}", self.input.display()));
        }
        if settings.is_separated() {
            rendered.check_null()?;
        }
        if let Some(warning) = rendered.hits_beyond_end(settings) {
            self.say(&warning);
        }
        if let Some(differences) = rendered.differences {
            let option = self.hits_role.option();
            self.say(&format!("{option}: {}", differences.line()));
        }
        Ok(rendered)
    }

    /// Writes `content` as the result `name`; says so if it was given and stays.
    ///
    /// # Errors
    /// As [`OutputFolder::write`].
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        if self.outputs.write(name, content)? == Written::LeftAsItWas {
            let path = self.outputs.path().join(name);
            let option = self.hits_role.option();
            self.say(&format!("{}: left as it is: {option}", path.display()));
        }
        Ok(())
    }

    /// As [`OutputFolder::keep_if_edited`], and says where it is now.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn keep_if_edited(&self, name: &str, content: &[u8]) -> Result<()> {
        if let Some(kept) = self.outputs.keep_if_edited(name, content)? {
            let path = self.outputs.path().join(name);
            self.say(&format!(
                "{}: is not as idm wrote it, kept as {}",
                path.display(),
                kept.display()
            ));
        }
        Ok(())
    }

    /// Says something that is no failure, on standard error and in the summary.
    pub fn say(&self, line: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push(line.to_owned());
        self.progress.print_error(&format!("idm: {line}"));
    }

    /// Name of the recording: that of the results' folder.
    pub fn name(&self) -> String {
        let name = self.outputs.path().file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Moves the progress bar; the length may be unknown or an estimate.
    fn show(&self, frames: u64, total: Option<u64>) {
        self.bar.set_length(total.unwrap_or(frames).max(frames));
        self.bar.set_position(frames);
    }
}

/// Says what is wrong with the call.
pub fn usage(error: &str) -> ExitCode {
    console::complain(format_args!("error: {error}"));
    ExitCode::from(USAGE)
}

/// Does `work` for every input and reports. Outputs leave `samples` (files or folders)
/// and the file of known hits alone. An input is refused before any work if a file of the
/// user's has one of the `names` that its results may have, hits apart.
pub fn run(
    command: &'static str,
    args: &CommonArgs,
    samples: &[PathBuf],
    names: impl Fn(&str) -> Vec<String> + Sync,
    work: impl Fn(&Job<'_>) -> Result<Figures> + Sync,
) -> ExitCode {
    let started = Instant::now();
    let progress = Progress::new(args.json);
    let Prepared {
        model,
        kit,
        created,
    } = match prepare(args, &progress) {
        Ok(prepared) => prepared,
        Err(error) => {
            return usage(&one_line(&error));
        }
    };
    let titles = outputs::folder_names(&args.inputs);
    let (hits_role, hits) = args.known.file().unzip();
    let hits_role = hits_role.unwrap_or_default();
    let heard: Vec<PathBuf> = args
        .inputs
        .iter()
        .chain(&args.learn_from)
        .cloned()
        .collect();
    let protected = Protected::new(&heard, samples, hits);
    let files: Vec<FileSummary> = args
        .inputs
        .par_iter()
        .zip(&titles)
        .map(|(input, title)| {
            let bar = progress.file(title);
            let folder = args.out.join(title);
            let result = OutputFolder::create(folder.clone(), &protected).and_then(|outputs| {
                interrupt::check()?;
                if input.is_dir() {
                    bail!("expected audio files, found a folder{}", files_in(input));
                }
                outputs.refuse_others(names(title).iter().map(String::as_str))?;
                outputs.check_writable()?;
                let job = Job {
                    input,
                    outputs,
                    model: &model,
                    kit: kit.as_ref(),
                    hits_role,
                    bar: bar.clone(),
                    progress: &progress,
                    said: Mutex::default(),
                };
                let mut figures = work(&job)?;
                job.outputs.settle()?;
                figures.warnings = job.said.into_inner().unwrap_or_default();
                Ok(figures)
            });
            bar.finish_and_clear();
            report(&progress, args.json, input, folder, result)
        })
        .collect();

    outputs::remove_empty(&created);
    let failed = files.iter().filter(|file| file.error.is_some()).count();
    if args.json {
        let meta = model.meta();
        let summary = RunSummary {
            command,
            version: env!("CARGO_PKG_VERSION"),
            model: format!("{} {}", meta.name, meta.version),
            wall_s: started.elapsed().as_secs_f64(),
            learnt_from: kit,
            failed,
            files,
        };
        let text = serde_json::to_string_pretty(&summary).expect("plain data is always JSON");
        if let Err(error) = console::print(text) {
            console::complain(format_args!("error: standard output: {error}"));
            return ExitCode::from(SOME_FAILED);
        }
    }
    ExitCode::from(if failed == 0 { OK } else { SOME_FAILED })
}

/// What must be right before any input is touched.
struct Prepared {
    model: Arc<Model>,
    /// Of another recording.
    kit: Option<KitOfAnother>,
    /// Folders that were created for the results.
    created: Vec<PathBuf>,
}

fn prepare(args: &CommonArgs, progress: &Progress) -> Result<Prepared> {
    let model = match &args.model {
        Some(folder) => Model::load(folder)
            .map(Arc::new)
            .with_context(|| format!("--model {}", folder.display()))?,
        None => Model::embedded().context("built-in model")?,
    };
    if args.out.exists() && !args.out.is_dir() {
        bail!(
            "--out {}: expected a folder, found a file",
            args.out.display()
        );
    }
    interrupt::listen().context("Ctrl-C handler")?;
    let kit = learn_from::kit(args, &model, progress)?;
    let created = outputs::create_folder(&args.out);
    let created = created.with_context(|| format!("--out {}", args.out.display()))?;
    Ok(Prepared {
        model,
        kit,
        created,
    })
}

/// How the audio files in `folder` are given, in the words of a shell.
fn files_in(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    let endings: BTreeSet<String> = files
        .filter(|path| path.is_file() && is_called_audio(path))
        .filter_map(|path| Some(path.extension()?.to_string_lossy().into_owned()))
        .collect();
    let endings: Vec<String> = endings.into_iter().collect();
    let files = match endings.as_slice() {
        [] => return " without any".to_owned(),
        [one] => format!("*.{one}"),
        more => format!("*.{{{}}}", more.join(",")),
    };
    format!(": {}", folder.join(files).display())
}

/// Tells the outcome of one input as soon as it is known.
fn report(
    progress: &Progress,
    json: bool,
    input: &Path,
    folder: PathBuf,
    result: Result<Figures>,
) -> FileSummary {
    let mut summary = FileSummary {
        input: input.to_path_buf(),
        output: None,
        error: None,
        figures: None,
    };
    match result {
        Ok(figures) => {
            if !json {
                progress.print(&format!(
                    "{} -> {}: {}",
                    input.display(),
                    folder.display(),
                    figures.line()
                ));
            }
            summary.output = Some(folder);
            summary.figures = Some(figures);
        }
        Err(error) => {
            let mut message = one_line(&error);
            let name = input.display().to_string();
            if !message.starts_with(&name) {
                message = format!("{name}: {message}");
            }
            progress.print_error(&format!("error: {message}"));
            summary.error = Some(message);
        }
    }
    summary
}

/// The error with its causes, each said once, on one line.
fn one_line(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // Many errors repeat their cause in their own words.
        if message.contains(&cause) {
            continue;
        }
        if !message.is_empty() {
            message += ": ";
        }
        message += &cause;
    }
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_folder_are_named_by_their_kinds() {
        let folder = tempfile::tempdir().expect("a folder");
        let says = || files_in(folder.path());
        let add = |name: &str| std::fs::write(folder.path().join(name), b"").expect("written");
        add("notes.txt");
        assert_eq!(says(), " without any");
        add("a.wav");
        assert!(says().ends_with("/*.wav"), "{}", says());
        add("b.M4A");
        add("c.wav");
        assert!(says().ends_with("/*.{M4A,wav}"), "{}", says());
    }

    #[test]
    fn errors_fit_on_one_line_and_say_things_once() {
        let error = anyhow::anyhow!("no such\nthing")
            .context("kick.wav")
            .context("loop");
        assert_eq!(one_line(&error), "loop: kick.wav: no such thing");
        let error = anyhow::anyhow!("full").context("a.wav: full");
        assert_eq!(one_line(&error), "a.wav: full");
    }
}
