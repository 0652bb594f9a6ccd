//! Ending a run that no longer improves.

use super::Record;

/// Number of validations since the best one: 0 if the last is the best, or if
/// nothing was measured. Equal is not better.
pub fn validations_since_best(history: &[Record]) -> usize {
    let measured = history.iter().filter_map(|record| record.validation_f);
    let mut best = f64::NEG_INFINITY;
    let mut since = 0;
    for value in measured {
        if value > best {
            (best, since) = (value, 0);
        } else {
            since += 1;
        }
    }
    since
}

/// Whether nothing has improved for `patience` validations and for the time that as many
/// of them take: the validations that pauses bring use up no patience.
pub fn is_stalled(history: &[Record], patience: usize, validate_minutes: f64) -> bool {
    let waited = match (best_validation(history), history.last()) {
        (Some(best), Some(last)) => last.minutes - best.minutes,
        _ => 0.0,
    };
    patience > 0
        && validations_since_best(history) >= patience
        && waited >= patience as f64 * validate_minutes
}

/// The first of the best validations, if anything was measured.
pub fn best_validation(history: &[Record]) -> Option<&Record> {
    let measured = history
        .iter()
        .filter_map(|record| record.validation_f.map(|f| (record, f)));
    let better = |best: (_, f64), next: (_, f64)| if next.1 > best.1 { next } else { best };
    measured.reduce(better).map(|(record, _)| record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_the_first_best_validation() {
        let history = |values: &[Option<f64>]| -> Vec<Record> {
            let record = |validation_f: &Option<f64>| Record {
                validation_f: *validation_f,
                ..Record::default()
            };
            values.iter().map(record).collect()
        };
        assert_eq!(validations_since_best(&[]), 0);
        assert_eq!(
            validations_since_best(&history(&[Some(0.2), None, Some(0.3)])),
            0
        );
        let stalled = history(&[Some(0.2), Some(0.3), None, Some(0.3), Some(0.1), None]);
        assert_eq!(validations_since_best(&stalled), 2);
        assert!(std::ptr::eq(
            best_validation(&stalled).unwrap(),
            &stalled[1]
        ));
        assert!(best_validation(&history(&[None])).is_none());
    }

    #[test]
    fn pauses_use_up_no_patience() {
        let history: Vec<Record> = [(10.0, 0.3), (11.0, 0.2), (12.0, 0.2), (22.0, 0.1)]
            .map(|(minutes, f)| Record {
                minutes,
                validation_f: Some(f),
                ..Record::default()
            })
            .into();
        assert!(!is_stalled(&history[..3], 2, 10.0));
        assert!(!is_stalled(&history, 2, 10.0));
        assert!(is_stalled(&history, 1, 10.0));
        assert!(is_stalled(&history[..3], 2, 0.0));
        assert!(!is_stalled(&history, 0, 0.0) && !is_stalled(&[], 1, 0.0));
    }
}
