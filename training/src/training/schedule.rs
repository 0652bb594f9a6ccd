//! How far a run is, and the learning rate there.

use super::Progress;
use crate::config::Config;

/// Share of the budget that is used up, 0..1.
pub(crate) fn budget_share(config: &Config, progress: &Progress) -> f64 {
    let used = if config.schedule.steps > 0 {
        progress.step as f64 / config.schedule.steps as f64
    } else {
        progress.elapsed_s / (60.0 * config.schedule.minutes)
    };
    used.min(1.0)
}

/// Learning rate after `step` steps when `share` of the budget is used up:
/// linear warm-up, then half a cosine.
pub(crate) fn learning_rate(config: &Config, step: u64, share: f64) -> f32 {
    let optimiser = &config.optimiser;
    let warm = (step + 1) as f32 / optimiser.warmup_steps.max(1) as f32;
    let cosine = 0.5 + 0.5 * (std::f64::consts::PI * share).cos() as f32;
    let level = optimiser.final_share + (1.0 - optimiser.final_share) * cosine;
    optimiser.learning_rate * level * warm.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_warms_up_and_falls_with_the_budget() {
        let mut config = Config {
            name: "x".into(),
            ..Config::default()
        };
        config.schedule.minutes = 0.0;
        config.schedule.steps = 1_000;
        let rate_at = |step: u64| {
            let progress = Progress {
                step,
                ..Progress::default()
            };
            learning_rate(&config, step, budget_share(&config, &progress))
        };
        assert!(rate_at(0) < 0.05 * config.optimiser.learning_rate);
        assert!(rate_at(60) > 0.95 * config.optimiser.learning_rate);
        assert!(rate_at(500) < 0.6 * config.optimiser.learning_rate);
        let last = rate_at(1_000);
        assert!(
            (last / config.optimiser.learning_rate - config.optimiser.final_share).abs() < 1e-3
        );
    }
}
