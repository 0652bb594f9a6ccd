//! `cargo xtask test`: everything that must hold before a change is landed.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::bundle::{self, Selection};
use crate::{presets, setup, workspace};

/// One section of the test run.
struct Section {
    title: &'static str,
    outcome: Result<()>,
    time: Duration,
}

/// Runs all checks, one after another, also after a failure; prints a summary
/// and fails if any has failed.
pub fn run() -> Result<()> {
    let start = Instant::now();
    let mut sections = Vec::new();
    let mut section = |title: &'static str, check: &mut dyn FnMut() -> Result<()>| {
        println!("\n==== {title} ====");
        let begin = Instant::now();
        let outcome = check();
        if let Err(error) = &outcome {
            println!("{title}: {error:#}");
        }
        sections.push(Section {
            title,
            outcome,
            time: begin.elapsed(),
        });
    };

    section("System packages", &mut setup::setup);
    section("Format", &mut || cargo(&["fmt", "--all", "--", "--check"]));
    section("Bundles", &mut || {
        bundle::bundle(Selection::Workspace, None).map(|_| ())
    });
    section("Unit and integration tests", &mut || {
        let mut command = workspace::cargo();
        command.args([
            "test",
            "--release",
            "--locked",
            "--workspace",
            "--no-fail-fast",
        ]);
        if cfg!(target_os = "linux") {
            // The system packages hold a driver, if only a software one.
            command.env("IDM_TEST_GPU", "1");
        }
        announced(&mut command)
    });
    section("Benchmarks, once each", &mut || {
        cargo(&[
            "bench",
            "--locked",
            "--workspace",
            "--bench",
            "*",
            "--",
            "--test",
        ])
    });
    section("Presets", &mut || {
        presets::check(&bundle::bundle(Selection::Workspace, None)?)
    });
    section("Lints", &mut || {
        cargo(&[
            "clippy",
            "--release",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
    });
    section("Documentation", &mut || {
        let mut command = workspace::cargo();
        command.args(["doc", "--release", "--locked", "--workspace", "--no-deps"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        announced(&mut command)
    });
    summarise(&sections, start.elapsed())
}

fn cargo(arguments: &[&str]) -> Result<()> {
    announced(workspace::cargo().args(arguments))
}

fn announced(command: &mut Command) -> Result<()> {
    println!("$ {}", workspace::show(command));
    workspace::run(command)
}

fn summarise(sections: &[Section], total: Duration) -> Result<()> {
    println!("\n==== Summary ====");
    for section in sections {
        let outcome = if section.outcome.is_ok() {
            "ok"
        } else {
            "FAILED"
        };
        println!(
            "{outcome:<7} {:<28} {:>7.1} s",
            section.title,
            section.time.as_secs_f64()
        );
    }
    println!("total {:>39.1} s", total.as_secs_f64());
    let failed = sections
        .iter()
        .filter(|section| section.outcome.is_err())
        .count();
    if failed > 0 {
        bail!("{failed} of {} checks failed", sections.len());
    }
    println!("All checks passed.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_the_whole() {
        let section = |outcome| Section {
            title: "Section",
            outcome,
            time: Duration::ZERO,
        };
        assert!(summarise(&[section(Ok(()))], Duration::ZERO).is_ok());
        let bad = [section(Ok(())), section(Err(anyhow::anyhow!("no")))];
        assert!(summarise(&bad, Duration::ZERO).is_err());
    }
}
