//! The runs of a sweep, from TOML.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use toml::{Table, Value};

use crate::config::{Config, counts_steps_alone, remark_on_the_past};

/// Most runs of a sweep: nobody waits for more, and the lists of a grid multiply.
const MOST_RUNS: usize = 10_000;

/// The file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Configuration that all runs start from, relative to this file.
    base: String,
    /// Budget of each run; 0 keeps the budget of the configuration.
    #[serde(default)]
    steps: u64,
    /// Settings of all runs, as tables or as dotted keys.
    #[serde(default)]
    set: Table,
    /// Named runs.
    #[serde(default)]
    run: Vec<NamedRun>,
    /// Dotted keys and the values to try; all combinations, with each run.
    #[serde(default)]
    grid: Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedRun {
    name: String,
    #[serde(default)]
    set: Table,
}

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRun {
    /// Name in the table.
    pub name: String,
    /// Complete settings.
    pub config: Config,
}

impl PlannedRun {
    /// Name of the run's folder: letters, digits, dots, dashes and underscores.
    pub fn folder(&self) -> String {
        let keep = |c: char| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '=') {
                c
            } else {
                '_'
            }
        };
        self.name.chars().map(keep).collect()
    }
}

/// All runs of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// In the order of the file, the grid's last key changing fastest.
    pub runs: Vec<PlannedRun>,
}

impl Sweep {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// A file of another form, unknown settings, values that make no sense,
    /// two runs of one name.
    pub fn read(path: &Path) -> Result<Sweep> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the sweep {}", path.display()))?;
        let file: File =
            toml::from_str(&text).with_context(|| format!("{} is not a sweep", path.display()))?;
        let base = path.parent().unwrap_or(Path::new("")).join(&file.base);
        let base_text = fs::read_to_string(&base)
            .with_context(|| format!("cannot read the configuration {}", base.display()))?;
        let mut base: Table = toml::from_str(&base_text)
            .with_context(|| format!("{} is not a configuration", base.display()))?;
        merge(&mut base, &file.set)?;
        if file.steps > 0 {
            assign(
                &mut base,
                "schedule.steps",
                &Value::Integer(file.steps as i64),
            )?;
            assign(&mut base, "schedule.minutes", &Value::Float(0.0))?;
        }
        let (mut runs, mut folders) = (Vec::new(), BTreeSet::new());
        let named = if file.run.is_empty() {
            vec![NamedRun {
                name: String::new(),
                set: Table::new(),
            }]
        } else {
            file.run
        };
        let combinations = combinations(&file.grid, MOST_RUNS / named.len())
            .with_context(|| path.display().to_string())?;
        for run in &named {
            for combination in &combinations {
                let mut table = base.clone();
                merge(&mut table, &run.set)?;
                let mut parts = vec![run.name.clone()];
                for (key, value) in combination {
                    assign(&mut table, key, value)?;
                    let short = key.rsplit('.').next().unwrap_or(key);
                    parts.push(format!("{short}={value}"));
                }
                parts.retain(|part| !part.is_empty());
                let name = if parts.is_empty() {
                    "base".to_owned()
                } else {
                    parts.join(" ")
                };
                let counts_steps = counts_steps_alone(&table);
                remark_on_the_past(&table, path);
                let mut config: Config = Value::Table(table)
                    .try_into()
                    .with_context(|| format!("{}: run {name:?}", path.display()))?;
                if counts_steps {
                    config.schedule.minutes = 0.0;
                }
                config
                    .check()
                    .with_context(|| format!("{}: run {name:?}", path.display()))?;
                let run = PlannedRun { name, config };
                ensure!(
                    folders.insert(run.folder()),
                    "{}: expected runs of different names, found {:?} twice",
                    path.display(),
                    run.name
                );
                runs.push(run);
            }
        }
        Ok(Sweep { runs })
    }
}

/// All combinations of the values of `grid`, `most` at most.
fn combinations(grid: &Table, most: usize) -> Result<Vec<Vec<(&str, &Value)>>> {
    let mut all: Vec<Vec<(&str, &Value)>> = vec![Vec::new()];
    for (key, values) in grid {
        let Value::Array(values) = values else {
            bail!("grid.\"{key}\": expected a list of values, found {values}");
        };
        let count = all.len().saturating_mul(values.len());
        ensure!(
            count <= most,
            "grid: expected at most {MOST_RUNS} runs with all [[run]], found more"
        );
        all = all
            .into_iter()
            .flat_map(|start| {
                values.iter().map(move |value| {
                    let mut longer = start.clone();
                    longer.push((key.as_str(), value));
                    longer
                })
            })
            .collect();
    }
    Ok(all)
}

