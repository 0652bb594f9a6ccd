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
}
