//! The comparison as tables.

use idm_engine::drum::{DRUM_COUNT, Drum};

use super::network::Synthesiser;
use crate::{
    evaluation::{header, mean, row},
    kits::SAMPLE_RATE_HZ,
    network::{CHOICE_COUNT, EMBEDDING, Weights, parameter_count},
    one_shot::one_shot_samples,
};

/// Scores of one way to choose or make one-shots.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// Log-spectral distance in decibels per drum, over the excerpts that play
    /// it; none if there are none.
    pub distance_db: Vec<Option<f64>>,
    /// Mean SI-SDR in decibels of separation by these one-shots with the true
    /// hits, if it was measured.
    pub si_sdr_db: Option<f64>,
}

impl Row {
    /// Mean distance over the drums.
    pub fn mean_db(&self) -> Option<f64> {
        mean(self.distance_db.iter().flatten().copied())
    }
}

/// What one way costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// What it is.
    pub name: String,
    /// Numbers that are stored.
    pub weights: usize,
    /// Multiply-adds for the nine one-shots of a kit.
    pub multiply_adds: u64,
    /// Time for them on this machine, in milliseconds.
    pub time_ms: f64,
    /// Shortest and longest one-shot in seconds.
    pub length_s: [f64; 2],
}

impl Cost {
    /// Of the bank, which took `time_ms` per kit.
    pub fn of_bank(time_ms: f64) -> Cost {
        let lengths = Drum::ALL.map(one_shot_samples);
        let classifier = DRUM_COUNT * CHOICE_COUNT * (EMBEDDING + 1);
        let seconds = |samples: usize| samples as f64 / SAMPLE_RATE_HZ;
        Cost {
            name: "bank".to_owned(),
            weights: CHOICE_COUNT * lengths.iter().sum::<usize>() + classifier,
            multiply_adds: (DRUM_COUNT * CHOICE_COUNT * EMBEDDING) as u64,
            time_ms,
            length_s: [
                seconds(lengths.iter().copied().min().unwrap_or(0)),
                seconds(lengths.iter().copied().max().unwrap_or(0)),
            ],
        }
    }

    /// Of the network, which took `time_ms` per kit.
    pub fn of_network(synthesiser: &Synthesiser, weights: &Weights, time_ms: f64) -> Cost {
        let size = synthesiser.size();
        Cost {
            name: "network".to_owned(),
            weights: parameter_count(weights),
            multiply_adds: DRUM_COUNT as u64 * size.multiply_adds(),
            time_ms,
            length_s: [size.samples() as f64 / SAMPLE_RATE_HZ; 2],
        }
    }
}

/// The whole comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What was evaluated on.
    pub material: String,
    /// One row per way.
    pub rows: Vec<Row>,
    /// What the bank and the network cost.
    pub costs: [Cost; 2],
}

impl Comparison {
    /// Both tables in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("One-shots on {}.\n\n", self.material);
        let drums = Drum::ALL.map(Drum::name);
        let title = "Log-spectral distance to the kit, dB";
        let more = ["mean", "SI-SDR of synthesis, true hits, dB"];
        header(&mut text, title, &drums, &more);
        let cell = |value: Option<f64>| {
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"))
        };
        for line in &self.rows {
            let means = [line.mean_db(), line.si_sdr_db];
            let cells = line.distance_db.iter().copied().chain(means);
            row(&mut text, &line.name, cells.map(cell));
        }
        text.push('\n');
        let columns = [
            "weights",
            "multiply-adds per kit",
            "ms per kit",
            "length, s",
        ];
        header(&mut text, "Cost", &columns, &[]);
        for cost in &self.costs {
            let [shortest, longest] = cost.length_s;
            let cells = [
                cost.weights.to_string(),
                cost.multiply_adds.to_string(),
                format!("{:.1}", cost.time_ms),
                format!("{shortest:.2} to {longest:.2}"),
            ];
            row(&mut text, &cost.name, cells.into_iter());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthesiser::Size;

    #[test]
    fn tables_hold_means_and_what_is_missing() {
        let size = Size::default();
        let synthesiser = Synthesiser::new(size);
        let weights = size.initial_weights(1);
        let comparison = Comparison {
            material: "a test".to_owned(),
            rows: vec![Row {
                name: "a way".to_owned(),
                distance_db: vec![Some(2.0), None, Some(5.0)],
                si_sdr_db: None,
            }],
            costs: [
                Cost::of_bank(0.5),
                Cost::of_network(&synthesiser, &weights, 250.0),
            ],
        };
        let text = comparison.markdown();
        assert!(
            text.contains("| a way | 2.0 | – | 5.0 | 3.5 | – |"),
            "{text}"
        );
        assert!(text.contains("| bank | 3441582 | 1728 | 0.5 | 0.40 to 3.00 |"));
        assert!(text.contains("| network | 342657 | 3350150784 | 250.0 | 1.02 to 1.02 |"));
    }
}
