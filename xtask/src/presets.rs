//! `cargo xtask presets`: checks what is shipped in `presets/`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::bundle::Bundles;
use crate::hosts::{self, Host};
use crate::{demo_loop, wav, workspace};

/// Checks that every model in `presets/models` loads and separates, and that
/// every factory preset names parameters of the plugin and comes back unchanged
/// after loading. Prints a line for each; fails at the end if any
/// is bad.
pub fn check(bundles: &Bundles) -> Result<()> {
    let presets = workspace::root().join("presets");
    let models = children(&presets.join("models"), |path| path.is_dir())?;
    ensure!(!models.is_empty(), "presets/models holds no model");
    let factory = children(&presets.join("factory"), |path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    })?;
    let mut bad = 0;
    for model in &models {
        bad += usize::from(!report(model, check_model(&bundles.idm, model)));
    }
    for preset in &factory {
        bad += usize::from(!report(preset, check_preset(&bundles.vst3, preset)));
    }
    if bad > 0 {
        bail!("{bad} of {} presets are bad", models.len() + factory.len());
    }
    println!(
        "{} models and {} factory presets are good",
        models.len(),
        factory.len()
    );
    Ok(())
}

fn report(path: &Path, result: Result<()>) -> bool {
    let shown = path
        .strip_prefix(workspace::root())
        .unwrap_or(path)
        .display();
    match result {
        Ok(()) => {
            println!("good  {shown}");
            true
        }
        Err(error) => {
            println!("BAD   {shown}: {error:#}");
            false
        }
    }
}

fn children(folder: &Path, keep: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if keep(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Lets the command line tool separate a little audio with the model: it loads
/// the model as the plugin would, and says what is wrong with it.
fn check_model(idm: &Path, model: &Path) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("idm-presets-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let input = folder.join("loop.wav");
    wav::write(&input, 44_100.0, &demo_loop::render(44_100.0).channels)?;
    let output = std::process::Command::new(idm)
        .arg("separate")
        .arg(&input)
        .arg("--out")
        .arg(&folder)
        .arg("--model")
        .arg(model)
        .output();
    std::fs::remove_dir_all(&folder)?;
    let output = output.with_context(|| format!("{}: cannot be run", idm.display()))?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// Loads the preset into the plugin and compares.
fn check_preset(vst3: &Path, preset: &Path) -> Result<()> {
    let text = std::fs::read(preset)?;
    let wanted = parameters_of(&text).context("not a preset")?;
    let mut host = hosts::vst3::Vst3Host::open(vst3, None)?;
    let own = parameters_of(&host.save_state()?).context("the plugin's state is no JSON")?;
    let unknown: Vec<_> = wanted.keys().filter(|id| !own.contains_key(*id)).collect();
    ensure!(unknown.is_empty(), "parameters are unknown: {unknown:?}");
    host.load_state(&text)?;
    let found = parameters_of(&host.save_state()?)?;
    for (id, value) in &wanted {
        ensure!(
            same(value, &found[id]),
            "parameter {id}: expected {value}, found {} after loading",
            found[id]
        );
    }
    Ok(())
}

fn parameters_of(state: &[u8]) -> Result<serde_json::Map<String, Value>> {
    let state: Value = serde_json::from_slice(state)?;
    state
        .get("params")
        .and_then(Value::as_object)
        .cloned()
        .context("no object called params")
}

/// Equal, with numbers to a relative 0.0001: they pass through normalised values.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-4 * a.abs().max(1e-2),
            _ => a == b,
        },
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_compare_through_rounding() {
        let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert!(same(
            &value(r#"{"f32":0.30000001}"#),
            &value(r#"{"f32":0.3}"#)
        ));
        assert!(!same(&value(r#"{"f32":0.31}"#), &value(r#"{"f32":0.3}"#)));
        assert!(!same(
            &value(r#"{"bool":true}"#),
            &value(r#"{"bool":false}"#)
        ));
        assert!(!same(&value(r#"{"i32":1}"#), &value(r#"{"f32":1}"#)));
    }

    #[test]
    fn states_without_parameters_are_errors() {
        assert!(parameters_of(b"{}").is_err());
        assert!(parameters_of(b"no JSON").is_err());
        assert!(parameters_of(br#"{"params":{"qual":1}}"#).is_ok());
    }
}
