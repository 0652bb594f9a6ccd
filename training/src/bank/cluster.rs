//! Groups of similar drums.

use crate::one_shot::Template;
use crate::random::Random;

/// Frames that count in the comparison: all.
const ALL_FRAMES: usize = usize::MAX;
/// Rounds of assignment and averaging.
const ROUNDS: usize = 12;

/// Groups `templates` into at most `count` groups; answers the members of
/// each, largest group first, none empty. Deterministic. Allocates.
pub fn cluster(templates: &[Template], count: usize, seed: u64) -> Vec<Vec<usize>> {
    if templates.is_empty() {
        return Vec::new();
    }
    let mut random = Random::new(&[seed, 0x636c_7573]);
    // Spread-out start: each next centre is likely to be far from the others.
    let mut centres = vec![templates[random.below(templates.len())].clone()];
    while centres.len() < count.min(templates.len()) {
        let distances: Vec<f32> = templates.iter().map(|t| nearest(t, &centres).1).collect();
        let mut left = random.unit() * distances.iter().sum::<f32>();
        let chosen = distances.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        centres.push(templates[chosen.unwrap_or(0)].clone());
    }
    let mut groups = Vec::new();
    for _ in 0..ROUNDS {
        groups = vec![Vec::new(); centres.len()];
        for (index, template) in templates.iter().enumerate() {
            groups[nearest(template, &centres).0].push(index);
        }
        groups.retain(|group| !group.is_empty());
        centres = groups
            .iter()
            .map(|group| Template::mean(group.iter().map(|&member| &templates[member])))
            .collect();
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}

/// Index and distance of the nearest of `centres`.
fn nearest(template: &Template, centres: &[Template]) -> (usize, f32) {
    centres
        .iter()
        .map(|centre| template.distance(centre, ALL_FRAMES))
        .enumerate()
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((0, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use idm_engine::front_end::BAND_COUNT;

    #[test]
    fn separates_what_differs() {
        let template = |band: usize, random: &mut Random| {
            let power: Vec<f32> = (0..70 * BAND_COUNT)
                .map(|n| {
                    let near = (n % BAND_COUNT).abs_diff(band) < 20;
                    random.range(0.8, 1.2) * if near { 1.0 } else { 1e-4 }
                })
                .collect();
            Template::from_power(&power, 70)
        };
        let mut random = Random::new(&[2]);
        let templates: Vec<Template> = (0..12)
            .map(|n| template(if n % 3 == 0 { 20 } else { 100 }, &mut random))
            .collect();
        let groups = cluster(&templates, 2, 1);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[1], [0, 3, 6, 9]);
        assert_eq!(groups[0].len(), 8);
    }
}
