//! Names of the samples of saved kits, as they are written and read.

use crate::drum::Drum;

/// Most velocity layers of a drum that is learnt.
pub const MOST_LAYERS: usize = 8;

/// What a velocity layer is called: nothing if it is the only one.
pub fn layer_name(layer: usize, layers: usize) -> String {
    match (layers, layer) {
        (0 | 1, _) => String::new(),
        (2 | 3, 0) => "soft".to_string(),
        (2, 1) | (3, 2) => "loud".to_string(),
        (3, _) => "medium".to_string(),
        _ => format!("layer_{}", layer + 1),
    }
}

/// What tells the file of a velocity layer from those of others.
pub fn suffix(layer: usize, layers: usize) -> String {
    match layer_name(layer, layers) {
        which if which.is_empty() => which,
        which => format!("_{which}"),
    }
}

/// The drum of a sample that has the name `stem` (without its ending) in some saved kit,
/// whatever that one's title. Allocates.
pub fn drum_of_sample(stem: &str) -> Option<Drum> {
    let layers = (1..=MOST_LAYERS).flat_map(|count| (0..count).map(move |n| suffix(n, count)));
    let mut ends = layers
        .flat_map(|suffix| Drum::ALL.map(|drum| (drum, format!("_{}{suffix}", drum.file_stem()))));
    ends.find_map(|(drum, end)| stem.ends_with(&end).then_some(drum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_have_readable_names() {
        let names = |layers| {
            (0..layers)
                .map(|n| layer_name(n, layers))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(1), [""]);
        assert_eq!(names(2), ["soft", "loud"]);
        assert_eq!(names(3), ["soft", "medium", "loud"]);
        assert_eq!(names(4)[3], "layer_4");
    }
}