/// Most names in a dotted key: settings have two.
const MOST_NAMES: usize = 16;

/// Overwrites `target` by `source`, table by table; keys may be dotted.
fn merge(target: &mut Table, source: &Table) -> Result<()> {
    for (key, value) in source {
        match (target.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(more)) => merge(inner, more)?,
            _ => assign(target, key, value)?,
        }
    }
    Ok(())
}

/// Sets the value at a dotted key.
fn assign(table: &mut Table, key: &str, value: &Value) -> Result<()> {
    let names = key.split('.').count();
    ensure!(
        names <= MOST_NAMES,
        "expected a setting of at most {MOST_NAMES} names, found one of {names}"
    );
    assign_within(table, key, value)
}

fn assign_within(table: &mut Table, key: &str, value: &Value) -> Result<()> {
    let Some((first, rest)) = key.split_once('.') else {
        table.insert(key.to_owned(), value.clone());
        return Ok(());
    };
    let inner = table
        .entry(first)
        .or_insert_with(|| Value::Table(Table::new()));
    match inner {
        Value::Table(inner) => assign_within(inner, rest, value),
        other => bail!("{key:?}: expected {first:?} to be a table, found {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(text: &str) -> Result<Sweep> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("base.toml"),
            "name = \"b\"\n[data]\nbatch = 4\n",
        )
        .unwrap();
        let path = folder.path().join("sweep.toml");
        fs::write(&path, text).unwrap();
        Sweep::read(&path)
    }

    #[test]
    fn runs_and_grid_are_combined_and_later_settings_win() {
        let sweep = sweep(
            r#"
            base = "base.toml"
            steps = 7
            set = { data.piece_s = 2.0 }
            [[run]]
            name = "plain"
            [[run]]
            name = "no masks"
            set = { loss = { mask = 0.0 }, "data.batch" = 5 }
            [grid]
            "optimiser.learning_rate" = [1e-3, 2e-3]
            "#,
        )
        .unwrap();
        let names: Vec<&str> = sweep.runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names[0], "plain learning_rate=0.001");
        assert_eq!(names.len(), 4);
        let last = &sweep.runs[3];
        assert_eq!((last.config.data.batch, last.config.loss.mask), (5, 0.0));
        assert_eq!(last.config.loss.onset, 1.0);
        assert_eq!(last.config.optimiser.learning_rate, 2e-3);
        assert_eq!(
            (last.config.schedule.steps, last.config.schedule.minutes),
            (7, 0.0)
        );
        assert_eq!(sweep.runs[0].config.data.piece_s, 2.0);
        assert_eq!(last.folder(), "no_masks_learning_rate=0.002");
    }

    #[test]
    fn runs_may_count_steps_alone() {
        let text = "base = \"base.toml\"\n[grid]\n\"schedule.steps\" = [3]";
        let schedule = &sweep(text).unwrap().runs[0].config.schedule;
        assert_eq!((schedule.steps, schedule.minutes), (3, 0.0));
    }

    /// More runs than there are atoms.
    fn many_runs() -> String {
        let values = vec!["1"; 1_000].join(",");
        let keys = (0..30).map(|key| format!("\"data.key_{key}\" = [{values}]\n"));
        format!("base = \"base.toml\"\n[grid]\n{}", keys.collect::<String>())
    }

    #[test]
    fn errors_name_the_run_and_the_setting() {
        for (text, expected) in [
            (
                "base = \"base.toml\"\n[[run]]\nname = \"x\"\nset = { data.bach = 3 }",
                "bach",
            ),
            (
                "base = \"base.toml\"\n[grid]\n\"data.batch\" = 3",
                "expected a list",
            ),
            (
                "base = \"base.toml\"\n[[run]]\nname = \"x\"\nset = { data.batch = 0 }",
                "data.batch",
            ),
            ("base = \"none.toml\"", "none.toml"),
            (
                "base = \"base.toml\"\n[[run]]\nname = \"x\"\n[[run]]\nname = \"x\"",
                "twice",
            ),
            ("bas = \"base.toml\"", "not a sweep"),
            (
                &format!(
                    "base = \"base.toml\"\n[grid]\n\"a{}\" = [1]",
                    ".b".repeat(100_000)
                ),
                "expected a setting of at most 16 names, found one of 100001",
            ),
            (
                &many_runs(),
                "sweep.toml: grid: expected at most 10000 runs",
            ),
        ] {
            let error = format!("{:#}", sweep(text).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn every_shipped_sweep_reads() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sweeps");
        let mut count = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let sweep = Sweep::read(&entry.unwrap().path()).unwrap();
            assert!(!sweep.runs.is_empty());
            count += 1;
        }
        assert!(count >= 1);
    }
}
